//! What becomes of messages beside being processed, and who exports it: a loss is only known where
//! a missing series can be read as 0.

use crate::constants::Constant;
use crate::counters::kind::Kind;
use crate::counters::rise::{Outcome, Rise};
use crate::observation::Role;

/// Errors and filtered messages of the primary, from the record on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcomes([Outcome; 2]);

impl Outcomes {
    /// Takes a window, and leaves the loss out of it where it isn't known: of a canary pod without
    /// a series that the primary has, unless that is rarer than a rate that is anybody's fault.
    /// Renamed, its messages would be missing from the sum and look lost.
    pub(crate) fn take(&mut self, window: &mut [Rise]) {
        for rise in window.iter().filter(|rise| rise.role == Role::Primary) {
            for (sum, one) in self.0.iter_mut().zip(rise.outcomes) {
                *sum = sum.plus(one);
            }
        }
        for rise in window.iter_mut().filter(|rise| rise.role == Role::Canary) {
            let missing = |(all, own): (&Outcome, Outcome)| !own.shown && matters(all);
            if self.0.iter().zip(rise.outcomes).any(missing) {
                rise.forget(Kind::Loss);
            }
        }
    }
}

/// Whether an outcome of the primary is frequent enough to look like a loss where it is missing.
fn matters(all: &Outcome) -> bool {
    // Fewer messages than this don't tell whether its rate is below the floor.
    let enough = 1.0 / Constant::RateFloor.value();
    all.shown && (all.count.of < enough || all.count.rate() > Constant::RateFloor.value())
}
