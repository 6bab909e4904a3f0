//! The one-sample engine: bets against "events come at most at their expected rate".
//! For events with no counterpart in the primary: restarts, churn. Exact for a Poisson process.

use crate::engines::e_process::{EProcess, first_share};
use crate::engines::ratio_test::ln_poisson;

/// ln of the largest factor of one window, as for counts of messages.
const LN_LARGEST_FACTOR: f64 = 4.605;

/// Accounts for three ratios beyond the expected rate: `exp(min(x·ln ρ − λ₀·(ρ − 1), ln 100))` per
/// window, a likelihood ratio with mean 1 at the expected rate and below 1 under it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RateTest {
    ratios: [f64; 3],
    funds: EProcess<3>,
}

impl RateTest {
    /// Accounts for these ratios, each > 1.
    pub(crate) fn new(ratios: [f64; 3]) -> Self {
        Self { ratios, funds: EProcess::new() }
    }

    /// Bets on a window with `events`, of which at most `expected` were to be expected.
    pub(crate) fn bet(&mut self, events: f64, expected: f64) {
        self.funds.multiply(
            self.ratios.map(|rho| ln_poisson(events, expected, rho).min(LN_LARGEST_FACTOR)),
        );
    }

    /// ln of the evidence.
    pub(crate) fn ln_value(&self) -> f64 {
        self.funds.ln_value()
    }

    /// The least rate, per hour, at which one account of three would have reached `ln_needed` over
    /// `hours` with `normal` events an hour to be expected; `None` before the first of them.
    pub(crate) fn smallest_rate_seen(
        &self,
        hours: f64,
        normal: f64,
        ln_needed: f64,
    ) -> Option<f64> {
        let needed = ln_needed + 3.0_f64.ln() - first_share().ln();
        let events = |rho: f64| (needed + normal * hours * (rho - 1.0)) / rho.ln();
        let least = self.ratios.map(events).into_iter().fold(f64::INFINITY, f64::min);
        (hours > 0.0).then_some(least / hours)
    }

    pub(crate) fn save(&self) -> Vec<i64> {
        self.funds.save()
    }

    /// Takes up what [`RateTest::save`] wrote; `None` if it did not write this.
    pub(crate) fn restored(self, saved: &[i64]) -> Option<Self> {
        Some(Self { funds: EProcess::restore(saved)?, ..self })
    }
}

#[cfg(test)]
mod tests {
    use siskin_simulation::random::Random;

    use crate::engines::rate_test::RateTest;
    use crate::stopping::assert_e_process;

    const RATIOS: [f64; 3] = [10.0, 100.0, 1_000.0];

    #[test]
    fn its_mean_is_at_most_one_wherever_one_stops() {
        for expected in [0.0003, 0.02, 0.4] {
            let path = |seed| {
                let mut random = Random::spread(seed);
                let mut rate = RateTest::new([3.0, 10.0, 30.0]);
                let mut step = |_| {
                    rate.bet(random.poisson(expected, f64::INFINITY), expected);
                    rate.ln_value().exp()
                };
                (0..60).map(&mut step).collect()
            };
            let paths: Vec<Vec<f64>> = (0..1_000).map(path).collect();
            assert_e_process(&format!("expected {expected}"), &paths);
        }
    }

    #[test]
    fn one_event_is_luck_and_four_are_not() {
        let mut rate = RateTest::new(RATIOS);
        // 0.1 per hour, windows of 10 s.
        let expected = 0.1 / 360.0;
        let needed = (200.0_f64 / 0.1).ln();
        let mut after = |events: f64| {
            (0..6).for_each(|_| rate.bet(0.0, expected));
            rate.bet(events, expected);
            rate.ln_value()
        };
        assert!(after(1.0) < needed);
        assert!((0..3).map(|_| after(1.0)).fold(0.0, f64::max) >= needed);
    }
}
