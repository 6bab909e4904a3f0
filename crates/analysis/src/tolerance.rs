//! How long and how fast primary partitions drift without anyone calling it a fault.
//! The drift that is tolerated of a canary is the largest of these: pods differ, and wander.

use crate::by_partition::ByPartition;
use crate::constants::Constant;
use crate::lag_windows::Standing;
use crate::observation::Role;
use crate::units::tally;

/// Mean drift that is nobody's fault, in seconds per second: noise of commits and clocks.
const LEAST: f64 = 0.025;

/// That drift.
pub(crate) fn least() -> f64 {
    Constant::LeastDrift.or(LEAST)
}

/// However badly a primary pod once did, a canary with a larger drift can be failed.
pub(crate) const MOST: f64 = 0.25;
/// Windows over which a drift counts as lasting: about half of those that fail a canary.
const LASTING: usize = 4;

/// The largest lasting drift of any primary partition so far, running on during the trial. Known
/// before the window that is judged by it, so that the bets stay fair.
#[derive(Clone, Debug)]
pub(crate) struct Tolerance {
    drift: f64,
    recent: ByPartition<Drifts>,
}

/// The latest drifts of one partition, oldest first.
#[derive(Clone, Copy, Debug, Default)]
struct Drifts {
    latest: [f64; LASTING],
    seen: usize,
}

impl Tolerance {
    pub(crate) fn new(drift: f64) -> Self {
        Self { drift: drift.clamp(least(), MOST), recent: ByPartition::default() }
    }

    /// Tolerated mean drift, in seconds per second.
    pub(crate) fn drift(&self) -> f64 {
        self.drift
    }

    /// A rebalance: no drift lasts across it.
    pub(crate) fn restart(&mut self) {
        self.recent.clear();
    }

    /// Learns from a window. `reference` is the primary's common drift; lag up to `normal_lag`
    /// seconds is not counted as drift, as in the canary's accounts.
    pub(crate) fn learn(&mut self, window: &[Standing], reference: f64, normal_lag: f64) {
        let earlier = std::mem::take(&mut self.recent);
        let mut before = earlier.walk();
        let mut recent = Vec::with_capacity(window.len());
        for standing in window.iter().filter(|one| one.consumer.role == Role::Primary) {
            let Some(drift) = standing.drift else { continue };
            let mut drifts = before.find(&standing.id).map(|row| row.1).unwrap_or_default();
            let late = standing.lag > normal_lag;
            drifts.push(if late { drift - reference } else { drift.min(0.0) });
            if let Some(mean) = drifts.mean() {
                self.drift = self.drift.max(mean.min(MOST));
            }
            recent.push((standing.id.clone(), drifts));
        }
        self.recent = ByPartition::sorted(recent);
    }
}

impl Drifts {
    fn push(&mut self, drift: f64) {
        if self.seen < LASTING {
            self.latest[self.seen] = drift;
            self.seen += 1;
        } else {
            self.latest.rotate_left(1);
            self.latest[LASTING - 1] = drift;
        }
    }

    /// The mean of as many as last; `None` before.
    fn mean(&self) -> Option<f64> {
        let sum = || self.latest.iter().sum::<f64>();
        (self.seen == LASTING).then(|| sum() / f64::from(tally(LASTING)))
    }
}
