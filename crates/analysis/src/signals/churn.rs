//! Members of the canary that leave and join although nobody told them to, and rewinds.
//! Each of them stops the whole group; what the operator does to pods is not counted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engines::rate_test::RateTest;
use crate::findings::effect::Effect;
use crate::numbers::{Millis, hours, tally};
use crate::observation::{Observation, Role};

/// Ratios that are bet on.
const RATIOS: [f64; 3] = [3.0, 10.0, 30.0];
/// Changes per hour and pod that are normal: one every ten minutes is what a busy broker or a slow
/// poll now and then may cause.
const NORMAL_PER_POD_HOUR: f64 = 6.0;
/// For this long after pods came, went or restarted, changes are theirs, not the members'.
const EXPLAINED_TIME: Millis = 120_000;
/// Changes counted in one observation: all members of a large canary may go at once.
const MOST_EVENTS_AT_ONCE: f64 = 2.0;

/// The signal of churn.
#[derive(Clone, Debug)]
pub(crate) struct Churn {
    engine: RateTest,
    events: f64,
    pod_hours: f64,
    latest: Option<Millis>,
    members: Option<u32>,
    /// Most members since pods last changed: who joins beyond it joins for the first time, as a
    /// pod does that took long to start.
    most: u32,
    rewinds: u32,
    pods: Vec<(Arc<str>, bool, u32)>,
    unchanged_since: Option<Millis>,
}

/// The signal as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedChurn {
    accounts: Vec<i64>,
    events: f64,
    hours: f64,
}

impl Churn {
    pub(crate) fn new() -> Self {
        Self {
            engine: RateTest::new(RATIOS),
            events: 0.0,
            pod_hours: 0.0,
            latest: None,
            members: None,
            most: 0,
            rewinds: 0,
            pods: Vec::new(),
            unchanged_since: None,
        }
    }

    /// Takes an observation. `rewinds`: how often committed offsets of canary partitions fell so
    /// far. Time that was not watched for more than `longest` counts as that long.
    pub(crate) fn observe(&mut self, seen: &Observation, rewinds: u32, longest: Millis) {
        let Some(group) = &seen.group else { return };
        let before = self.latest.replace(seen.at);
        let now = group.members.canary;
        let members = self.members.replace(now);
        let rewound =
            f64::from(rewinds.saturating_sub(std::mem::replace(&mut self.rewinds, rewinds)));
        let pods: Vec<_> = seen
            .pods
            .iter()
            .filter(|pod| pod.role == Role::Canary)
            .map(|pod| (pod.name.clone(), pod.terminating, pod.restarts))
            .collect();
        if self.unchanged_since.is_none() || pods != self.pods {
            self.pods = pods;
            self.unchanged_since = Some(seen.at);
            self.most = now;
        }
        let most = self.most;
        self.most = most.max(now);
        let (Some(before), Some(members), Some(since)) = (before, members, self.unchanged_since)
        else {
            return;
        };
        if self.pods.is_empty() || seen.at.saturating_sub(since) < EXPLAINED_TIME {
            return;
        }
        let left = members.saturating_sub(now);
        let came_back = now.min(most).saturating_sub(members);
        let changes = f64::from(left + came_back);
        let events = (changes + rewound).min(MOST_EVENTS_AT_ONCE);
        let span = seen.at.saturating_sub(before).clamp(0, longest);
        let hours = hours(span) * f64::from(tally(self.pods.len()));
        self.events += events;
        self.pod_hours += hours;
        if hours > 0.0 {
            self.engine.bet(events, NORMAL_PER_POD_HOUR * hours);
        }
    }

    pub(crate) fn forget_times(&mut self) {
        self.latest = None;
        self.unchanged_since = None;
    }

    pub(crate) fn ln_value(&self) -> f64 {
        self.engine.ln_value()
    }

    /// A canary pod: which of several, membership by role doesn't tell.
    pub(crate) fn pod(&self) -> Option<Arc<str>> {
        self.pods.first().map(|(pod, _, _)| pod.clone())
    }

    pub(crate) fn effect(&self) -> Effect {
        Effect::per_hour(self.events, self.pod_hours, NORMAL_PER_POD_HOUR)
    }

    /// Changes per pod-hour that would have reached `ln_needed` by now.
    pub(crate) fn smallest_seen(&self, ln_needed: f64) -> Option<f64> {
        self.engine.smallest_rate_seen(self.pod_hours, NORMAL_PER_POD_HOUR, ln_needed)
    }

    pub(crate) fn save(&self) -> SavedChurn {
        let (events, hours) = (self.events, self.pod_hours);
        SavedChurn { accounts: self.engine.save(), events, hours }
    }

    /// What [`Churn::save`] wrote, `rewinds` being counted already; `None` if it did not write this.
    pub(crate) fn restore(saved: &SavedChurn, rewinds: u32) -> Option<Self> {
        let engine = RateTest::new(RATIOS).restored(&saved.accounts)?;
        let (events, pod_hours) = (saved.events.max(0.0), saved.hours.max(0.0));
        Some(Self { engine, events, pod_hours, rewinds, ..Self::new() })
    }
}
