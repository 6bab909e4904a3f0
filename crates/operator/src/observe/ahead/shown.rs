//! Rollouts as the first listing of the watch shows them: looks that follow it at once need no second listing.
//! Knows no cluster; a copy is young, or it is none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use parking_lot::Mutex;
use siskin_api::CanaryRollout;
use tokio::time::Instant;

use crate::name::Name;

/// A copy that nobody has taken by then is dropped, and one whose rollout is seen to change: changes since are
/// missing from it.
pub(super) const YOUNG: Duration = Duration::from_secs(5);

/// More are not held: they are read by the page.
const MOST: usize = 1_000;

/// The rollouts that were shown. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Shown(Arc<Mutex<Copies>>);

#[derive(Default)]
struct Copies {
    rollouts: BTreeMap<Name, (Box<CanaryRollout>, Instant)>,
    /// No more are taken in: those that are to be looked at are known, or they are too many.
    closed: bool,
}

impl Shown {
    /// Keeps one as the listing shows it.
    pub(crate) fn keep(&self, rollout: Option<CanaryRollout>) {
        let mut copies = self.0.lock();
        let Some(rollout) = rollout.filter(|_| !copies.closed) else { return };
        if copies.rollouts.len() == MOST {
            (copies.rollouts, copies.closed) = (BTreeMap::new(), true);
            return;
        }
        let name = Name::new(rollout.namespace().unwrap_or_default(), rollout.name_any());
        copies.rollouts.insert(name, (Box::new(rollout), Instant::now()));
    }

    /// Drops the copy of one that has changed since.
    pub(crate) fn forget(&self, name: &Name) {
        self.0.lock().rollouts.remove(name);
    }

    #[cfg(test)]
    pub(crate) fn is_kept(&self, name: &Name) -> bool {
        self.0.lock().rollouts.contains_key(name)
    }

    /// What a later listing shows is for nobody.
    pub(super) fn last(&self) {
        self.0.lock().closed = true;
    }

    /// Who follows may do so for days.
    pub(crate) fn forget_old(&self) {
        self.0.lock().rollouts.retain(|_, (_, at)| at.elapsed() < YOUNG);
    }

    /// Takes young ones of a namespace, so many at most, from this one on; none if that one is not there.
    pub(super) fn from(&self, name: &Name, most: u32) -> Vec<CanaryRollout> {
        let mut copies = self.0.lock();
        let is_young = |at: &Instant| at.elapsed() < YOUNG;
        if copies.rollouts.get(name).is_none_or(|(_, at)| !is_young(at)) {
            return vec![];
        }
        let of = |it: &Name| it.namespace == name.namespace;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let names = copies.rollouts.range(name..).map(|(it, _)| it).take_while(|it| of(it));
        let names: Vec<Name> = names.take(most).cloned().collect();
        let taken = names.iter().filter_map(|it| copies.rollouts.remove(it));
        taken.filter(|(_, at)| is_young(at)).map(|(it, _)| *it).collect()
    }
}

#[cfg(test)]
mod tests;
