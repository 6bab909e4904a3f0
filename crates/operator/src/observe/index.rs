//! Which rollouts exist and what they target, from the watch: maps an event on another object to a
//! name, and tells two rollouts of one target apart. Holds no spec, and of the status what metrics show.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use parking_lot::RwLock;
use siskin_api::conditions::{RECONCILING, SOURCES_REACHABLE, STALLED, WRITES_ACCEPTED};
use siskin_api::{CanaryRollout, CanaryRolloutStatus, HistoryEntry, Phase, Verdict};
use siskin_decide::Held;

use crate::name::Name;
use crate::process::metrics::endings::Ended;
use crate::process::metrics::shown::{End, Hold, Shown};

/// Conditions that say, with this status, that something is in the way.
const HELD: [(&str, &str); 3] =
    [(STALLED, "True"), (SOURCES_REACHABLE, "False"), (WRITES_ACCEPTED, "False")];

/// Reasons for which what is under way waits for room in the cluster: without a deadline, so that somebody should know.
const BLOCKED: [Held; 2] = [Held::PrimaryBlocked, Held::CanaryBlocked];

/// What is remembered of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) uid: Arc<str>,
    /// The Deployment that it targets; `None` while all that is known is that it exists.
    pub target: Option<Arc<str>>,
    /// When it was created: the oldest of two wins.
    pub created: Timestamp,
    /// Its status as last reported, for the metrics.
    pub status: Reported,
}

/// What of a status is shown in metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    phase: Option<Phase>,
    verdict: Option<Verdict>,
    held: Vec<Hold>,
    ended: Option<End>,
}

/// Every rollout that the watch has shown. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Index(Arc<RwLock<Rollouts>>);

#[derive(Debug, Default)]
struct Rollouts {
    entries: HashMap<Name, Entry>,
    /// Rollouts by namespace and name of their target: few have two.
    targets: HashMap<Name, BTreeSet<Name>>,
    uids: HashMap<Arc<str>, Name>,
    /// Those that the listing under way has shown so far.
    listed: Option<HashSet<Name>>,
}

impl Index {
    /// Notes a rollout as the watch shows it.
    pub(crate) fn note(&self, rollout: &CanaryRollout) {
        let entry = Entry {
            uid: rollout.uid().unwrap_or_default().into(),
            target: Some(rollout.spec.target_ref.name.as_str().into()),
            created: rollout.creation_timestamp().map_or(Timestamp::MIN, |it| it.0),
            status: rollout.status.as_ref().map(Reported::of).unwrap_or_default(),
        };
        self.0.write().insert(name_of(rollout), entry);
    }

    /// Notes a rollout that can't be read: what it owns is no orphan.
    pub(crate) fn note_unreadable(&self, name: Name, uid: &str) {
        let mut all = self.0.write();
        let (created, status) = (Timestamp::MIN, Reported::default());
        let unknown = Entry { uid: "".into(), target: None, created, status };
        let known = all.entries.get(&name).cloned().unwrap_or(unknown);
        all.insert(name, Entry { uid: uid.into(), ..known });
    }

    /// Notes a rollout of this name, with a target of the same name.
    #[cfg(test)]
    pub(crate) fn note_for_tests(&self, name: &Name) {
        let uid = name.to_string().into();
        let (created, target) = (Timestamp::MIN, Some(name.name.clone()));
        let status = Reported::default();
        self.0.write().insert(name.clone(), Entry { uid, target, created, status });
    }

