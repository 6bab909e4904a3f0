//! What `decide` answers: absolute, idempotent effects in the order `apply` must make them, and
//! the state to persist after the last. No effect says "one more".

use jiff::Timestamp;

use crate::autoscaler::ScalerName;
use crate::observed::{Facts, Rejection};
use crate::revision::{Revision, RolloutId};
use crate::state::{Ending, State, terminating};

/// The answer to one observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they must be made; a crash may lose a tail, never a middle.
    pub effects: Vec<Effect>,
    /// Persisted once every effect has succeeded.
    pub next: State,
    /// Why it can't go on, if it can't.
    pub held: Option<Held>,
    /// When to look again if nothing happens before.
    pub wake: Option<Timestamp>,
}

/// One write. Roles and revisions, not Deployments: another topology needs another `apply` only.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
pub enum Effect {
    /// Put our finalizer on the `CanaryRollout`.
    AddFinalizer,
    /// Set `spec.replicas` once: `/scale` can't be read while it is absent.
    SeedScale {
        /// N, the pods of both roles together.
        replicas: u32,
    },
    /// Remove `spec.replicas`: it was seeded for an autoscaler that is gone, and N is in the facts.
    UnseedScale,
    /// The autoscaler scales the `CanaryRollout`, and its annotation says that it was the target's.
    TakeScale {
        /// Its kind and name.
        scaler: ScalerName,
    },
    /// The autoscaler scales a Deployment again, without our annotation.
    GiveScale {
        /// Its kind and name.
        scaler: ScalerName,
        /// What it scales from now on.
        to: ScaleTo,
    },
    /// Freeze the live template of the target under its name, as this attempt.
    Freeze {
        /// Name, as observed: another live template is not frozen under it.
        revision: Revision,
        /// The attempt; 0 at adoption.
        attempt: u32,
    },
    /// Freeze the template that the primary Deployment runs: its `ControllerRevision` was deleted
    /// by hand.
    Refreeze {
        /// The promoted revision.
        revision: Revision,
    },
    /// Primary is this revision at this count, and its annotations are these facts: one patch.
    Primary {
        /// Frozen revision.
        revision: Revision,
        /// `spec.replicas`.
        replicas: u32,
        /// All durable facts.
        facts: Facts,
        /// How much of the Deployment is written.
        scope: WriteScope,
    },
    /// The canary is this revision at this count.
    Canary {
        /// Frozen revision.
        revision: Revision,
        /// `spec.replicas`; at 0 the revision does not matter.
        replicas: u32,
        /// How much of the Deployment is written.
        scope: WriteScope,
    },
    /// The target has this many pods, written by us (adoption and hand-back).
    Target {
        /// `spec.replicas`.
        replicas: u32,
    },
    /// The target has none, and its annotation says how many it had: one write.
    Drain {
        /// What the target asked for.
        noted: u32,
    },
    /// The target's fields are no longer ours: they are anybody's to set.
    DropFieldOwnership,
    /// Remember the revision as rejected.
    Reject {
        /// Rejected revision.
        revision: Revision,
        /// Cause, and the attempt that ended for it.
        rejection: Rejection,
    },
    /// Forget that the revision was rejected.
    ClearRejection {
        /// Revision that may be tried again.
        revision: Revision,
        /// The attempt that is excused: what it was rejected for stayed with the data. Remembered
        /// beside the template, so that it is tried again once.
        excused: Option<RolloutId>,
    },
    /// Mark the revision promoted, every other one not.
    MarkPromoted {
        /// Promoted revision.
        revision: Revision,
    },
    /// The target owns the primary Deployment from now on.
    OwnPrimaryByTarget,
    /// Delete the children and the frozen templates.
    RemoveChildren,
    /// Take our finalizer off.
    RemoveFinalizer,
}

/// Who an autoscaler is given back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleTo {
    /// The target, which has its units again, or may be made anew.
    Target,
    /// The primary Deployment, which keeps serving.
    Primary,
}

/// How much of a child is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteScope {
    /// All of it: its own controller replaces its pods where the template is another one.
    Whole,
    /// The count and the facts: what would replace its pods waits until enough others serve.
    CountOnly,
}

