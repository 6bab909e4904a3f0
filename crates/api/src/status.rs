//! The status: what a person, a pipeline or the next operator process reads about a rollout.
//! Written by the operator only, every list and text bounded; it resumes from `progress` alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::progress::{Cause, ProgressStatus};
use crate::records::{CommandRecord, HistoryEntry, ReplayRange, ReplaySummary};

/// What was last seen and done. Written by the operator only.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryRolloutStatus {
    /// The generation of the spec that this status is about; -1 before the operator has seen it.
    #[serde(default = "CanaryRolloutStatus::unobserved")]
    pub observed_generation: i64,
    /// Where the rollout is; the type has the words, for in the CRD they stand in for a field's that may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// True once the pods run as primary; the Deployment itself is kept at 0 replicas from then on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub adopted: bool,
    /// The autoscaler of the Deployment, while it is kept pointed at this `CanaryRollout`; given back when
    /// that is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<AutoscalerRef>,
    /// Identifies one attempt at one revision: `<revision>-<attempt>`. Commands name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub rollout_id: Option<String>,
    /// The Deployment's annotation `siskin.dev/change-id`, for example a Git commit, as of the last
    /// look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub change_id: Option<String>,
    /// The Deployment as it was when this status was written: what the conditions are about. Absent
    /// while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_target: Option<ObservedTarget>,
    /// What is happening, or what is needed, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// The columns of `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<PrintedColumns>,
    /// The desired number of pods, primary and canary together; what autoscalers read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i32>,
    /// Label selector of all pods, primary and canary; what autoscalers read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub selector: Option<String>,
    /// The revisions that matter now, by the hash of their pod template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<Revisions>,
    /// The state of the rollout as the operator resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressStatus>,
    /// What the comparison of canary and primary says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<AnalysisStatus>,
    /// What days have shown of the primary: gaps between commits, warm-ups, how much its pods differ.
    /// Written at rest, at most every six hours. Not for people; without it a trial knows less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub memory: Option<String>,
    /// Earlier rollouts, latest first, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub history: Vec<HistoryEntry>,
    /// Commands that were followed or refused, latest first, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub commands: Vec<CommandRecord>,
    /// What the last canary consumed before it was rolled back, the first 50 ranges: what may have
    /// to be consumed again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub replay: Vec<ReplayRange>,
    /// True if there are more: the `ConfigMap` that `replaySummary` names lists all of them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replay_truncated: bool,
    /// All ranges in figures, and whether they are complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_summary: Option<ReplaySummary>,
    /// `Ready`: what serves is healthy. `Promoted`: the wanted version is the primary one.
    /// `Completed`: the rollout is over, well or not. `Reconciling`, `Stalled` (a person is
    /// needed): present only when true. `SourcesReachable`: Kafka and Prometheus answer.
    /// `WritesAccepted`: the API server makes every write; there once it has refused one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// The Deployment that was seen last.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ObservedTarget {
    /// Its UID: a Deployment that is made anew begins its generations anew.
    #[schemars(length(max = 128))]
    pub uid: String,
    /// Its `metadata.generation`.
    pub generation: i64,
}

/// An autoscaler of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct AutoscalerRef {
    /// Its kind.
    pub kind: AutoscalerKind,
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
}

/// What a `CanaryRollout` can be scaled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum AutoscalerKind {
    /// One of Kubernetes.
    HorizontalPodAutoscaler,
    /// One of KEDA.
    ScaledObject,
}

/// Where the rollout is. `Pending`: not adopted yet, see `message`. `Adopting`: the running pods are handed over from
/// the Deployment. `Initialized`: at rest, nothing tried yet. `Preparing`: a new version waits for the conditions of a
/// fair trial. `Progressing`: the canary is compared with the primary. `Paused`: waits for evidence or a person.
/// `Promoting`, `RollingBack`: on the way back to rest. `Succeeded`, `Failed`: at rest, with the outcome of the last
/// trial. `Terminating`: handed back.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
pub enum Phase {
    /// Nothing has begun: the Deployment is not adopted yet.
    Pending,
    /// The running pods are handed over from the Deployment to the primary.
    Adopting,
    /// At rest: adopted, nothing tried yet.
    Initialized,
    /// A new version waits for the conditions of a fair trial; no canary pod yet.
    Preparing,
    /// The canary runs and is compared with the primary.
    Progressing,
    /// The canary runs; the rollout waits for evidence or a person.
    Paused,
    /// The primary takes over the version of the canary.
    Promoting,
    /// The canary is removed.
    RollingBack,
    /// At rest: the last version tried was promoted.
    Succeeded,
    /// At rest: the last version tried was rejected.
    Failed,
    /// The `CanaryRollout` is being deleted: the pods are handed back.
    Terminating,
}

