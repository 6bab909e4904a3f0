//! Which targets the admission guard is to keep drained, from the watch of rollouts: adopted, and not
//! being given back. Holds names and UIDs; writes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use kube::ResourceExt;
use parking_lot::Mutex;
use siskin_api::CanaryRollout;
use siskin_api::guard::MAX_TARGETS;
use tokio::sync::Notify;

use crate::name::Name;
use crate::observe::index::name_of;

/// The `CanaryRollout` for which a target is guarded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuardOwner {
    pub(crate) name: Arc<str>,
    pub(crate) uid: Arc<str>,
    /// Whether an autoscaler was taken over from the target.
    pub(crate) autoscaled: bool,
}

/// Guarded targets of a namespace, by name.
pub(crate) type GuardedTargets = BTreeMap<Arc<str>, GuardOwner>;

/// What the watch of rollouts says. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    all: Arc<Mutex<Rollouts>>,
    changed: Arc<Notify>,
}

/// A rollout whose target is guarded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Adopted {
    target: Arc<str>,
    uid: Arc<str>,
    autoscaled: bool,
}

#[derive(Debug, Default)]
struct Rollouts {
    /// By namespace and name.
    adopted: HashMap<Arc<str>, HashMap<Arc<str>, Adopted>>,
    /// Namespaces in which something has changed since they were asked for.
    changed: HashSet<Arc<str>>,
    /// Whether a listing was complete: what is not known before is not gone.
    listed: bool,
}

impl Guarded {
    /// A listing is complete, and has not shown these any more.
    pub(crate) fn listed(&self, gone: &[Name]) {
        let mut all = self.all.lock();
        all.listed = true;
        for name in gone {
            all.set(name, None);
        }
        drop(all);
        self.changed.notify_one();
    }

    /// A rollout as the watch shows it.
    pub(crate) fn note(&self, rollout: &CanaryRollout) {
        let status = rollout.status.as_ref().filter(|it| it.adopted);
        let stays = rollout.metadata.deletion_timestamp.is_none();
        let entry = status.filter(|_| stays).map(|status| Adopted {
            target: rollout.spec.target_ref.name.as_str().into(),
            uid: rollout.uid().unwrap_or_default().into(),
            autoscaled: status.autoscaler.is_some(),
        });
        self.set(&name_of(rollout), entry);
    }

    /// A rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.set(name, None);
    }

    /// Waits until something has changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Namespaces in which something has changed since this was asked last; none before a listing
    /// was complete.
    pub(crate) fn take_changed(&self) -> HashSet<Arc<str>> {
        let mut all = self.all.lock();
        if all.listed { std::mem::take(&mut all.changed) } else { HashSet::new() }
    }

    /// Namespaces with guarded targets.
    pub(crate) fn namespaces(&self) -> Vec<Arc<str>> {
        self.all.lock().adopted.keys().cloned().collect()
    }

    /// The guarded targets of a namespace. Of more than [`MAX_TARGETS`] the first by name.
    pub(crate) fn targets(&self, namespace: &str) -> GuardedTargets {
        let all = self.all.lock();
        let rollouts = all.adopted.get(namespace).into_iter().flatten();
        let owners = rollouts.map(|(name, it)| {
            let (name, uid, autoscaled) = (name.clone(), it.uid.clone(), it.autoscaled);
            (it.target.clone(), GuardOwner { name, uid, autoscaled })
        });
        let mut targets: GuardedTargets = owners.collect();
        if let Some(first) = targets.keys().nth(MAX_TARGETS).cloned() {
            let left_out = targets.split_off(&first).len();
            tracing::warn!(
                namespace,
                left_out,
                "more targets than the guard can name: some are drained after the write, not in it"
            );
        }
        targets
    }

    fn set(&self, name: &Name, entry: Option<Adopted>) {
        let mut all = self.all.lock();
        all.set(name, entry);
        let notify = !all.changed.is_empty() && all.listed;
        drop(all);
        if notify {
            self.changed.notify_one();
        }
    }
}

impl Rollouts {
    fn set(&mut self, name: &Name, entry: Option<Adopted>) {
        let rollouts = self.adopted.entry(name.namespace.clone()).or_default();
        if rollouts.get(&name.name) == entry.as_ref() {
            return;
        }
        match entry {
            Some(entry) => rollouts.insert(name.name.clone(), entry),
            None => rollouts.remove(&name.name),
        };
        if rollouts.is_empty() {
            self.adopted.remove(&name.namespace);
        }
        self.changed.insert(name.namespace.clone());
    }
}

#[cfg(test)]
mod tests;
