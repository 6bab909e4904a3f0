//! Which rollouts exist and what they target, from the watch: maps an event on another object to a
//! name, and tells two rollouts of one target apart. Holds no spec, no status.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use parking_lot::RwLock;
use siskin_api::CanaryRollout;

use crate::name::Name;

/// What is remembered of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) uid: Arc<str>,
    /// The Deployment that it targets; `None` while all that is known is that it exists.
    pub target: Option<Arc<str>>,
    /// When it was created: the oldest of two wins.
    pub created: Timestamp,
    /// Its phase as last reported, for the metrics.
    pub phase: Option<siskin_api::Phase>,
}

/// Every rollout that the watch has shown.
#[derive(Clone, Debug, Default)]
pub struct Index(Arc<RwLock<HashMap<Name, Entry>>>);

impl Index {
    /// Notes a rollout as the watch shows it.
    pub(crate) fn note(&self, rollout: &CanaryRollout) {
        let entry = Entry {
            uid: rollout.uid().unwrap_or_default().into(),
            target: Some(rollout.spec.target_ref.name.as_str().into()),
            created: rollout.creation_timestamp().map_or(Timestamp::MIN, |it| it.0),
            phase: rollout.status.as_ref().and_then(|it| it.phase),
        };
        self.0.write().insert(name_of(rollout), entry);
    }

    /// Notes a rollout that can't be read: what it owns is no orphan.
    pub(crate) fn note_unreadable(&self, name: Name, uid: &str) {
        let uid: Arc<str> = uid.into();
        let unknown =
            Entry { uid: uid.clone(), target: None, created: Timestamp::MIN, phase: None };
        self.0.write().entry(name).or_insert(unknown).uid = uid;
    }

    /// Forgets a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.0.write().remove(name);
    }

    /// Rollouts of a target.
    pub(crate) fn of_target(&self, namespace: &str, target: &str) -> Vec<Name> {
        let all = self.0.read();
        let matching = all.iter().filter(|(name, entry)| {
            name.namespace.as_ref() == namespace && entry.target.as_deref() == Some(target)
        });
        matching.map(|(name, _)| name.clone()).collect()
    }

    /// Every rollout that could be read.
    #[must_use]
    pub fn all(&self) -> Vec<Name> {
        let all = self.0.read();
        let read = all.iter().filter(|(_, entry)| entry.target.is_some());
        read.map(|(name, _)| name.clone()).collect()
    }

    /// The phases of all rollouts that report one.
    #[must_use]
    pub fn phases(&self) -> Vec<siskin_api::Phase> {
        self.0.read().values().filter_map(|it| it.phase).collect()
    }

    /// Whether a rollout with this UID exists.
    pub(crate) fn knows(&self, uid: &str) -> bool {
        self.0.read().values().any(|it| it.uid.as_ref() == uid)
    }

    /// Whether an older rollout than this one has the same target.
    pub(crate) fn has_elder(&self, name: &Name, target: &str, created: Timestamp) -> bool {
        self.0.read().iter().any(|(other, entry)| {
            other != name
                && other.namespace == name.namespace
                && entry.target.as_deref() == Some(target)
                && (entry.created, other) < (created, name)
        })
    }
}

/// The name of a rollout.
pub(crate) fn name_of(rollout: &CanaryRollout) -> Name {
    Name::new(rollout.namespace().unwrap_or_default(), rollout.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rollout_that_cannot_be_read_owns_is_no_orphan() {
        let (index, name) = (Index::default(), Name::new("shop", "orders"));
        index.note_unreadable(name.clone(), "1");
        assert!(index.knows("1"));
        assert_eq!((index.all(), index.phases()), (vec![], vec![]), "no pass can be made over it");
        assert_eq!(index.of_target("shop", "orders"), []);
        index.forget(&name);
        assert!(!index.knows("1"));
    }
}
