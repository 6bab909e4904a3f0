//! Everything `decide` may know, in one value: logged at debug level, any production decision can
//! be replayed as a unit test. Parsed and valid; no wire type, no reading of the cluster here.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::autoscaler::{Autoscalers, Declined, Taken};
use crate::order::Order;
use crate::revision::{Cause, Revision, RolloutId, TrialKey};
use crate::shape::DeploymentStrategy;
use crate::state::{Ending, PromotedBy, State, Unbroken};

/// UID of a `CanaryRollout`.
pub type Uid = Arc<str>;

/// One consistent look at a rollout.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, no state in disguise")]
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// UID of the `CanaryRollout`.
    pub uid: Uid,
    /// The persisted state; `Pending` when there is none.
    pub state: State,
    /// When the deletion of the `CanaryRollout` was asked for.
    pub deleted_at: Option<Timestamp>,
    /// Whether the namespace is terminating.
    pub namespace_terminating: bool,
    /// Whether our finalizer is on the `CanaryRollout`.
    pub finalizer: bool,
    /// Who owns the names of the primary and the canary Deployment.
    pub names: Names,
    /// The user stops forward moves.
    pub suspended: bool,
    /// Whether the spec passed validation; when not, `strategy` is the frozen or the default one.
    pub spec_valid: bool,
    /// `spec.replicas` of the `CanaryRollout`.
    pub replicas: Option<u32>,
    /// `status.replicas`: the last reported N, for when the primary Deployment is lost.
    pub last_total: Option<u32>,
    /// `spec.strategy.maxConsumers`.
    pub max_consumers: Option<u32>,
    /// Frozen when a trial started, else the spec's.
    pub strategy: Strategy,
    /// The target Deployment.
    pub target: Option<Target>,
    /// For how long the target has been absent, when it is.
    pub target_absent_for: SignedDuration,
    /// Autoscalers of the target, of its primary and of the `CanaryRollout`.
    pub autoscalers: Autoscalers,
    /// The primary Deployment.
    pub primary: Option<Primary>,
    /// The canary Deployment.
    pub canary: Option<Workload>,
    /// Since when pods of the primary can't be made or placed, for reasons of the cluster.
    pub primary_blocked: Option<Timestamp>,
    /// Since when pods of the canary can't be made or placed, for reasons of the cluster or such
    /// as pods of the primary show too, or restore state as Kafka Streams does.
    pub canary_blocked: Option<Timestamp>,
    /// Whether pods of the canary are Ready that its Deployment does not count: its controller is away,
    /// or late.
    pub canary_uncounted: bool,
    /// Frozen templates.
    pub frozen: Vec<Frozen>,
    /// Preflight, looked at before a canary gets its first pod.
    pub preflight: Preflight,
    /// Whether the canary's pods have joined the group and it has settled.
    pub membership: Membership,
    /// Canary pods that are members of the group, at the last look that Kafka answered.
    pub canary_joined: u32,
    /// The judge's word on the canary.
    pub evidence: Evidence,
    /// The attempt whose fault stayed with its partitions after it was rolled back, when they were the
    /// primary's again: the data's fault, not the version's.
    pub fault_stayed: Option<RolloutId>,
    /// Whether a sample of the group without the canary is still to come: what a canary committed
    /// last is known only after it. False where nobody samples.
    pub awaits_last_sample: bool,
    /// Since when this process has watched the attempt under way without a break; `None`: it does
    /// not. What it did not watch counts for no clock that ends a trial.
    pub watched_since: Option<Timestamp>,
    /// The latest time without a gap in which every source answered, as far as this process has watched
    /// the attempt under way; `None`: none has answered yet.
    pub unbroken: Option<Unbroken>,
    /// When this process looked at the rollout for the first time: what it did not see counts for
    /// no deadline of a deletion.
    pub first_look: Timestamp,
    /// Commands found, well-formed ones only. Whether one applies is decided here, not there.
    pub orders: Vec<Order>,
}

/// Who owns the names of the primary and the canary Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Nothing has them, or what has them is of this `CanaryRollout`.
    Ours,
    /// Siskin made them for a `CanaryRollout` that no longer exists: they are resumed.
    Orphaned,
    /// Another `CanaryRollout` or another tool has them, or the target is itself a child.
    Taken,
}

/// The course of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategy {
    /// At least one.
    pub steps: Arc<[StepPlan]>,
    /// What comes first when a unit moves.
    pub order: MoveOrder,
    /// Bounds scaling, Ready, joined and settled together.
    pub progress_deadline: SignedDuration,
    /// What happens when evidence stays too weak.
    pub on_inconclusive: OnInconclusive,
}

/// One step as planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPlan {
    /// How large the canary is.
    pub size: StepSize,
    /// Shortest time from settled to the next step.
    pub hold: SignedDuration,
    /// When an Inconclusive is acted on.
    pub max_hold: SignedDuration,
    /// Whether a person must approve.
    pub approval: bool,
}

/// Size of a step's canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepSize {
    /// Percent of N, 1 to 99.
    Weight(u32),
    /// Pods, at least 1.
    Replicas(u32),
}

/// What comes first when a unit moves from one role to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveOrder {
    /// One pod more, then one less: surge 1.
    SurgeFirst,
    /// One pod less, then one more: surge 0.
    DrainFirst,
}

/// What `maxHold` leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInconclusive {
    /// Wait for evidence or a person.
    Pause,
    /// Promote, if every source delivered.
    Promote,
    /// Reject, if every source delivered.
    Rollback,
}

