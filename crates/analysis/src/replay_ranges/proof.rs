//! What is proven of the time between two looks: whether a canary lived in it, and whether every
//! partition stayed with its owner throughout. Looks at no offset.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::observation::{GroupObservation, Millis, Owner, Role};
use crate::replay_ranges::look::{CanaryProcess, Look};

/// Looks by number, and what is known of the time between them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    /// Number of the latest look; 0: none yet.
    look: u64,
    /// The latest look before which nothing is proven.
    broken: u64,
    /// The latest look at which, or before which, a canary lived.
    lived: u64,
    /// Assignment at the latest look, if the group was at rest.
    epoch: Option<u64>,
    processes: BTreeMap<Arc<str>, KnownProcess>,
}

#[derive(Clone, Copy, Debug)]
struct KnownProcess {
    restarts: u32,
    ended: Option<Millis>,
    /// Whether it was a member since it started.
    joined: bool,
    leaving: bool,
}

impl Proof {
    pub(crate) const fn look(&self) -> u64 {
        self.look
    }

    /// Whether a canary lived between look `from` and the latest.
    pub(crate) const fn lived_since(&self, from: u64) -> bool {
        0 < self.lived && from <= self.lived
    }

    /// Whether every partition stayed with its owner between look `from` and the latest.
    pub(crate) const fn is_intact_since(&self, from: u64) -> bool {
        self.broken <= from
    }

    /// Nothing is proven of the time before the next look, and a canary may have lived in it.
    pub(crate) fn lose_sight(&mut self) {
        (self.broken, self.lived) = (self.look + 1, self.look + 1);
        self.epoch = None;
    }

    /// Notes restarts that this look shows, before anything of it is told apart: the kubelet tells
    /// of an end late, so that the interval before the latest one is not proven either.
    pub(crate) fn note_restarts(&mut self, look: &Look<'_>) {
        if look.canaries.iter().any(|it| self.has_restarted(it)) {
            self.broken = self.broken.max(self.look);
        }
    }

    /// Takes the look in.
    pub(crate) fn take(&mut self, look: &Look<'_>) {
        self.look += 1;
        let epoch = look.group.stable_epoch();
        let moved = epoch.is_none() || epoch != self.epoch;
        let owners = canary_owners(look.group);
        let all_joined = all_joined(look);
        let doubtful = look.canaries.iter().any(|it| {
            let owns = owners.contains(&it.name);
            self.has_restarted(it) || !(all_joined || owns || self.is_idle(it))
        });
        let vanished = self.processes.iter().any(|(name, it)| {
            it.joined && !it.leaving && look.canaries.iter().all(|canary| canary.name != *name)
        });
        if moved || doubtful || vanished || look.blind {
            self.broken = self.look;
        }
        if look.blind || !look.canaries.is_empty() {
            self.lived = self.look;
        }
        self.epoch = epoch;
        self.remember(look.canaries, &owners, all_joined && epoch.is_some());
    }

    fn remember(&mut self, seen: &[CanaryProcess], owners: &BTreeSet<Arc<str>>, all_joined: bool) {
        let known = |it: &CanaryProcess| {
            let before = self.processes.get(&it.name).filter(|known| known.is_process(it));
            let joined = before.is_some_and(|known| known.joined);
            let joined = joined || owners.contains(&it.name) || (all_joined && !it.leaving);
            KnownProcess { restarts: it.restarts, ended: it.ended, joined, leaving: it.leaving }
        };
        self.processes = seen.iter().map(|it| (Arc::clone(&it.name), known(it))).collect();
    }

    fn has_restarted(&self, canary: &CanaryProcess) -> bool {
        self.processes.get(&canary.name).is_some_and(|it| !it.is_process(canary))
    }

    /// Whether a canary that owns nothing can't have owned anything since the look before: its first
    /// process is still starting, or it has left and only ends.
    fn is_idle(&self, canary: &CanaryProcess) -> bool {
        match self.processes.get(&canary.name) {
            Some(it) if it.joined => it.leaving && canary.leaving,
            Some(_) | None => !canary.ready && canary.is_first_process() && !canary.leaving,
        }
    }
}

impl KnownProcess {
    /// Whether no process of the pod has ended or begun since then.
    fn is_process(&self, canary: &CanaryProcess) -> bool {
        (self.restarts, self.ended) == (canary.restarts, canary.ended)
    }
}

impl CanaryProcess {
    const fn is_first_process(&self) -> bool {
        self.restarts == 0 && self.ended.is_none()
    }
}

/// Whether every canary that stays is a member: one that owns nothing, too.
fn all_joined(look: &Look<'_>) -> bool {
    let stay = look.canaries.iter().filter(|it| !it.leaving).count();
    let leave = look.canaries.len() - stay;
    let members = usize::try_from(look.group.members.canary_pods).unwrap_or(usize::MAX);
    leave == 0 && stay <= members
}

fn canary_owners(group: &GroupObservation) -> BTreeSet<Arc<str>> {
    let of_canary = group.partitions.iter().filter_map(|it| match &it.owner {
        Owner::Pod { name, role: Role::Canary } => Some(Arc::clone(name)),
        Owner::Pod { role: Role::Primary, .. }
        | Owner::External
        | Owner::Unattributed
        | Owner::Nobody => None,
    });
    of_canary.collect()
}
