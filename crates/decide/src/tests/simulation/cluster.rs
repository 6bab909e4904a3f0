//! The API objects of one rollout, and how they look to `observe`.
//! Changes nothing by itself: pods move in `deployment`, writes are in `writes`.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::deployment::Deployment;
use super::scalers::ScalerObject;
use super::shape::Shape;
use super::world::Signs;
use crate::autoscaler::ScalerName;
use crate::observed::{
    Desired, Facts, Frozen, Membership, MoveOrder, Names, Observed, Primary, Strategy, Target, Uid,
    Workload,
};
use crate::order::Order;
use crate::revision::{Revision, TrialKey};
use crate::state::{State, Unbroken};

/// Revisions that users write, two per trial key.
pub(super) const REVISIONS: u64 = 8;

/// Two templates per trial key: they differ in metadata only.
pub(super) fn trial_key(revision: Revision) -> TrialKey {
    TrialKey((revision.0 / 2).into())
}

/// The target.
#[derive(Clone, Debug)]
pub(super) struct TargetObject {
    pub(super) deployment: Deployment,
    pub(super) noted: Option<u32>,
    pub(super) written: Option<u32>,
    /// Siskin owns fields of it.
    pub(super) owned: bool,
    pub(super) bypass: Option<Arc<str>>,
}

/// The primary Deployment.
#[derive(Clone, Debug)]
pub(super) struct PrimaryObject {
    pub(super) deployment: Deployment,
    pub(super) facts: Facts,
    /// The target owns it.
    pub(super) owned: bool,
}

/// A `ControllerRevision`.
#[derive(Clone, Debug)]
pub(super) struct FrozenObject {
    pub(super) frozen: Frozen,
    pub(super) version: u32,
}

/// The `CanaryRollout`.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    pub(super) uid: Uid,
    pub(super) version: u32,
    pub(super) finalizer: bool,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) suspended: bool,
    pub(super) valid: bool,
    pub(super) replicas: Option<u32>,
    pub(super) max_consumers: Option<u32>,
    pub(super) strategy: Strategy,
    pub(super) orders: Vec<Order>,
    pub(super) status: Option<Status>,
}

/// What of the status is read back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    pub(super) state: State,
    pub(super) total: Option<u32>,
    pub(super) plan: Option<Strategy>,
}

#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) target: Option<TargetObject>,
    pub(super) primary: Option<PrimaryObject>,
    pub(super) canary: Option<Deployment>,
    pub(super) frozen: Vec<FrozenObject>,
    pub(super) rollout: Option<Rollout>,
    pub(super) scalers: Vec<ScalerObject>,
    /// The namespace is being deleted.
    pub(super) doomed: bool,
    /// The last resourceVersion given out.
    pub(super) versions: u32,
}

/// resourceVersions as read, for the precondition of every write; a rollout's own writes move them.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    pub(super) target: Option<u32>,
    pub(super) primary: Option<u32>,
    pub(super) canary: Option<u32>,
    pub(super) rollout: u32,
    pub(super) frozen: Vec<(Revision, u32)>,
    pub(super) scalers: Vec<(ScalerName, u32)>,
}

/// One look.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) seen: Observed,
    pub(super) versions: Versions,
    /// When it was looked.
    pub(super) now: Timestamp,
    /// What children take over from the target; `None` while it is missing.
    pub(super) dress: Option<Dress>,
}

/// What a child takes over from the target beside the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dress {
    own: Shape,
    order: MoveOrder,
    most: Option<u32>,
    total: u32,
    min_ready: u32,
    restarts: u32,
}

impl Dress {
    pub(super) fn of(target: &Deployment, rollout: &Rollout, total: u32) -> Self {
        let (order, most) = (rollout.plan().order, rollout.max_consumers);
        let Deployment { shape: own, min_ready, made, .. } = *target;
        Self { own, order, most, total, min_ready, restarts: made.restarts }
    }

    /// For another N.
    pub(super) const fn at(self, total: u32) -> Self {
        Self { total, ..self }
    }

    fn shape(self) -> Shape {
        self.own.of_child(self.order, self.total, self.most)
    }

    pub(super) fn put_on(self, child: &mut Deployment) {
        (child.shape, child.min_ready) = (self.shape(), self.min_ready);
        child.made.restarts = self.restarts;
    }

    fn is_worn_by(self, child: &Deployment) -> bool {
        (self.shape(), self.min_ready, self.restarts)
            == (child.shape, child.min_ready, child.made.restarts)
    }
}

impl Rollout {
    /// The persisted state; a status that was never written, or wiped, says nothing.
    pub(super) fn state(&self) -> State {
        self.status.as_ref().map_or(State::Pending, |it| it.state)
    }

    /// The plan frozen when a trial starts, else the spec's.
    pub(super) fn plan(&self) -> &Strategy {
        let frozen = self.status.as_ref().and_then(|it| it.plan.as_ref());
        frozen.filter(|_| self.state().rollout().is_some()).unwrap_or(&self.strategy)
    }
}

impl Cluster {
    pub(super) fn next_version(&mut self) -> u32 {
        self.versions += 1;
        self.versions
    }

    pub(super) fn find(&self, revision: Revision) -> Option<&FrozenObject> {
        self.frozen.iter().find(|it| it.frozen.revision == revision)
    }

