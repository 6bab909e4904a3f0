//! Durations and shares as people write them in a manifest.
//! Parsing only; each error says what was expected.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// `500us`, `2ms`, `5s`, `1m`, `2h`: a whole number and a unit.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("{text:?}: expected like 2ms or 5s"))?;
    let seconds = |each| number.checked_mul(each).map(Duration::from_secs);
    let parsed = match &text[digits.len()..] {
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        unit => return Err(format!("{unit:?} is no unit: use us, ms, s, m or h")),
    };
    parsed.ok_or_else(|| format!("{text:?} is too long"))
}

/// A share from 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    (0.0..=1.0).contains(&value).then_some(value).ok_or_else(|| "from 0 to 1".to_owned())
}
