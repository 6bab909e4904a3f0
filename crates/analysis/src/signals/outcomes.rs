//! What becomes of messages beside being processed, and who exports it: a loss is only known where
//! a missing series can be read as 0.

use crate::constants::Constant;
use crate::observation::Role;
use crate::signals::kind::Kind;
use crate::signals::meter::{Count, Rise};

/// One outcome of one pod.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) count: Count,
    /// Whether the pod exports the series.
    pub(crate) shown: bool,
}

impl Outcome {
    /// Both rises of one pod together.
    pub(crate) fn plus(self, later: Self) -> Self {
        Self { count: self.count.plus(later.count), shown: self.shown || later.shown }
    }
}

/// Errors and filtered messages of the primary, from the record on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcomes([Outcome; 2]);

impl Outcomes {
    /// Takes a window, and leaves the loss out of it where it isn't known: of a canary pod without
    /// a series that the primary has, unless that is rarer than a rate that is anybody's fault.
    /// Renamed, its messages would be missing from the sum and look lost.
    pub(crate) fn take(&mut self, window: &mut [Rise]) {
        for rise in window.iter().filter(|rise| rise.role == Role::Primary) {
            for (sum, one) in self.0.iter_mut().zip(rise.outcomes()) {
                *sum = sum.plus(one);
            }
        }
        for rise in window.iter_mut().filter(|rise| rise.role == Role::Canary) {
            let missing = |(all, own): (&Outcome, Outcome)| !own.shown && all.matters();
            if self.0.iter().zip(rise.outcomes()).any(missing) {
                rise.forget(Kind::Loss);
            }
        }
    }
}

impl Outcome {
    fn matters(&self) -> bool {
        // Fewer messages than this don't tell whether its rate is below the floor.
        let enough = 1.0 / Constant::RateFloor.value();
        self.shown && (self.count.of < enough || self.count.rate() > Constant::RateFloor.value())
    }
}
