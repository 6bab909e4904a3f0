//! Container restarts of canary pods against what is normal for the primary's.
//! Evidence only; two crashes of one container are the crash guard's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engines::rate_test::{RateTest, SavedRate};
use crate::guards::crash::history::CrashGuard;
use crate::numbers::{Millis, hours, tally};
use crate::observation::{Observation, Role, staying};

/// Ratios that are bet on: a restart is rare, so a fault multiplies it by much.
const RATIOS: [f64; 3] = [10.0, 100.0, 1_000.0];
/// Restarts per pod-hour that are normal for anyone: a node drained, a probe missed.
const LEAST_PER_POD_HOUR: f64 = 0.1;
/// Restarts on one node within this time have one cause.
const ONE_CAUSE_TIME: Millis = 120_000;

/// The signal of restarts.
#[derive(Clone, Debug)]
pub(crate) struct Restarts {
    /// Per pod-hour.
    pub(crate) rate: RateTest,
    watched_since: Option<Millis>,
    latest: Option<Millis>,
    seen: BTreeMap<Arc<str>, u32>,
    /// Latest event per node; pods on unknown nodes share one entry.
    causes: BTreeMap<Option<Arc<str>>, Millis>,
}

/// The signal as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedRestarts {
    normal: f64,
    #[serde(flatten)]
    rate: SavedRate,
}

impl Restarts {
    /// With the primary's own rate, over the lives of its pods so far: (restarts + 1)/pod-hours.
    pub(crate) fn learn(latest: Option<&Observation>) -> Self {
        let primary = |seen: &Observation| -> (f64, f64) {
            let pods = seen.pods.iter().filter(|pod| pod.role == Role::Primary);
            let lives = pods.map(|pod| {
                let life = hours(seen.at.saturating_sub(pod.created).max(0));
                (f64::from(pod.restarts), life)
            });
            lives.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        let (restarts, hours) = latest.map_or((0.0, 0.0), primary);
        // Without a single hour nothing is known of the primary; one restart an hour is lenient.
        Self::with((restarts + 1.0) / hours.max(1.0))
    }

    fn with(normal: f64) -> Self {
        Self {
            rate: RateTest::new(RATIOS, normal.clamp(LEAST_PER_POD_HOUR, 1e6)),
            watched_since: None,
            latest: None,
            seen: BTreeMap::new(),
            causes: BTreeMap::new(),
        }
    }

    /// Takes the canary's pods of an observation. A count of restarts tells of the time that nobody
    /// watched, too, so all of it counts. What primary pods did at that age, or in that time, is no
    /// event.
    pub(crate) fn observe(&mut self, seen: &Observation, crash: &CrashGuard) {
        let watched_since = *self.watched_since.get_or_insert(seen.at);
        let before = self.latest.replace(seen.at);
        let pods = || staying(&seen.pods, Role::Canary);
        let mut events = 0.0;
        for pod in pods() {
            let newborn = (pod.created > watched_since).then_some(0);
            let earlier = self.seen.get(&pod.name).copied().or(newborn);
            if earlier.is_some_and(|earlier| pod.restarts > earlier)
                && !crash.explains(&seen.pods, pod)
                && self.is_news(seen.at, pod.node.clone())
            {
                events += 1.0;
            }
        }
        self.seen = pods().map(|pod| (pod.name.clone(), pod.restarts)).collect();
        let Some(before) = before else { return };
        let span = seen.at.saturating_sub(before).max(0);
        self.rate.bet(events, hours(span) * f64::from(tally(pods().count())));
    }

    pub(crate) fn forget_times(&mut self) {
        self.watched_since = None;
        self.latest = None;
        self.causes.clear();
    }

    fn is_news(&mut self, at: Millis, node: Option<Arc<str>>) -> bool {
        self.causes.retain(|_, latest| at.saturating_sub(*latest) < ONE_CAUSE_TIME);
        self.causes.insert(node, at).is_none()
    }

    /// The canary pod with the most restarts.
    pub(crate) fn worst_pod(&self) -> Option<Arc<str>> {
        self.seen.iter().max_by_key(|(_, restarts)| **restarts).map(|(pod, _)| pod.clone())
    }

    pub(crate) fn save(&self) -> SavedRestarts {
        SavedRestarts { normal: self.rate.normal, rate: self.rate.save() }
    }

    /// What [`Restarts::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(saved: &SavedRestarts) -> Option<Self> {
        let fresh = Self::with(saved.normal);
        Some(Self { rate: fresh.rate.restored(&saved.rate)?, ..fresh })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::e_process::ROUNDING;
    use crate::observation::PodObservation;

    fn seen(at: Millis, restarts: u32) -> Observation {
        let pod = PodObservation::healthy("canary", Role::Canary, 0);
        let pod = PodObservation { restarts, ..pod };
        Observation { at, group: None, pods: vec![pod] }
    }

    #[test]
    fn a_restart_in_a_day_that_nobody_watched_is_one_in_a_day() {
        let mut restarts = Restarts::with(LEAST_PER_POD_HOUR);
        let crash = CrashGuard::default();
        restarts.observe(&seen(10_000, 0), &crash);
        restarts.observe(&seen(24 * 3_600_000, 1), &crash);
        assert!((restarts.rate.hours - 24.0).abs() < 0.01, "{}", restarts.rate.hours);
        assert!(restarts.rate.ln_value() <= ROUNDING, "{}", restarts.rate.ln_value());
    }
}