/// Why a rollout can't go on; stands beside the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumIter)]
pub enum Held {
    /// The target does not exist.
    TargetMissing,
    /// Another `CanaryRollout` or another tool owns the names.
    NameTaken,
    /// The spec does not pass validation.
    InvalidSpec,
    /// The user suspended forward moves.
    Suspended,
    /// N is 0.
    ScaledToZero,
    /// The target is not complete and Available, so it can't be adopted yet.
    TargetUnavailable,
    /// The target is autoscaled by what can't be pointed at the `CanaryRollout`.
    AutoscalerOnTarget,
    /// The target's autoscaler is being pointed at the `CanaryRollout`, and has not worked there yet.
    AutoscalerPending,
    /// The target's own rollouts are paused: it takes no pods back, and nothing new is tried.
    TargetPaused,
    /// Pods of the primary can't be made or placed, for reasons of the cluster.
    PrimaryBlocked,
    /// Pods of the canary can't be made or placed, for reasons of the cluster.
    CanaryBlocked,
    /// The primary Deployment is gone and no frozen template is marked promoted.
    PrimaryLost,
    /// Preflight has not passed yet.
    PreflightPending,
    /// Preflight has not passed by its deadline.
    PreflightFailed,
    /// Waiting for a person's approval of this step.
    ApprovalRequired,
    /// Evidence is too weak to go on.
    Inconclusive,
    /// The desired revision is a rejected one.
    RevisionRejected,
    /// Promotion, rollback, deletion or a trial's step has made no progress for `progressDeadline`.
    Overdue,
}

impl Effect {
    /// Whether it only keeps the house: refused, it stops no effect after it, and every later look
    /// plans it again.
    #[must_use]
    pub const fn is_housekeeping(&self) -> bool {
        match self {
            Self::SeedScale { .. }
            | Self::UnseedScale
            | Self::TakeScale { .. }
            | Self::GiveScale { .. }
            | Self::Refreeze { .. }
            | Self::DropFieldOwnership
            | Self::Reject { .. }
            | Self::ClearRejection { .. }
            | Self::MarkPromoted { .. } => true,
            Self::AddFinalizer
            | Self::Freeze { .. }
            | Self::Primary { .. }
            | Self::Canary { .. }
            | Self::Target { .. }
            | Self::Drain { .. }
            | Self::OwnPrimaryByTarget
            | Self::RemoveChildren
            | Self::RemoveFinalizer => false,
        }
    }

    /// The durable facts that it writes.
    #[must_use]
    pub const fn facts(&self) -> Option<&Facts> {
        let Self::Primary { facts, .. } = self else { return None };
        Some(facts)
    }
}

impl Held {
    /// Whether a person is needed: what kstatus calls stalled.
    #[must_use]
    pub const fn stalled(self) -> bool {
        match self {
            Self::TargetMissing
            | Self::NameTaken
            | Self::InvalidSpec
            | Self::AutoscalerOnTarget
            | Self::PrimaryLost
            | Self::PreflightFailed
            | Self::RevisionRejected
            | Self::Overdue => true,
            Self::Suspended
            | Self::ScaledToZero
            | Self::TargetUnavailable
            | Self::AutoscalerPending
            | Self::TargetPaused
            | Self::PrimaryBlocked
            | Self::CanaryBlocked
            | Self::PreflightPending
            | Self::ApprovalRequired
            | Self::Inconclusive => false,
        }
    }
}

impl Plan {
    /// Stay or go to `next` with these effects.
    #[must_use]
    pub const fn to(next: State, effects: Vec<Effect>) -> Self {
        Self { effects, next, held: None, wake: None }
    }

    /// This plan, held for a reason.
    #[must_use]
    pub fn held(self, held: impl Into<Option<Held>>) -> Self {
        Self { held: held.into().or(self.held), ..self }
    }

    /// This plan, with another look at `at` or before.
    #[must_use]
    pub fn wake(self, at: impl Into<Option<Timestamp>>) -> Self {
        let wake = match (self.wake, at.into()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { wake, ..self }
    }

    /// The terminal plan of a deletion.
    pub(crate) fn release(ending: Ending, mut effects: Vec<Effect>) -> Self {
        effects.push(Effect::RemoveFinalizer);
        Self::to(terminating(ending), effects)
    }
}
