//! The machine-readable state of a rollout: what an operator process needs to go on with it.
//! A record, not the rules: which state follows which is decided elsewhere.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::KafkaSource;
use crate::metrics::{Check, UserMetric};
use crate::strategy::{MinimumEvidence, OnInconclusive, Order, Step, StepSpec};
use crate::units::{Duration, Probability};

/// The state of the rollout as the operator resumes it. Read `phase`, `summary` and `conditions`
/// instead.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressStatus {
    /// The revision that the state is about.
    #[schemars(length(max = 63))]
    pub revision: String,
    /// The attempt's number, counted over the life of the target.
    #[schemars(range(min = 0))]
    pub attempt: i32,
    /// Index of the current step, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 98))]
    pub step: Option<i32>,
    /// Number of canary pods, fixed at the start of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub canary: Option<i32>,
    /// How far the pods have got in this state; in a trial the most canary pods that were available
    /// and in the group at one time. More of it begins `progressDeadline` anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub reached: Option<i32>,
    /// When the pods got that far: `progressDeadline` counts from here. In a trial, since when the step
    /// has not got on, whoever is in its way; a clock counts what the canary itself is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advanced: Option<MicroTime>,
    /// When this state, and in a trial this step, began.
    pub since: MicroTime,
    /// When this attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<MicroTime>,
    /// The Deployment's `siskin.dev/change-id` when this attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub change_id: Option<String>,
    /// Why the trial is being given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What kept the canary's pods from running when it was given up as late: pod, container and
    /// reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub obstacle: Option<String>,
    /// From where the rollback began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// The rest that a rollback which rejects nothing returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// Why the revision is being promoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_by: Option<PromotionReason>,
    /// The times that count, without pauses.
    #[serde(default)]
    pub clocks: Clocks,
    /// The plan; frozen from the first step on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<FrozenPlan>,
    /// How the deletion of the `CanaryRollout` ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
}

/// Why a revision was given up.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
pub enum Cause {
    /// The comparison found it worse than the primary.
    AnalysisFailed,
    /// It failed outright: a crash loop, a stalled partition.
    GuardFailed,
    /// A step was not ready, joined and settled by the progress deadline.
    DeadlineExceeded,
    /// A person asked for it.
    Aborted,
    /// The evidence stayed too thin and the strategy says `Rollback`.
    Inconclusive,
    /// A newer revision is wanted.
    Superseded,
    /// The promoted revision is wanted again.
    Reverted,
    /// The revision wanted now was rejected before.
    Rejected,
    /// A canary was found that no record explains.
    Resumed,
}

/// From which state a rollback began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Origin {
    /// The canary was still being compared.
    Trial,
    /// The primary had begun to take the revision: it goes back first.
    Promoting,
}

/// Why a revision is promoted.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
pub enum PromotionReason {
    /// It passed every step.
    Passed,
    /// A person asked for it.
    Commanded,
    /// The evidence stayed too thin and the strategy says `Promote`.
    Inconclusive,
    /// The Deployment carried a bypass.
    Bypass,
    /// The change needs no trial.
    NoTrialNeeded,
    /// The primary was found taking the revision over, and nothing says why.
    Resumed,
}

/// How the deletion of a `CanaryRollout` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Ending {
    /// The pods are handed back to the Deployment.
    HandBack,
    /// The primary stays, now owned by the Deployment.
    Leave,
    /// Everything is removed with the Deployment.
    Remove,
}

/// A rest, to return to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// Which rest.
    pub phase: RestPhase,
    /// The rejected revision of `Failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub revision: Option<String>,
    /// The cause of `Failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// The phases in which nothing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum RestPhase {
    /// Adopted, nothing tried yet.
    Initialized,
    /// The last revision tried was promoted.
    Succeeded,
    /// The last revision tried was rejected.
    Failed,
}

/// The stop watches of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Clocks {
    /// Runs while the canary is not ready, joined and settled for reasons of its own: against the
    /// progress deadline. Begins anew with each canary pod that gets there.
    pub unsettled: Clock,
    /// Runs while the canary is compared: against hold and maxHold.
    pub hold: Clock,
    /// Runs as `hold` does, but only while every source delivers: what counts for `onInconclusive:
    /// Promote`.
    pub delivered: Clock,
}

/// A stop watch that survives a restart: the time that was on it when it last stopped, and since
/// when it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Clock {
    /// Milliseconds on it without the current run.
    #[schemars(range(min = 0))]
    pub spent_ms: i64,
    /// Since when it runs; absent while it is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<MicroTime>,
}

/// The plan of one trial, frozen from its first step on, with every default filled in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrozenPlan {
    /// The steps, each with its hold.
    #[schemars(length(min = 1, max = 99))]
    pub steps: Vec<StepSpec>,
    /// Which pod comes first when one moves.
    pub order: Order,
    /// Age at which a pod is compared.
    pub warm_up: Duration,
    /// How long a step may take without another pod that is ready and in the group.
    pub progress_deadline: Duration,
    /// How long a step may stay inconclusive; absent: three times its hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hold: Option<Duration>,
    /// What follows then.
    pub on_inconclusive: OnInconclusive,
    /// Accepted probability of rolling back a healthy version.
    pub false_rollback_probability: Probability,
    /// What a step needs to go on.
    #[serde(default = "MinimumEvidence::of_older_plans")]
    pub minimum_evidence: MinimumEvidence,
    /// How often the group is read.
    pub interval: Duration,
    /// The group that is read. Absent in a plan of an operator that did not freeze it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<KafkaSource>,
    /// The user's own metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub metrics: Vec<UserMetric>,
    /// Checks by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    pub checks: Vec<Check>,
}

impl FrozenPlan {
    // A step that is still inconclusive after three holds has seen little that a fourth would show.
    const HOLDS_BEFORE_INCONCLUSIVE: u32 = 3;

    /// The steps, parsed.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.steps.iter().filter_map(|it| it.parse(Duration::default())).collect()
    }

    /// How long `step` may stay inconclusive: `maxHold`, or three times its hold. Never shorter
    /// than the hold.
    #[must_use]
    pub fn max_hold_of(&self, step: &Step) -> Duration {
        let default = step.hold.saturating_mul(Self::HOLDS_BEFORE_INCONCLUSIVE);
        self.max_hold.unwrap_or(default).max(step.hold)
    }
}
