//! CUSUM (Page, Biometrika 41, 1954) on errors, slow and lost messages of the canary: has their rate
//! doubled against the record? The primary's counts during the trial are not looked at.

use crate::rivals::rival::Rival;
use crate::view::{Tally, View};

/// Rate that is looked for, in rates of the record.
const TIMES: f64 = 2.0;
/// Sum from which it rolls back: over 180 polls and three metrics, e^-h of each is 1 % in all.
const LIMIT: f64 = 10.9;
/// Lowest rate: where the record has no event, one in 100,000 messages.
const LEAST_RATE: f64 = 0.000_01;

/// Sums of log likelihood ratios that start anew at zero.
#[derive(Clone, Debug, Default)]
pub struct Cusum {
    record: Tally,
    sums: [f64; 3],
}

impl Rival for Cusum {
    fn learn(&mut self, view: &View) {
        self.record = self.record.plus(view.primary);
    }

    fn rolls_back(&mut self, view: &View) -> bool {
        let pairs = view.canary.events().into_iter().zip(self.record.events());
        for (sum, (events, recorded)) in self.sums.iter_mut().zip(pairs) {
            let rate = (recorded / self.record.messages.max(1.0)).max(LEAST_RATE);
            let expected = rate * view.canary.messages;
            *sum = (*sum + events * TIMES.ln() - (TIMES - 1.0) * expected).max(0.0);
        }
        self.sums.iter().any(|sum| *sum >= LIMIT)
    }
}
