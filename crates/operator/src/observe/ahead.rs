//! Rollouts, their targets and what was made for them, read a page at a time for looks that are known to
//! come: those of a new leader. A copy is taken once and while it is young; who finds none reads for itself.

mod others;
mod shown;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kube::ResourceExt;
use kube::core::DynamicObject;
use parking_lot::Mutex;
use siskin_analysis::observation::Role;
use siskin_api::CanaryRollout;
use siskin_api::annotations::TARGET;
use tokio::time::Instant;

use crate::cluster::calls::{CallFailed, Cluster, Freshness};
use crate::name::Name;
use crate::observe::ahead::others::{Others, TOGETHER};
pub(crate) use crate::observe::ahead::shown::Shown;
use crate::observe::ahead::shown::YOUNG;
use crate::observe::objects::Children;
use crate::workloads::children::child_name;

/// Copies, and whose are to come. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Ahead {
    shared: Arc<Shared>,
    /// Rollouts that need not be read again.
    pub(super) shown: Shown,
}

#[derive(Default)]
struct Shared {
    /// Rollouts that nobody has read yet.
    expected: Mutex<BTreeSet<Name>>,
    copies: Mutex<HashMap<Name, (Box<Copied>, Instant)>>,
    /// Where the next page of a namespace begins, if not with its first rollout.
    pages: Mutex<HashMap<Arc<str>, String>>,
    /// Where the pages of targets are.
    others: Others,
    /// One page is read at a time; the others wait for what it has for them.
    turn: tokio::sync::Mutex<()>,
}

/// A rollout, and what was made for its target.
pub(super) struct Copied {
    pub(super) rollout: CanaryRollout,
    pub(super) children: Children,
    /// The target; `None`: nobody has read it ahead.
    pub(super) target: Option<DynamicObject>,
}

impl Ahead {
    /// Looks at all of these are to come.
    pub(super) fn expect(&self, names: &[Name]) {
        self.shown.last();
        self.shared.pages.lock().clear();
        self.shared.others.begin_anew();
        *self.shared.expected.lock() = names.iter().cloned().collect();
    }

    pub(super) fn forget(&self, name: &Name) {
        self.shared.expected.lock().remove(name);
        self.shared.copies.lock().remove(name);
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, name: &Name) -> bool {
        self.shared.expected.lock().contains(name) || self.shared.copies.lock().contains_key(name)
    }

    /// What was read ahead of this rollout, where cached objects will do.
    pub(super) async fn take(&self, cluster: &Cluster, name: &Name) -> Option<Copied> {
        if cluster.freshness() == Freshness::Live {
            return None;
        }
        if let Some(found) = self.copy(name) {
            return Some(found);
        }
        let _turn = self.shared.turn.lock().await;
        // Read meanwhile, or not to come.
        if !self.shared.expected.lock().contains(name) {
            return self.copy(name);
        }
        // Whoever reads for itself is told what is wrong.
        match Box::pin(self.read(cluster, name)).await {
            Ok(copies) => self.keep(copies),
            Err(error) => {
                tracing::debug!(namespace = &*name.namespace, %error, "nothing is read ahead");
                self.shared.expected.lock().retain(|it| it.namespace != name.namespace);
            }
        }
        // One that is not where it should be in the order reads for itself.
        self.shared.expected.lock().remove(name);
        self.copy(name)
    }

    /// A page of rollouts from this one on, with what belongs to them.
    async fn read(&self, cluster: &Cluster, name: &Name) -> Result<Vec<Copied>, CallFailed> {
        let (namespace, others) = (&name.namespace, &self.shared.others);
        let shown = self.shown.from(name, TOGETHER);
        if !shown.is_empty() {
            return belongings(cluster, namespace, shown, others).await;
        }
        let from = self.shared.pages.lock().remove(namespace);
        let page = cluster.page_of_rollouts(namespace, TOGETHER, from.as_deref());
        let (rollouts, next) = page.await?;
        self.shared.pages.lock().extend(next.map(|it| (namespace.clone(), it)));
        belongings(cluster, namespace, rollouts, others).await
    }

    fn keep(&self, read: Vec<Copied>) {
        let (at, mut expected) = (Instant::now(), self.shared.expected.lock());
        let name = |it: &Copied| {
            Name::new(it.rollout.namespace().unwrap_or_default(), it.rollout.name_any())
        };
        let read = read.into_iter().map(|it| (name(&it), (Box::new(it), at)));
        let mut copies = self.shared.copies.lock();
        copies.retain(|_, (_, at)| at.elapsed() < YOUNG);
        copies.extend(read.filter(|(name, _)| expected.remove(name)));
    }

    fn copy(&self, name: &Name) -> Option<Copied> {
        let (copied, at) = self.shared.copies.lock().remove(name)?;
        (at.elapsed() < YOUNG).then_some(*copied)
    }
}

/// These rollouts, with their targets and what was made for them.
async fn belongings(
    cluster: &Cluster,
    namespace: &Arc<str>,
    rollouts: Vec<CanaryRollout>,
    others: &Others,
) -> Result<Vec<Copied>, CallFailed> {
    let targets: Vec<&str> = rollouts.iter().map(|it| &*it.spec.target_ref.name).collect();
    let (deployments, revisions, mut others) = futures::try_join!(
        cluster.cached_children(namespace, &targets),
        cluster.frozen(namespace, &targets),
        async { Ok(others.take(cluster, namespace, &targets).await) },
    )?;
    let mut deployments: HashMap<String, DynamicObject> =
        deployments.into_iter().map(|it| (it.name_any(), it)).collect();
    let mut frozen: HashMap<String, Vec<_>> = HashMap::new();
    for revision in revisions {
        let target = revision.labels().get(TARGET).cloned().unwrap_or_default();
        frozen.entry(target).or_default().push(revision);
    }
    let copied = |rollout: CanaryRollout| {
        let target = &rollout.spec.target_ref.name;
        let children = Children {
            primary: deployments.remove(&child_name(target, Role::Primary)),
            canary: deployments.remove(&child_name(target, Role::Canary)),
            revisions: frozen.remove(target).unwrap_or_default(),
        };
        let target = others.remove(target);
        Copied { rollout, children, target }
    };
    Ok(rollouts.into_iter().map(copied).collect())
}

#[cfg(test)]
mod tests;
