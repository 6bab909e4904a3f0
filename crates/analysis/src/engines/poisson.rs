//! Poisson counts: how likely so many are, and how large their mean may be.
//! Arithmetic for figures that are told and for holding a Pass; no evidence is made of it.

use crate::numbers::{bisect, count};

/// Counts beyond which the normal distribution is near enough.
const LARGEST_SUMMED: f64 = 1_000.0;
/// The 95 % quantile of the normal distribution.
const NORMAL_95: f64 = 1.644_853_6;

/// P(X ≥ k) for X Poisson with this mean, up to [`LARGEST_SUMMED`].
pub(crate) fn at_least(k: i64, mean: f64) -> f64 {
    let (mut term, mut below) = ((-mean).exp(), 0.0);
    for i in 0..k {
        below += term;
        term *= mean / count(i + 1);
    }
    (1.0 - below).clamp(0.0, 1.0)
}

/// Whether so many events, or more, come with a probability of 5 % or more where `mean` are expected.
pub(crate) fn is_usual(events: f64, mean: f64) -> bool {
    if events.max(mean) > LARGEST_SUMMED {
        return events <= mean + NORMAL_95 * mean.sqrt();
    }
    at_least(whole(events), mean) >= 0.05
}

/// The largest mean with which so few events, or fewer, come with a probability of 5 %.
pub(crate) fn largest_mean(events: f64) -> f64 {
    // The normal approximation, with its first correction, is above the truth by less than 3 %.
    let most = events + NORMAL_95 * (events + 1.0).sqrt() + 2.0;
    if events > LARGEST_SUMMED {
        return most;
    }
    bisect(events, most, 40, |mean| 1.0 - at_least(whole(events) + 1, mean) <= 0.05).1
}

#[expect(clippy::cast_possible_truncation, reason = "at most a thousand")]
fn whole(events: f64) -> i64 {
    events.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_n_leaves_three_open() {
        for (events, mean) in [(0.0, 2.9957), (1.0, 4.7439), (10.0, 16.962), (100.0, 118.08)] {
            let largest = largest_mean(events);
            assert!((largest - mean).abs() < 1e-3 * mean, "{events}: {largest}");
        }
        let many = largest_mean(10_000.0);
        assert!((10_165.0..10_175.0).contains(&many), "{many}");
    }

    #[test]
    fn what_comes_in_one_of_twenty_runs_is_usual() {
        assert!(is_usual(0.0, 0.0) && is_usual(1.0, 0.06) && !is_usual(1.0, 0.04));
        assert!(is_usual(15.0, 10.0) && !is_usual(16.0, 10.0));
        assert!(is_usual(5_100.0, 5_000.0) && !is_usual(5_200.0, 5_000.0));
    }
}
