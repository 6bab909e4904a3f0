//! Everything that Kubernetes says of one rollout at one moment, parsed.
//! Immutable; knows no evidence and decides nothing.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::core::DynamicObject;
use siskin_analysis::observation::{Millis, Role};
use siskin_api::annotations::{INJECTED, REVISION};
use siskin_api::{CanaryRollout, CanaryRolloutStatus, FrozenPlan, SpecError};
use siskin_decide::{Names, Primary, Revision, State, Strategy, Target, Uid, Workload};

use crate::commands::Asked;
use crate::name::Name;
use crate::observe::doubt::{Doubt, Novelty};
use crate::observe::news::{Seen, WatchedKind};
use crate::observe::parse::{self, FrozenObject};
use crate::observe::pods::PodsOfTarget;
use crate::observe::scaling::Scaling;
use crate::workloads::children::Family;
use crate::workloads::naming::{self, Named};
use crate::workloads::template::PodTemplate;

/// The objects of one rollout.
#[derive(Clone, Debug, Default)]
pub struct Live {
    pub(crate) target: Option<DynamicObject>,
    pub(crate) primary: Option<DynamicObject>,
    pub(crate) canary: Option<DynamicObject>,
    pub(crate) frozen: Vec<FrozenObject>,
}

impl Live {
    /// The versions in which they were read.
    pub(super) fn seen(&self) -> impl Iterator<Item = Seen> {
        let Self { target, primary, canary, frozen } = self;
        let deployments = [target, primary, canary].into_iter().flatten();
        let deployments = deployments.map(|it| Seen::of(WatchedKind::Deployment, it));
        let revision = |it: &FrozenObject| {
            Seen::new(WatchedKind::ControllerRevision, &it.name, it.resource_version.as_deref())
        };
        deployments.chain(frozen.iter().map(revision))
    }
}

/// Pods of one role that can't be made or placed, in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedPods {
    /// Since when.
    pub since: Timestamp,
    /// Which pod or `ReplicaSet`, and what the server says of it; bounded, fit for a status.
    pub words: String,
}

/// Pods that reasons of the cluster keep from running: a quota, no room, a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocked {
    /// Pods of the primary.
    pub primary: Option<BlockedPods>,
    /// Pods of the canary; also those whose trouble pods of the primary share.
    pub canary: Option<BlockedPods>,
}

/// One look at one rollout.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) name: Name,
    /// When it was looked at.
    pub seen_at: Timestamp,
    pub(crate) uid: Uid,
    pub(crate) rollout: CanaryRollout,
    /// The objects that belong to it.
    pub live: Live,
    /// What its children have in common; `None` when neither the target nor a child is there.
    pub family: Option<Family>,
    pub(crate) pods: PodsOfTarget,
    /// For how long the watch of the pods has been broken; `None`: it is well.
    pub pods_unseen_for: Option<Millis>,
    pub(crate) state: State,
    /// What is wrong with the spec.
    pub spec_errors: Vec<SpecError>,
    /// The plan that is followed, to be frozen when a trial starts.
    pub plan: FrozenPlan,
    /// The course of that plan.
    pub strategy: Strategy,
    pub(crate) asked: Vec<Asked>,
    /// Who owns the names of the children.
    pub names: Names,
    pub(crate) target: Option<Target>,
    /// Whether its template is a version of its own, where that is still asked.
    pub(crate) doubt: Option<Doubt>,
    /// For how long the target has been absent, as seen by this process.
    pub target_absent_for: SignedDuration,
    pub(crate) primary: Option<Primary>,
    pub(crate) canary: Option<Workload>,
    /// Pods that can't be made or placed.
    pub blocked: Blocked,
    /// When this process looked at the rollout for the first time.
    pub first_look: Timestamp,
    /// Whether the namespace goes away; asked of a rollout that is being deleted.
    pub namespace_terminating: bool,
    /// Who scales the target, its primary or the rollout.
    pub scaling: Scaling,
}

impl World {
    /// Name of the target.
    pub(crate) fn target_name(&self) -> &str {
        &self.rollout.spec.target_ref.name
    }

    /// The status as read.
    pub(crate) fn status(&self) -> CanaryRolloutStatus {
        self.rollout.status.clone().unwrap_or_default()
    }

    /// Whether the target's template is a version of its own, once that is known.
    pub(crate) async fn novelty(&self) -> Novelty {
        match &self.doubt {
            Some(doubt) => doubt.novelty().await,
            None => Novelty::New,
        }
    }

    /// Whether somebody else wrote the count of this child last.
    pub(crate) fn is_counted_by_hand(&self, role: Role) -> bool {
        self.live.child(role).is_some_and(parse::is_counted_by_hand)
    }
}

impl Live {
    /// The name of a template among those that are frozen, and those that the children run and
    /// nobody has frozen any more.
    pub(crate) fn name_of(&self, template: &PodTemplate) -> Revision {
        let children = [&self.primary, &self.canary].into_iter().flatten();
        let is_lost = |name| self.frozen.iter().all(|it| it.frozen.revision != name);
        let lost = children.filter(|it| carried(it).is_some_and(is_lost)).filter_map(running);
        let lost: Vec<_> = lost.collect();
        let mut frozen: Vec<_> = self.frozen.iter().collect();
        // Of two that hold this template, the promoted one names it.
        frozen.sort_by_key(|it| !it.frozen.promoted);
        let frozen = frozen
            .into_iter()
            .map(|it| Named { revision: it.frozen.revision, template: &it.template });
        let lost = lost.iter().map(|it| Named { revision: it.0, template: &it.1 });
        let known: Vec<_> = frozen.chain(lost).collect();
        naming::name_of(template, &known)
    }

    /// The child of this role.
    pub(crate) const fn child(&self, role: Role) -> Option<&DynamicObject> {
        match role {
            Role::Primary => self.primary.as_ref(),
            Role::Canary => self.canary.as_ref(),
        }
    }
}

/// The revision that a child says it runs.
pub(crate) fn carried(child: &DynamicObject) -> Option<Revision> {
    child.annotations().get(REVISION)?.parse().ok()
}

/// What a child runs, if that is the revision that it says.
pub(crate) fn running(child: &DynamicObject) -> Option<(Revision, PodTemplate)> {
    let (name, recorded) = (carried(child)?, child.annotations().get(INJECTED));
    let raw = &child.data["spec"]["template"];
    Some((name, naming::running(raw, recorded.map(String::as_str), name)?))
}
