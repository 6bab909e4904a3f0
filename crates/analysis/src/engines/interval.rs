//! How large a ratio of rates is, with an interval that holds at any time.
//! For people; no verdict rests on it.

use crate::engines::ratio_test::EventCounts;

/// The interval misses the truth, ever, with at most this probability.
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
/// Given all events, each is the canary's with probability θ(r). The interval holds every θ whose
/// likelihood is more than 5 % of the mixture over θ ~ Beta(½, ½), which is an e-process
/// (Robbins; Lindon & Malek, arXiv 2011.03567). Exact while the split of the exposure is steady.
pub(crate) fn interval(counts: EventCounts, dispersion: f64) -> Interval {
    let [x, n, y, m] = counts.letters();
    if n <= 0.0 || m <= 0.0 {
        return Interval { ratio: 1.0, low: 0.0, high: LARGEST_RATIO };
    }
    let ratio = (((x + 0.5) / n) / ((y + 0.5) / m)).min(LARGEST_RATIO);
    let (canary, primary) = (x / dispersion.max(1.0), y / dispersion.max(1.0));
    let mixture = ln_beta(canary + 0.5, primary + 0.5) - ln_beta(0.5, 0.5);
    let inside = |ratio: f64| {
        let theta = ratio * n / (ratio * n + m);
        let ln = term(canary, theta) + term(primary, 1.0 - theta);
        mixture - ln < -MISSES.ln()
    };
    Interval { ratio, low: edge(ratio, 0.0, inside), high: edge(ratio, LARGEST_RATIO, inside) }
}

/// The last ratio on the way from `from` to `to` that is still inside.
fn edge(from: f64, to: f64, inside: impl Fn(f64) -> bool) -> f64 {
    if inside(to) {
        return to;
    }
    let (mut near, mut far) = (from, to);
    // Halves of a range of 10⁶: sixty steps end far below any digit that is shown.
    for _ in 0..60 {
        let middle = f64::midpoint(near, far);
        if inside(middle) {
            near = middle;
        } else {
            far = middle;
        }
    }
    near
}

fn term(count: f64, probability: f64) -> f64 {
    if count > 0.0 { count * probability.max(1e-300).ln() } else { 0.0 }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// ln Γ for arguments > 0: the recurrence up to 8, then Stirling's series, exact to 10⁻¹⁰.
fn ln_gamma(z: f64) -> f64 {
    let (mut z, mut shift) = (z, 0.0);
    while z < 8.0 {
        shift += z.ln();
        z += 1.0;
    }
    let series = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1_260.0 - 1.0 / (1_680.0 * z * z)) / (z * z)) / (z * z))
        / z;
    (z - 0.5) * z.ln() - z + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use siskin_simulation::random::Random;

    #[test]
    fn the_logarithm_of_gamma_is_right() {
        for z in [0.5, 1.0, 1.5, 3.25, 7.9, 8.1, 50.0, 1e6] {
            let exact = statrs::function::gamma::ln_gamma(z);
            assert!((ln_gamma(z) - exact).abs() <= 1e-9 * exact.abs().max(1.0), "{z}");
        }
    }

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
}
