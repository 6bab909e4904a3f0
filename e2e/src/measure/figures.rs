//! From single times to the figures that are told.
//! Pure.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// Unit of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

/// `p50_…` and `p95_…` (nearest rank: the least time that so many percent of all don't exceed), the longest, and all.
#[must_use]
pub fn figures(times: &[Duration], unit: Unit) -> Value {
    let name = match unit {
        Unit::Millis => "ms",
        Unit::Seconds => "s",
    };
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut figures = Map::new();
    for percent in [50, 95, 100] {
        let key = if percent == 100 { "max".to_owned() } else { format!("p{percent}") };
        let value = rank(&sorted, percent).map(|it| in_unit(it, unit));
        figures.insert(format!("{key}_{name}"), json!(value));
    }
    let all: Vec<f64> = times.iter().map(|it| in_unit(*it, unit)).collect();
    figures.insert("runs".to_owned(), json!(times.len()));
    figures.insert(format!("all_{name}"), json!(all));
    Value::Object(figures)
}

fn rank(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let place = (sorted.len() * percent).div_ceil(100);
    sorted.get(place.checked_sub(1)?).copied()
}

/// A time with one decimal: a finer one says nothing on a machine that does other things as well.
fn in_unit(time: Duration, unit: Unit) -> f64 {
    let exact = match unit {
        Unit::Millis => time.as_secs_f64() * 1000.0,
        Unit::Seconds => time.as_secs_f64(),
    };
    tenths(exact)
}

/// Rounded to one decimal.
#[must_use]
pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_times_that_occurred() {
        let times: Vec<Duration> = (1..=20).rev().map(Duration::from_millis).collect();
        let figures = figures(&times, Unit::Millis);
        assert_eq!(figures["p50_ms"], 10.0);
        assert_eq!(figures["p95_ms"], 19.0);
        assert_eq!(figures["max_ms"], 20.0);
        assert_eq!(figures["runs"], 20);
    }

    #[test]
    fn of_five_the_95th_percentile_is_the_longest() {
        let times: Vec<Duration> = (1..=5).map(Duration::from_secs).collect();
        let figures = figures(&times, Unit::Seconds);
        assert_eq!(figures["p50_s"], 3.0);
        assert_eq!(figures["p95_s"], 5.0);
    }
}
