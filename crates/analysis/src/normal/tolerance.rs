//! How long and how fast primary partitions drift without anyone calling it a fault.
//! The drift that is tolerated of a canary is the largest of these: pods differ, and wander.

use crate::constants::Constant;
use crate::lag::column::{Column, Moves};
use crate::lag::windows::WindowLag;
use crate::numbers::{short, tally};
use crate::observation::Role;

/// Largest tolerated drift, in seconds per second: however badly a primary pod once did, a canary
/// with a larger one can be failed.
const MOST_DRIFT_PER_S: f64 = 0.25;
/// Windows over which a drift counts as lasting: about half of those that fail a canary.
const LASTING_WINDOWS: usize = 4;

/// The largest lasting drift of any primary partition so far, running on during the trial. Known
/// before the window that is judged by it, so that the bets stay fair.
#[derive(Clone, Debug)]
pub(crate) struct Tolerance {
    drift: f64,
    recent: Column<Drifts>,
}

/// The drifts of one partition in the windows before, oldest first; those not seen are NaN.
#[derive(Clone, Copy, Debug)]
struct Drifts([f32; LASTING_WINDOWS - 1]);

impl Tolerance {
    pub(crate) fn new(drift: f64) -> Self {
        Self {
            drift: drift.clamp(Constant::LeastDrift.value(), MOST_DRIFT_PER_S),
            recent: Column::default(),
        }
    }

    /// Tolerated mean drift, in seconds per second.
    pub(crate) fn drift(&self) -> f64 {
        self.drift
    }

    /// Begins anew after a rebalance: no drift lasts across it.
    pub(crate) fn restart(&mut self) {
        self.recent.fill(Drifts::NONE);
    }

    /// Follows a change of the list of partitions.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        self.recent.follow(moves, Drifts::NONE);
    }

    /// Adds a window over all partitions. `reference` is the primary's common drift; lag up
    /// to `normal_lag` seconds is not counted as drift, as in the canary's accounts.
    pub(crate) fn add(&mut self, window: &[WindowLag], reference: f64, normal_lag: f64) {
        let primary = window.iter().filter(|one| one.consumer.role == Role::Primary);
        let mut next = 0;
        for (standing, drift) in primary.filter_map(|one| Some((one, one.drift?))) {
            // What was left out has no drift that lasts.
            let place = standing.position.index();
            self.recent[next..place].fill(Drifts::NONE);
            next = place + 1;
            let late = standing.lag > normal_lag;
            let drift = if late { drift - reference } else { drift.min(0.0) };
            if let Some(mean) = self.recent[place].push(drift) {
                self.drift = self.drift.max(mean.min(MOST_DRIFT_PER_S));
            }
        }
        self.recent[next..].fill(Drifts::NONE);
    }
}

impl Drifts {
    const NONE: Self = Self([f32::NAN; LASTING_WINDOWS - 1]);

    /// Adds the latest drift; returns the mean over [`LASTING_WINDOWS`], if so many were seen.
    fn push(&mut self, drift: f64) -> Option<f64> {
        let sum: f64 = self.0.iter().copied().map(f64::from).chain([drift]).sum();
        self.0.rotate_left(1);
        self.0[LASTING_WINDOWS - 2] = short(drift);
        (!sum.is_nan()).then(|| sum / f64::from(tally(LASTING_WINDOWS)))
    }
}
