//! Container restarts of canary pods against what is normal for the primary's.
//! Evidence only; two crashes of one pod are the crash guard's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engines::rate_test::RateTest;
use crate::findings::effect::Effect;
use crate::numbers::{Millis, hours};
use crate::observation::{Observation, Role};

/// Ratios that are bet on: a restart is rare, so a fault multiplies it by much.
const RATIOS: [f64; 3] = [10.0, 100.0, 1_000.0];
/// Restarts per pod-hour that are normal for anyone: a node drained, a probe missed.
const LEAST_PER_POD_HOUR: f64 = 0.1;
/// Restarts on one node within this time have one cause.
const ONE_CAUSE_TIME: Millis = 120_000;

/// The signal of restarts.
#[derive(Clone, Debug)]
pub(crate) struct Restarts {
    /// Normal restarts per pod-hour.
    normal: f64,
    engine: RateTest,
    events: f64,
    pod_hours: f64,
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
    accounts: Vec<i64>,
    events: f64,
    hours: f64,
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
            normal: normal.clamp(LEAST_PER_POD_HOUR, 1e6),
            engine: RateTest::new(RATIOS),
            events: 0.0,
            pod_hours: 0.0,
            watched_since: None,
            latest: None,
            seen: BTreeMap::new(),
            causes: BTreeMap::new(),
        }
    }

    /// Takes the canary's pods of an observation. Time that was not watched for more than
    /// `longest` milliseconds counts as that long.
    pub(crate) fn observe(&mut self, seen: &Observation, longest: Millis) {
        let watched_since = *self.watched_since.get_or_insert(seen.at);
        let before = self.latest.replace(seen.at);
        let pods = || seen.pods.iter().filter(|pod| pod.role == Role::Canary && !pod.terminating);
        let mut events = 0.0;
        for pod in pods() {
            let newborn = (pod.created > watched_since).then_some(0);
            let earlier = self.seen.get(&pod.name).copied().or(newborn);
            if earlier.is_some_and(|earlier| pod.restarts > earlier)
                && self.is_news(seen.at, pod.node.clone())
            {
                events += 1.0;
            }
        }
        self.seen = pods().map(|pod| (pod.name.clone(), pod.restarts)).collect();
        let Some(before) = before else { return };
        let span = seen.at.saturating_sub(before).clamp(0, longest);
        let hours = hours(span) * f64::from(crate::numbers::tally(pods().count()));
        self.events += events;
        self.pod_hours += hours;
        if hours > 0.0 {
            self.engine.bet(events, self.normal * hours);
        }
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

    pub(crate) fn ln_value(&self) -> f64 {
        self.engine.ln_value()
    }

    /// The canary pod with the most restarts.
    pub(crate) fn worst_pod(&self) -> Option<Arc<str>> {
        self.seen.iter().max_by_key(|(_, restarts)| **restarts).map(|(pod, _)| pod.clone())
    }

    pub(crate) fn effect(&self) -> Effect {
        Effect::per_hour(self.events, self.pod_hours, self.normal)
    }

    /// Restarts per pod-hour that would have reached `ln_needed` by now.
    pub(crate) fn smallest_seen(&self, ln_needed: f64) -> Option<f64> {
        self.engine.smallest_rate_seen(self.pod_hours, self.normal, ln_needed)
    }

    pub(crate) fn save(&self) -> SavedRestarts {
        SavedRestarts {
            normal: self.normal,
            accounts: self.engine.save(),
            events: self.events,
            hours: self.pod_hours,
        }
    }

    /// What [`Restarts::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(saved: &SavedRestarts) -> Option<Self> {
        let fresh = Self::with(saved.normal);
        let engine = RateTest::new(RATIOS).restored(&saved.accounts)?;
        let (events, pod_hours) = (saved.events.max(0.0), saved.hours.max(0.0));
        Some(Self { engine, events, pod_hours, ..fresh })
    }
}