    /// Forgets a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.0.write().remove(name);
    }

    /// A listing begins: what it does not show is gone.
    pub(crate) fn listing_begins(&self) {
        self.0.write().listed = Some(HashSet::new());
    }

    /// A listing has shown everything. Forgets the rollouts that it has not shown, and names them.
    pub(crate) fn listing_ends(&self) -> Vec<Name> {
        let mut all = self.0.write();
        let Some(listed) = all.listed.take() else { return vec![] };
        let gone = all.entries.keys().filter(|it| !listed.contains(*it)).cloned();
        let gone: Vec<Name> = gone.collect();
        for name in &gone {
            all.remove(name);
        }
        gone
    }

    /// Rollouts of a target.
    pub(crate) fn of_target(&self, namespace: &str, target: &str) -> Vec<Name> {
        let all = self.0.read();
        let found = all.targets.get(&Name::new(namespace, target));
        found.into_iter().flatten().cloned().collect()
    }

    /// Whether there is no rollout at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.read().entries.is_empty()
    }

    /// The target of a rollout, as the watch shows it.
    pub(crate) fn target(&self, name: &Name) -> Option<Arc<str>> {
        self.0.read().entries.get(name)?.target.clone()
    }

    /// Every rollout that could be read.
    #[must_use]
    pub fn all(&self) -> Vec<Name> {
        let all = self.0.read();
        let read = all.entries.iter().filter(|(_, entry)| entry.target.is_some());
        read.map(|(name, _)| name.clone()).collect()
    }

    /// The phases of all rollouts that report one.
    #[must_use]
    pub fn phases(&self) -> Vec<Phase> {
        self.0.read().entries.values().filter_map(|it| it.status.phase).collect()
    }

    /// Every rollout that could be read, as it is shown in metrics.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let all = self.0.read();
        let read = all.entries.iter().filter(|(_, entry)| entry.target.is_some());
        let shown = read.map(|(name, Entry { status, .. })| Shown {
            namespace: name.namespace.clone(),
            name: name.name.clone(),
            phase: status.phase,
            verdict: status.verdict,
            held: status.held.clone(),
            ended: status.ended,
        });
        shown.collect()
    }

    /// Whether a rollout with this UID exists.
    pub(crate) fn knows(&self, uid: &str) -> bool {
        self.0.read().uids.contains_key(uid)
    }

    /// Whether an older rollout than this one has the same target.
    pub(crate) fn has_elder(&self, name: &Name, target: &str, created: Timestamp) -> bool {
        let all = self.0.read();
        let rivals = all.targets.get(&Name::new(name.namespace.clone(), target));
        rivals.into_iter().flatten().filter(|it| *it != name).any(|other| {
            let entry = all.entries.get(other);
            entry.is_some_and(|it| (it.created, other) < (created, name))
        })
    }
}

impl Reported {
    fn of(status: &CanaryRolloutStatus) -> Self {
        let blocked = |it: &Condition| BLOCKED.iter().any(|held| it.reason == <&str>::from(held));
        let held = status.conditions.iter().filter_map(|it| {
            let known =
                HELD.into_iter().find(|(type_, holds)| it.type_ == *type_ && it.status == *holds);
            let waits = || (it.type_ == RECONCILING && blocked(it)).then_some(RECONCILING);
            let condition = known.map(|it| it.0).or_else(waits)?;
            Some(Hold {
                condition,
                reason: it.reason.as_str().into(),
                since: it.last_transition_time.0,
            })
        });
        Self {
            phase: status.phase,
            verdict: status.analysis.as_ref().and_then(|it| it.verdict),
            held: held.collect(),
            ended: status.history.first().map(end),
        }
    }
}

/// Named as the counter of all ends names it.
fn end(entry: &HistoryEntry) -> End {
    let promoted_by = entry.promoted_by.map(Into::into);
    let reason = entry.cause.map(Into::into).or(promoted_by).unwrap_or_default();
    End { how: Ended { outcome: entry.outcome.into(), reason }, at: entry.finished.0 }
}

impl Rollouts {
    fn insert(&mut self, name: Name, entry: Entry) {
        self.remove(&name);
        if let Some(listed) = &mut self.listed {
            listed.insert(name.clone());
        }
        if let Some(target) = &entry.target {
            let target = Name::new(name.namespace.clone(), target.clone());
            self.targets.entry(target).or_default().insert(name.clone());
        }
        self.uids.insert(entry.uid.clone(), name.clone());
        self.entries.insert(name, entry);
    }

    fn remove(&mut self, name: &Name) {
        let Some(Entry { uid, target, .. }) = self.entries.remove(name) else { return };
        if self.uids.get(&uid) == Some(name) {
            self.uids.remove(&uid);
        }
        let Some(target) = target else { return };
        let target = Name::new(name.namespace.clone(), target);
        let left = self.targets.get_mut(&target).map(|it| {
            it.remove(name);
            it.len()
        });
        if left == Some(0) {
            self.targets.remove(&target);
        }
    }
}

/// The name of a rollout.
pub(crate) fn name_of(rollout: &CanaryRollout) -> Name {
    Name::new(rollout.namespace().unwrap_or_default(), rollout.name_any())
}

#[cfg(test)]
mod tests;
