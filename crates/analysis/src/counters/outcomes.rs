//! Errors and filtered messages, and which pods export them: a loss is known only where a missing
//! series can be read as 0. Nothing is compared.

use crate::constants::Constant;
use crate::counters::kind::Kind;
use crate::counters::rise::{Rise, ShownCount};
use crate::observation::Role;

/// Errors and filtered messages of the primary, from the record on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcomes([ShownCount; 2]);

impl Outcomes {
    /// Adds a window, and leaves the loss out of it where it isn't known: for a canary pod without
    /// a series that the primary has, unless its events are too rare to matter. Messages of a
    /// renamed series would be missing from the sum and look lost.
    pub(crate) fn add(&mut self, window: &mut [Rise]) {
        for rise in window.iter().filter(|rise| rise.role == Role::Primary) {
            for (sum, one) in self.0.iter_mut().zip(rise.outcomes) {
                *sum = sum.plus(one);
            }
        }
        for rise in window.iter_mut().filter(|rise| rise.role == Role::Canary) {
            let missing = |(all, own): (&ShownCount, ShownCount)| !own.shown && matters(all);
            if self.0.iter().zip(rise.outcomes).any(missing) {
                rise.forget(Kind::Loss);
            }
        }
    }
}

/// Whether an outcome of the primary is frequent enough to look like a loss where it is missing.
fn matters(all: &ShownCount) -> bool {
    // Fewer messages than this don't tell whether its rate is below the floor.
    let enough = 1.0 / Constant::RateFloor.value();
    all.shown && (all.count.of < enough || all.count.rate() > Constant::RateFloor.value())
}
