//! How large a ratio of rates is, with an interval that holds at any time, by the likelihoods that
//! the evidence is made of. For people; no verdict rests on it.

use crate::engines::e_process::{LN_NOTHING, share};
use crate::engines::ratio_test::{EventCounts, RATIOS};
use crate::numbers::{bisect, ln_add};

/// The interval misses the truth, ever, with at most this probability: half of it on either side.
const MISSES: f64 = 0.05;
/// Ratios are told up to here: beyond, "far more" is all that was seen.
pub(crate) const LARGEST_RATIO: f64 = 1e6;

/// A ratio of rates with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) ratio: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The ratio canary over primary, with half an event added to both sides so that it is finite.
///
/// Its lower end is the largest ratio r against which the evidence would stand at 40, had it been the
/// margin: the mean over the same ratios ρ of the same tempered likelihoods of r·ρ against r. The
/// upper end is that of r/ρ. So an interval above the margin and no evidence can't stand side by
/// side, however noisy the counts.
pub(crate) fn interval(counts: EventCounts, dispersion: f64) -> Interval {
    let [x, n, y, m] = counts.letters();
    if n <= 0.0 || m <= 0.0 {
        return Interval { ratio: 1.0, low: 0.0, high: LARGEST_RATIO };
    }
    let ratio = (((x + 0.5) / n) / ((y + 0.5) / m)).min(LARGEST_RATIO);
    let excluded = |from: f64, to: fn(f64, f64) -> f64| {
        let likelihoods = RATIOS.map(|rho| counts.ln_likelihood(from, to(from, rho)));
        let tempered = likelihoods.map(|ln| ln / dispersion.max(1.0) - share(RATIOS.len()));
        tempered.into_iter().fold(LN_NOTHING, ln_add) >= (2.0 / MISSES).ln()
    };
    let low = edge(ratio, 1.0 / LARGEST_RATIO, |it| !excluded(it, |from, rho| from * rho));
    let high = edge(ratio, LARGEST_RATIO, |it| !excluded(it, |from, rho| from / rho));
    let low = if low > 1.0 / LARGEST_RATIO { low.min(ratio) } else { 0.0 };
    Interval { ratio, low, high: high.max(ratio) }
}

/// The last ratio on the way from `from` to `to` that is still inside.
fn edge(from: f64, to: f64, inside: impl Fn(f64) -> bool) -> f64 {
    if inside(to) {
        return to;
    }
    // Halves of a range of ln 10¹²: forty steps end far below any digit that is shown.
    bisect(from.ln(), to.ln(), 40, |ln| !inside(ln.exp())).0.exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::ratio_test::{Margin, RatioTest};
    use siskin_simulation::random::Random;

    #[test]
    fn it_holds_the_truth_at_all_times_in_nineteen_of_twenty_runs() {
        let misses = |seed: &u32| {
            let mut random = Random::spread(u64::from(*seed));
            let mut sum = EventCounts::default();
            (0..60).any(|_| {
                let (x, y) =
                    (random.poisson(8.0, f64::INFINITY), random.poisson(20.0, f64::INFINITY));
                sum = sum.plus(EventCounts::new(x, 400.0, y, 2_000.0));
                let interval = interval(sum, 1.0);
                !(interval.low..=interval.high).contains(&2.0)
            })
        };
        let runs = (0..600).filter(misses).count();
        println!("missed in {runs} of 600");
        assert!(runs <= 51, "{runs}");
    }

    #[test]
    fn it_is_around_the_ratio_and_finite() {
        for (x, y) in [(0.0, 0.0), (40.0, 0.0), (0.0, 40.0), (40.0, 100.0), (1e9, 1e9)] {
            let it = interval(EventCounts::new(x, 1_000.0, y, 5_000.0), 1.0);
            assert!(it.low <= it.ratio && it.ratio <= it.high && it.high.is_finite(), "{it:?}");
        }
        let it = interval(EventCounts::new(40.0, 2_000.0, 100.0, 10_000.0), 1.0);
        assert!(it.low > 1.0 && it.high < 4.0, "{it:?}");
    }

    #[test]
    fn what_is_told_to_be_beyond_the_margin_is_evidence_beyond_the_margin() {
        let margin = Margin { ratio: 1.35, dispersion: 40.0, floor: 0.001 };
        let mut told = 0;
        for events in [0.0, 40.0, 100.0, 300.0, 1_000.0, 5_000.0, 100_000.0] {
            let counts = EventCounts::new(events, 10_000.0, 400.0, 40_000.0);
            let mut test = RatioTest::fine();
            test.bet(counts, margin, f64::INFINITY);
            if interval(counts, margin.dispersion).low > margin.ratio {
                told += 1;
                // Half of the capital is staked on the first window.
                assert!(test.ln_value() >= 20.0_f64.ln(), "{events}: {}", test.ln_value());
            }
        }
        assert!(told >= 2, "{told}");
    }
}