    pub(super) fn view(
        &self,
        signs: Signs,
        absent_for: SignedDuration,
        now: Timestamp,
    ) -> Option<View> {
        let rollout = self.rollout.as_ref()?;
        let total = self.primary.as_ref().map(|it| it.facts.replicas);
        let dress = self
            .target
            .as_ref()
            .map(|it| Dress::of(&it.deployment, rollout, total.unwrap_or(it.deployment.replicas)));
        let state = rollout.state();
        let (primary, canary) =
            (self.primary.as_ref().map(|it| &it.deployment), self.canary.as_ref());
        let seen = Observed {
            uid: rollout.uid.clone(),
            state,
            deleted_at: rollout.deleted_at,
            namespace_terminating: self.doomed && rollout.deleted_at.is_some(),
            finalizer: rollout.finalizer,
            names: self.names(&rollout.uid),
            suspended: rollout.suspended,
            spec_valid: rollout.valid,
            replicas: rollout.replicas,
            last_total: rollout.status.as_ref().and_then(|it| it.total),
            max_consumers: rollout.max_consumers,
            strategy: rollout.plan().clone(),
            target: self.target.as_ref().map(TargetObject::seen),
            target_absent_for: absent_for,
            autoscalers: signs.autoscalers,
            primary: self.primary.as_ref().map(|it| Primary {
                workload: self.child(&it.deployment, it.owned, dress),
                facts: it.facts.clone(),
                strategy: it.deployment.shape.seen(),
            }),
            canary: self.canary.as_ref().map(|it| self.child(it, false, dress)),
            primary_blocked: signs
                .blocked
                .filter(|it| it.everybody && lacks_pods(primary))
                .map(|it| it.since),
            canary_blocked: signs.blocked.filter(|_| lacks_pods(canary)).map(|it| it.since),
            canary_uncounted: false,
            frozen: self.frozen.iter().map(|it| it.frozen.clone()).collect(),
            preflight: signs.preflight,
            membership: signs.membership,
            canary_joined: self.joined(signs.membership),
            evidence: signs.evidence,
            fault_stayed: signs.fault_stayed,
            awaits_last_sample: signs.awaits_last_sample,
            watched_since: signs.watched_since,
            unbroken: signs.watched_since.map(|since| Unbroken { since, until: Timestamp::MAX }),
            first_look: signs.watched_since.unwrap_or(Timestamp::MIN),
            orders: rollout.orders.clone(),
        };
        let versions = Versions {
            target: self.target.as_ref().map(|it| it.deployment.version),
            primary: self.primary.as_ref().map(|it| it.deployment.version),
            canary: self.canary.as_ref().map(|it| it.version),
            rollout: rollout.version,
            frozen: self.frozen.iter().map(|it| (it.frozen.revision, it.version)).collect(),
            scalers: self.scalers.iter().map(|it| (it.name.clone(), it.version)).collect(),
        };
        Some(View { seen, versions, now, dress })
    }

    /// One line for the trace: ready/spec of the target, primary and canary, `~` where a status is
    /// behind.
    pub(super) fn summary(&self) -> String {
        let of = |it: Option<&Deployment>| match it {
            Some(it) => {
                let behind = if it.current { "" } else { "~" };
                format!("{}/{}{behind} {:?}", it.counted.ready, it.replicas, it.made)
            }
            None => "none".to_owned(),
        };
        let target = of(self.target.as_ref().map(|it| &it.deployment));
        let primary = of(self.primary.as_ref().map(|it| &it.deployment));
        format!("[{target} | {primary} | {}]", of(self.canary.as_ref()))
    }

    /// Members of the group that are canary pods: the ready ones, unless the group says otherwise.
    fn joined(&self, membership: Membership) -> u32 {
        let ready = self.canary.as_ref().map_or(0, |it| it.counted.ready);
        match membership {
            Membership::Settled | Membership::Unknown => ready,
            Membership::Rebalancing | Membership::NotJoined => ready.saturating_sub(1),
        }
    }

    fn names(&self, uid: &Uid) -> Names {
        match &self.primary {
            Some(it) if it.facts.owner != *uid => Names::Orphaned,
            Some(_) | None => Names::Ours,
        }
    }

    /// A child; without its frozen template nothing says what it should be.
    fn child(&self, deployment: &Deployment, owned: bool, dress: Option<Dress>) -> Workload {
        let known = self.find(deployment.named).is_some();
        let dressed = dress.is_none_or(|it| it.is_worn_by(deployment));
        deployment.workload(known && (deployment.edited || owned || !dressed))
    }
}

/// Whether pods that it asks for are not there.
fn lacks_pods(deployment: Option<&Deployment>) -> bool {
    deployment.is_some_and(|it| it.count().all < it.replicas)
}

impl TargetObject {
    fn seen(&self) -> Target {
        let it = &self.deployment;
        let workload = it.workload(false);
        let all = [it.counted.all, it.counted.updated, it.counted.available];
        Target {
            workload,
            desired: Desired { revision: it.made.from, trial: trial_key(it.made.from) },
            available: it.current && all.iter().all(|count| *count == it.replicas),
            noted: self.noted,
            written: self.written,
            owned: self.owned,
            bypass: self.bypass.clone(),
            strategy: it.shape.seen(),
            paused: it.paused,
        }
    }
}