/// A Deployment of ours or the user's, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The revision that its annotation says its template holds; `None` when it names none. Whether
    /// that template is still frozen is another question.
    pub revision: Option<Revision>,
    /// `spec.replicas`.
    pub replicas: u32,
    /// Pods that are Ready.
    pub ready: u32,
    /// Pods that have been Ready for `minReadySeconds`: what every move counts.
    pub available: u32,
    /// Pods of the current template, available or not.
    pub updated: u32,
    /// Pods that are being deleted: still members of the group.
    pub terminating: u32,
    /// Whether the counts are those of the current spec (`observedGeneration`). Nothing is taken
    /// away on counts that are not.
    pub current: bool,
    /// Whether every pod runs the current template and none of an older one is left.
    pub rolled: bool,
    /// Whether it differs from what we would write: edited by hand, or the target changed outside
    /// the template. Repaired by writing it again.
    pub differs: bool,
}

/// The target Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Counts of the target itself; `revision` names its live template.
    pub workload: Workload,
    /// The live template's keys.
    pub desired: Desired,
    /// Complete and Available at its count.
    pub available: bool,
    /// `siskin.dev/replicas`: the N that draining noted.
    pub noted: Option<u32>,
    /// `siskin.dev/written`: the count that Siskin itself last wrote to the target.
    pub written: Option<u32>,
    /// Whether our field manager owns fields of the target: only between two writes, else a crash
    /// or a conflict came between them, and Helm or a server-side apply would meet a conflict with
    /// us.
    pub owned: bool,
    /// `siskin.dev/bypass`: a person's reason to skip everything for one revision.
    pub bypass: Option<Arc<str>>,
    /// The target's own way to replace pods: it bounds every move, as a part of N.
    pub strategy: DeploymentStrategy,
    /// Whether its controller rolls nothing out: `spec.paused`.
    pub paused: bool,
}

/// Keys of the live template of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Name among the target's templates.
    pub revision: Revision,
    /// Trial key under the current `canaryOn`.
    pub trial: TrialKey,
}

/// The primary Deployment and what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// Counts of its pods.
    pub workload: Workload,
    /// Durable facts, read from its annotations.
    pub facts: Facts,
    /// The strategy it was written with, for when the target is missing.
    pub strategy: DeploymentStrategy,
}

/// The durable facts: what must outlive a lost status. Always written together with the effect
/// that they belong to, as one patch of the primary Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// UID of the `CanaryRollout` that owns the names.
    pub owner: Uid,
    /// Adoption is complete: the target is drained, never handed over again.
    pub adopted: bool,
    /// The promoted revision.
    pub promoted: Option<Revision>,
    /// What primary is taking over.
    pub promoting: Option<Takeover>,
    /// N, the pods of both roles together.
    pub replicas: u32,
    /// The value of the target's `siskin.dev/replicas` that N has taken into account.
    pub target_replicas: Option<u32>,
    /// Attempts counted so far.
    pub attempts: u32,
    /// The bypass that was consumed, or was already there when we resumed.
    pub bypass: Option<Arc<str>>,
    /// How a deletion ends.
    pub ending: Option<Ending>,
    /// The autoscaler that was taken over from the target, or is about to be.
    pub scaled_by: Option<Taken>,
    /// `spec.replicas` of the `CanaryRollout` is there, or about to be, only because an autoscaler
    /// needs it.
    pub seeded: bool,
    /// The autoscaler that did not work on the `CanaryRollout`.
    pub declined: Option<Declined>,
}

/// A revision on its way into primary, and what allowed that: a crash before the status is written
/// must not lose the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// Revision that primary takes over.
    pub revision: Revision,
    /// What allowed it.
    pub promoted_by: PromotedBy,
}

/// A pod template in a `ControllerRevision`: its name checked against the template, its trial key
/// computed from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// Name among the target's templates.
    pub revision: Revision,
    /// Trial key under the current `canaryOn`.
    pub trial: TrialKey,
    /// Marked promoted.
    pub promoted: bool,
    /// Marked rejected.
    pub rejection: Option<Rejection>,
    /// The last attempt at it; 0 for the template that adoption froze.
    pub attempt: u32,
    /// An attempt at it that was rejected for what stayed with the data, and excused.
    pub excused: Option<RolloutId>,
}

/// Why a revision is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What the attempt ended for.
    pub cause: Cause,
    /// The attempt that ended so; `retry` must name it.
    pub rollout: RolloutId,
}

/// Whether a canary may get its first pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// Every check passed.
    Passed,
    /// At least one did not; the reason and its text travel beside, for the report.
    Failed,
}

/// Whether the canary's pods have joined the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Every Ready canary pod is a member and the group is Stable.
    Settled,
    /// The group rebalances: nobody can say yet.
    Rebalancing,
    /// The group is at rest, and a Ready canary pod is not a member of it.
    NotJoined,
    /// Kafka gave no answer: neither settled nor the canary's fault.
    Unknown,
}

/// The judge's word on the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Enough evidence that it is no worse.
    Pass,
    /// A guard fired: its pods no longer count as ready.
    GuardFailed,
    /// The evidence against it passed its bound.
    Failed,
    /// Too little evidence either way.
    Inconclusive {
        /// Whether every source answered in the last window.
        delivered: bool,
    },
}

impl Evidence {
    /// Whether every source answers, and nothing speaks against the canary so far.
    pub(crate) const fn is_delivered(self) -> bool {
        match self {
            Self::Pass | Self::Inconclusive { delivered: true } => true,
            Self::GuardFailed | Self::Failed | Self::Inconclusive { delivered: false } => false,
        }
    }
}
