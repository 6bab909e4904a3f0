//! Quantiles for estimates: the normal distribution, Poisson counts, and the first passage.
//! Arithmetic only; nothing here knows a signal.

use crate::numbers::bisect;
use crate::power::plan::POWER;

/// Largest mean whose Poisson terms are summed; beyond, the normal distribution with its first
/// correction is exact to a hundredth of an event.
const LARGEST_SUMMED_MEAN: f64 = 500.0;
/// The normal quantile of [`POWER`].
pub(crate) const Z: f64 = 1.281_551_6;

/// The standard normal distribution function, to 10⁻⁷ (Abramowitz and Stegun, 26.2.17).
pub(crate) fn below(z: f64) -> f64 {
    const B: [f64; 5] =
        [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let tail = density(z) * B.into_iter().rev().fold(0.0, |sum, b| (sum + b) * t);
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// E\[max(X, 0)\] over the mean of X, for X normal with this mean (> 0) in standard deviations.
pub(crate) fn gain(mean: f64) -> f64 {
    below(mean) + density(mean) / mean
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

/// The smallest count k with P(X ≤ k) ≥ Φ(z) for X Poisson with this mean.
pub(crate) fn poisson_quantile(mean: f64, z: f64) -> f64 {
    if mean > LARGEST_SUMMED_MEAN {
        return (mean + z * mean.sqrt() + (z * z - 1.0) / 6.0).max(0.0);
    }
    let wanted = below(z);
    let (mut term, mut k) = ((-mean).exp(), 0.0);
    let mut sum = term;
    while sum < wanted && k < 2.0 * LARGEST_SUMMED_MEAN {
        k += 1.0;
        term *= mean / k;
        sum += term;
    }
    k
}

/// How many standard deviations below its mean the log evidence may end, so that it crosses what
/// it needs at some time with probability [`POWER`]. `drift`: its mean in standard deviations.
pub(crate) fn first_passage(drift: f64) -> f64 {
    let crossed = |z: f64| {
        let t = 2.0 * drift - z;
        // Mills' ratio by Birnbaum's bound, below the truth by less than 3 % for t ≥ 1.
        below(z) + density(z) * 2.0 / ((4.0 + t * t).sqrt() + t)
    };
    bisect(0.0, Z, 30, |z| crossed(z) >= POWER).1
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, DiscreteCDF, Normal, Poisson};

    use super::*;

    #[test]
    fn the_normal_distribution_is_that_of_the_tables() {
        let exact = Normal::standard();
        for z in [-6.0, -1.281_551_6, -0.1, 0.0, 0.7, 1.281_551_6, 4.0] {
            assert!((below(z) - exact.cdf(z)).abs() < 1e-6, "{z}");
        }
    }

    #[test]
    fn quantiles_of_counts_are_exact_where_they_are_small_and_near_where_they_are_large() {
        for mean in [0.05, 0.9, 7.3, 120.0, 480.0, 520.0, 9_000.0] {
            for z in [-Z, -0.6, 0.6, Z] {
                let exact = Poisson::new(mean).expect("valid");
                let k = poisson_quantile(mean, z);
                let at = |k: f64| exact.cdf(crate::numbers::whole(k.round()));
                let slack = if mean > LARGEST_SUMMED_MEAN { 0.01 } else { 1e-6 };
                assert!(at(k) >= below(z) - slack, "{mean} {z}: {k}");
                assert!(k < 1.0 || at(k - 1.0) < below(z) + slack, "{mean} {z}: {k}");
            }
        }
    }

    #[test]
    fn looking_all_the_time_helps_most_where_the_drift_is_small() {
        let [weak, strong] = [1.5, 20.0].map(first_passage);
        assert!(weak < strong && strong < Z, "{weak} {strong}");
        assert!((1.0..1.15).contains(&first_passage(2.6)), "{}", first_passage(2.6));
    }
}
