//! The one-sample engine: bets against "events come at most at their expected rate".
//! For events with no counterpart in the primary: restarts, churn. Exact for a Poisson process.

use serde::{Deserialize, Serialize};

use crate::engines::e_process::{EProcess, first_share};
use crate::engines::ratio_test::ln_poisson;

/// ln of the largest factor of one window, as for counts of messages.
const LN_LARGEST_FACTOR: f64 = 4.605;

/// Accounts for three ratios beyond the expected rate: `exp(min(x·ln ρ − λ₀·(ρ − 1), ln 100))` per
/// window, a likelihood ratio with mean 1 at the expected rate and below 1 under it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RateTest {
    ratios: [f64; 3],
    /// Events per hour that are normal.
    pub(crate) normal: f64,
    /// All events, and the hours in which they came.
    pub(crate) events: f64,
    pub(crate) hours: f64,
    funds: EProcess<3>,
}

/// A rate test as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedRate {
    accounts: Vec<i64>,
    events: f64,
    hours: f64,
}

impl RateTest {
    /// Accounts for these ratios, each > 1, with at most `normal` events an hour to be expected.
    pub(crate) fn new(ratios: [f64; 3], normal: f64) -> Self {
        Self { ratios, normal, events: 0.0, hours: 0.0, funds: EProcess::new() }
    }

    /// Counts the events of a window, and bets on it unless it has no length.
    pub(crate) fn bet(&mut self, events: f64, hours: f64) {
        self.events += events;
        self.hours += hours;
        if hours > 0.0 {
            let ln = |rho| ln_poisson(events, self.normal * hours, rho).min(LN_LARGEST_FACTOR);
            self.funds.multiply(self.ratios.map(ln));
        }
    }

    /// ln of the evidence.
    pub(crate) fn ln_value(&self) -> f64 {
        self.funds.ln_value()
    }

    /// The least rate, per hour, at which one account of three would have reached `ln_needed` by
    /// now; `None` before the first window.
    pub(crate) fn smallest_rate_seen(&self, ln_needed: f64) -> Option<f64> {
        let needed = ln_needed + 3.0_f64.ln() - first_share().ln();
        let expected = self.normal * self.hours;
        let events = |rho: f64| (needed + expected * (rho - 1.0)) / rho.ln();
        let least = self.ratios.map(events).into_iter().fold(f64::INFINITY, f64::min);
        (self.hours > 0.0).then_some(least / self.hours)
    }

    pub(crate) fn save(&self) -> SavedRate {
        SavedRate { accounts: self.funds.save(), events: self.events, hours: self.hours }
    }

    /// Takes up what [`RateTest::save`] wrote; `None` if it did not write this.
    pub(crate) fn restored(self, saved: &SavedRate) -> Option<Self> {
        let funds = EProcess::restore(&saved.accounts)?;
        Some(Self { funds, events: saved.events.max(0.0), hours: saved.hours.max(0.0), ..self })
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
                let mut rate = RateTest::new([3.0, 10.0, 30.0], 1.0);
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
        let mut rate = RateTest::new(RATIOS, 1.0);
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