/// What the comparison says.
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
pub enum Verdict {
    /// Enough evidence that the canary is as good as the primary.
    Pass,
    /// The canary is worse.
    Fail,
    /// Not enough evidence either way.
    Inconclusive,
}

/// The columns of `kubectl get`, ready to print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PrintedColumns {
    /// Current step of all steps: `2/5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub step: Option<String>,
    /// Real share of the pods that run the canary, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub weight: Option<i32>,
    /// Canary pods, ready of all: `1/1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub canary: Option<String>,
    /// Primary pods, ready of all: `5/5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub primary: Option<String>,
    /// Messages behind, canary and primary: `120/100`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub lag: Option<String>,
    /// What the comparison says now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// The revisions that matter now. A revision is the hash of a pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Revisions {
    /// What the Deployment asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub desired: Option<String>,
    /// What the primary runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub promoted: Option<String>,
    /// What the canary runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub trial: Option<String>,
    /// What is not tried again, latest first, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub rejected: Vec<RejectedRevision>,
}

/// A revision that is not tried again until it is lifted by the annotation `siskin.dev/retry`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRevision {
    /// Hash of its pod template.
    #[schemars(length(max = 63))]
    pub revision: String,
    /// Why it was rejected.
    pub cause: Cause,
    /// The rollout that rejected it: the value that `siskin.dev/retry` needs.
    #[schemars(length(max = 63))]
    pub rollout_id: String,
}

/// What the comparison of canary and primary says, and on which numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisStatus {
    /// The verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// The partition or the pod that the reason is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub subject: Option<String>,
    /// Evidence against the canary; at `threshold` it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub evidence: Option<String>,
    /// The evidence at which the canary fails: 1 / `falseRollbackProbability`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub threshold: Option<String>,
    /// Seconds from the beginning of the attempt until the verdict was Fail; absent while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub detected_after_seconds: Option<i64>,
    /// What the comparison cannot see here, for example `latency`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 256)))]
    pub blind: Vec<String>,
    /// The canary's numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<RoleFigures>,
    /// The primary's numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<RoleFigures>,
    /// The canary's real share of the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// When the group was last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// State of the comparison, kept so that a restart of the operator does not begin it anew. Not
    /// for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16384))]
    pub accounts: Option<String>,
}

/// The numbers of one role, primary or canary. Absent is unknown, not 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleFigures {
    /// Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<i32>,
    /// Pods that are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_pods: Option<i32>,
    /// Members of the consumer group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<i32>,
    /// Partitions assigned to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i32>,
    /// Messages consumed per second, as a decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub messages_per_second: Option<String>,
    /// Messages behind, all partitions together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<i64>,
    /// Seconds behind, of the partition that is furthest behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_lag_seconds: Option<i64>,
}

/// The canary's real share of the work, in percent, 0 to 100.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Share {
    /// Of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub pods_percent: Option<i32>,
    /// Of the assigned partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub partitions_percent: Option<i32>,
    /// Of the messages consumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub messages_percent: Option<i32>,
}

impl Default for CanaryRolloutStatus {
    /// Nothing seen yet: `observedGeneration` −1, so that kstatus takes it for unfinished.
    fn default() -> Self {
        Self {
            observed_generation: Self::UNOBSERVED,
            phase: None,
            adopted: false,
            autoscaler: None,
            rollout_id: None,
            change_id: None,
            observed_target: None,
            message: None,
            summary: None,
            replicas: None,
            selector: None,
            revisions: None,
            progress: None,
            analysis: None,
            memory: None,
            history: Vec::new(),
            commands: Vec::new(),
            replay: Vec::new(),
            replay_truncated: false,
            replay_summary: None,
            conditions: Vec::new(),
        }
    }
}

impl CanaryRolloutStatus {
    /// `observedGeneration` of a status that the operator has not written yet.
    pub const UNOBSERVED: i64 = -1;

    // serde takes a function.
    const fn unobserved() -> i64 {
        Self::UNOBSERVED
    }
}

// `skip_serializing_if` passes a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
const fn is_false(it: &bool) -> bool {
    !*it
}
