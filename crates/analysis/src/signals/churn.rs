//! Members of the canary that leave and join although nobody told them to, and rewinds.
//! Each of them stops the whole group; what the operator does to pods is not counted.

use std::sync::Arc;

use crate::engines::rate_test::{RateTest, SavedRate};
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
    /// Per pod-hour.
    pub(crate) rate: RateTest,
    latest: Option<Millis>,
    members: Option<u32>,
    /// Most members since pods last changed: who joins beyond it joins for the first time, as a
    /// pod does that took long to start.
    most: u32,
    rewinds: u32,
    pods: Vec<(Arc<str>, bool, u32)>,
    unchanged_since: Option<Millis>,
}

impl Churn {
    pub(crate) fn new() -> Self {
        Self {
            rate: RateTest::new(RATIOS, NORMAL_PER_POD_HOUR),
            latest: None,
            members: None,
            most: 0,
            rewinds: 0,
            pods: Vec::new(),
            unchanged_since: None,
        }
    }

    /// Takes an observation. `rewinds`: how often committed offsets of canary partitions fell so
    /// far. Who left and came back in a time that nobody watched, longer than `longest`, is not known:
    /// nothing is counted of it. Changes in an outage that is `shared` with the primary count as
    /// none.
    pub(crate) fn observe(
        &mut self,
        seen: &Observation,
        rewinds: u32,
        longest: Millis,
        shared: bool,
    ) {
        let Some(group) = &seen.group else { return };
        let before = self.latest.replace(seen.at);
        let now = group.members.canary;
        let members = self.members.replace(now);
        let rewound = rewinds.saturating_sub(std::mem::replace(&mut self.rewinds, rewinds));
        let canary = seen.pods.iter().filter(|pod| pod.role == Role::Canary);
        let pods: Vec<_> =
            canary.map(|pod| (pod.name.clone(), pod.terminating, pod.restarts)).collect();
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
        let span = seen.at.saturating_sub(before);
        let is_explained = seen.at.saturating_sub(since) < EXPLAINED_TIME;
        if self.pods.is_empty() || is_explained || !(0..=longest).contains(&span) {
            return;
        }
        let left = members.saturating_sub(now);
        let came_back = now.min(most).saturating_sub(members);
        let changes = if shared { 0.0 } else { f64::from(left + came_back) + f64::from(rewound) };
        let events = changes.min(MOST_EVENTS_AT_ONCE);
        self.rate.bet(events, hours(span) * f64::from(tally(self.pods.len())));
    }

    pub(crate) fn forget_times(&mut self) {
        self.latest = None;
        self.unchanged_since = None;
    }

    /// A canary pod: which of several, membership by role doesn't tell.
    pub(crate) fn pod(&self) -> Option<Arc<str>> {
        self.pods.first().map(|(pod, _, _)| pod.clone())
    }

    /// Goes on from a rate that was saved, `rewinds` being counted already; `None` if it can't have
    /// been.
    pub(crate) fn restore(saved: &SavedRate, rewinds: u32) -> Option<Self> {
        let fresh = Self::new();
        Some(Self { rate: fresh.rate.restored(saved)?, rewinds, ..fresh })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{GroupObservation, GroupState, MemberCount, PodObservation};

    fn seen(at: Millis, canary: u32) -> Observation {
        let pod = PodObservation::healthy("canary", Role::Canary, 0);
        let members = MemberCount { canary, ..MemberCount::default() };
        let group = GroupObservation {
            state: GroupState::Stable,
            epoch: 1,
            members,
            partitions: Vec::new(),
        };
        Observation { at, group: Some(group), pods: vec![pod] }
    }

    #[test]
    fn who_left_while_nobody_watched_is_not_counted() {
        let mut churn = Churn::new();
        for at in 0..20 {
            churn.observe(&seen(at * 10_000, 2), 0, 30_000, false);
        }
        let hours = churn.rate.hours;
        churn.observe(&seen(3_600_000, 1), 0, 30_000, false);
        assert!(churn.rate.events <= 0.0 && churn.rate.hours <= hours);
        churn.observe(&seen(3_610_000, 0), 0, 30_000, false);
        assert!(churn.rate.events >= 1.0);
    }
}
