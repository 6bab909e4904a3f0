//! Lengths of time and numbers in words. Texts that are repeated with every observation take them
//! in steps, so that a text changes with its meaning, not with every reading. The exact value is in
//! the data.

use std::fmt::{self, Display, Formatter};

use crate::numbers::{Millis, millis};

/// An elapsed time that goes on: `less than a minute`, `3 min`, `1 h 20 min`.
pub(crate) struct Elapsed(pub(crate) Millis);

/// A remaining time, rounded up: `1 min`, `3 min`, `1 h 20 min`.
pub(crate) struct Remaining(pub(crate) Millis);

/// A wavering length of time in seconds, rounded up, so that it stays above a bound that it
/// exceeds:
/// `10 s`, `30 s`, `2 min`, `20 min`.
pub(crate) struct RoundedUpSeconds(pub(crate) f64);

/// A wavering size above 0, rounded to the nearest of 1, 2, 5, 10, 20 and so on; below 1, of 0.5,
/// 0.2.
pub(crate) struct Rounded(pub(crate) f64);

impl Display for Elapsed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.saturating_add(500) / 1_000;
        match seconds {
            ..60 => f.write_str("less than a minute"),
            60..600 => write!(f, "{} min", seconds / 60),
            600.. => HumanDuration(seconds / 600 * 600_000).fmt(f),
        }
    }
}

impl Display for Remaining {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        rounded_up(self.0, if self.0 <= 600_000 { 60_000 } else { 600_000 }).fmt(f)
    }
}

impl Display for RoundedUpSeconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Each step is about twice the one before: the text changes when a time has doubled.
        const SECONDS: [Millis; 8] = [10, 30, 60, 120, 300, 600, 1_200, 1_800];
        let time = millis(self.0);
        let step = SECONDS.into_iter().map(|it| it * 1_000).find(|step| time <= *step);
        step.map_or_else(|| rounded_up(time, 3_600_000), HumanDuration).fmt(f)
    }
}

/// Rounds a time up to whole steps, at least one.
fn rounded_up(time: Millis, step: Millis) -> HumanDuration {
    let steps = (time.max(1) - 1) / step + 1;
    HumanDuration(steps.saturating_mul(step))
}

impl Display for Rounded {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Bounds for the logarithm; no size outside them means anything here.
        let size = self.0.clamp(1e-9, 1e15);
        let ten = 10_f64.powf(size.log10().floor());
        // The borders are the geometric means of neighboring steps.
        let step = match size / ten {
            ..1.414 => 1.0,
            1.414..3.162 => 2.0,
            3.162..7.071 => 5.0,
            _ => 10.0,
        };
        ShortNumber(step * ten).fmt(f)
    }
}

/// A number in steps of 1, 2 and 5, rounded down: what it says of "at least" stays true, and the text
/// changes when it has about doubled.
pub(crate) struct AtLeast(pub(crate) f64);

/// A number in the same steps, rounded up.
pub(crate) struct AtMost(pub(crate) f64);

impl Display for AtLeast {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let step = steps(self.0).rev().find(|step| *step <= self.0 * (1.0 + 1e-9));
        ShortNumber(step.unwrap_or(0.0)).fmt(f)
    }
}

impl Display for AtMost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let step = steps(self.0).find(|step| *step >= self.0 * (1.0 - 1e-9));
        ShortNumber(step.unwrap_or(self.0)).fmt(f)
    }
}

/// Steps around a number, ascending.
fn steps(number: f64) -> impl DoubleEndedIterator<Item = f64> {
    let ten = 10_f64.powf(number.clamp(1e-9, 1e15).log10().floor());
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0].map(|step| step * ten).into_iter()
}

/// A length of time for people: `7 s`, `4 min 10 s`, `3 h 5 min`.
pub(crate) struct HumanDuration(pub(crate) Millis);

impl HumanDuration {
    pub(crate) fn seconds(seconds: f64) -> Self {
        Self(millis(seconds))
    }
}

impl Display for HumanDuration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.saturating_add(500) / 1_000;
        match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
            (0, 0, s) => write!(f, "{s} s"),
            (0, min, 0) => write!(f, "{min} min"),
            (0, min, s) => write!(f, "{min} min {s} s"),
            (h, min, _) => write!(f, "{h} h {min} min"),
        }
    }
}

/// A number in any unit with at most four digits: `0.82`, `1234`, `3.2e-5`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShortNumber(pub f64);

impl Display for ShortNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        let decimals = match size {
            size if size >= 1_000.0 => 0,
            size if size >= 100.0 => 1,
            size if size >= 10.0 => 2,
            size if size >= 1.0 => 3,
            size if size >= 0.1 => 4,
            _ => 6,
        };
        if size != 0.0 && !(0.001..1e9).contains(&size) {
            return write!(f, "{:.3e}", self.0);
        }
        let text = format!("{:.decimals$}", self.0);
        let digits = if decimals > 0 { text.trim_end_matches('0') } else { &text };
        f.write_str(digits.trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests;
