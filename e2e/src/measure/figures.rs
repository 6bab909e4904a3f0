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
pub fn figures(times: &[Duration], unit: Unit) -> Value {
    let (name, per_second) = match unit {
        Unit::Millis => ("ms", 1000.0),
        Unit::Seconds => ("s", 1.0),
    };
    // A finer time says nothing on a machine that does other things as well.
    let shown = |it: &Duration| tenths(it.as_secs_f64() * per_second);
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut figures = Map::new();
    for (percent, key) in [(50, "p50"), (95, "p95"), (100, "max")] {
        figures.insert(format!("{key}_{name}"), json!(rank(&sorted, percent).map(shown)));
    }
    figures.insert("runs".to_owned(), json!(times.len()));
    let all: Vec<f64> = times.iter().map(shown).collect();
    figures.insert(format!("all_{name}"), json!(all));
    Value::Object(figures)
}

fn rank(sorted: &[Duration], percent: usize) -> Option<&Duration> {
    let place = (sorted.len() * percent).div_ceil(100);
    sorted.get(place.checked_sub(1)?)
}

/// Rounded to one decimal.
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
