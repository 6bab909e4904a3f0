//! What was seen of one consumer group and its pods at one moment: the judge's only input.
//! Also the trace format, so every field is plain data; nothing here computes a verdict.

pub(crate) mod name_table;
pub(crate) mod offset;
mod packed;
pub(crate) mod record;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::numbers::Millis;
use crate::numbers::is_default;

/// One look at the group and the pods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Time at which the offsets were answered.
    pub at: Millis,
    /// The group, or `None` when Kafka gave no usable answer: no evidence, neither good nor bad.
    pub group: Option<GroupObservation>,
    /// Every pod of either role that is known to the API server, terminating ones included.
    pub pods: Vec<PodObservation>,
}

/// The consumer group at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupObservation {
    /// Whether assignments can be trusted.
    pub state: GroupState,
    /// Changes whenever the assignment (sorted member → partitions) changes. Two observations
    /// with different epochs lie on different sides of a rebalance.
    pub epoch: u64,
    /// Members by what they were attributed to.
    pub members: MemberCount,
    /// The partitions that are assigned now, or that the spec names.
    pub partitions: Vec<PartitionObservation>,
}

impl GroupObservation {
    /// The assignment under way; `None`: the group is not at rest.
    pub(crate) fn stable_epoch(&self) -> Option<u64> {
        (self.state == GroupState::Stable).then_some(self.epoch)
    }
}

/// State of the group as its coordinator reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupState {
    /// Every member has its assignment.
    Stable,
    /// Assignments are moving: what is shown is the old assignment, or none.
    Rebalancing,
    /// The group exists and has no member.
    Empty,
}

/// How many members of the group belong to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberCount {
    /// Members on primary pods.
    pub primary: u32,
    /// Members on canary pods.
    pub canary: u32,
    /// Members that are provably on no pod of the target.
    pub external: u32,
    /// Members that could be ours but match no pod.
    pub unattributed: u32,
    /// Canary pods with at least one member, those that are being deleted left out: a pod may have
    /// several members, and a member that died is listed beside the one that took its place.
    #[serde(default, skip_serializing_if = "is_default")]
    pub canary_pods: u32,
}

/// One partition at one moment. Offsets are `None` where Kafka gave none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionObservation {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: i32,
    /// Who consumes it now.
    pub owner: Owner,
    /// Committed offset: the next record to be consumed after a restart. `None`: never committed.
    pub committed: Option<i64>,
    /// Offset of the first record that still exists.
    pub log_start: Option<i64>,
    /// Offset after the last readable record: min(last stable offset, high watermark).
    pub log_end: Option<i64>,
}

/// Who owns a partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// A pod of ours, by name and role.
    Pod {
        /// Pod name.
        name: Arc<str>,
        /// The pod's role.
        role: Role,
    },
    /// A member that is provably on no pod of the target.
    External,
    /// A member that could be ours but matches no pod.
    Unattributed,
    /// No member.
    Nobody,
}

/// The two sides of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the promoted version.
    Primary,
    /// Runs the version on trial.
    Canary,
}

/// One pod at one moment, as the API server shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodObservation {
    /// Pod name.
    pub name: Arc<str>,
    /// The pod's role.
    pub role: Role,
    /// When the pod was created.
    pub created: Millis,
    /// Whether the pod is Ready.
    pub ready: bool,
    /// Whether the pod is being deleted. It may still be a member of the group.
    pub terminating: bool,
    /// Container restarts so far, all containers together, init containers and sidecars included.
    pub restarts: u32,
    /// Terminations of containers for running out of memory that are still visible.
    pub oom_kills: u32,
    /// Whether a container waits in `CrashLoopBackOff`.
    pub crash_loop: bool,
    /// Containers that restarted, or that wait for a reason that is no part of a usual start. One
    /// that is not listed has done neither. Empty beside restarts: nobody said of which container.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub containers: Arc<[ContainerObservation]>,
    /// The pod's node, if known: restarts of one node at one time are one event.
    #[serde(default)]
    pub node: Option<Arc<str>>,
    /// Metrics scraped for this observation. `None`: not scraped, or no answer.
    #[serde(default)]
    pub metrics: Option<PodMetrics>,
}

impl PodObservation {
    /// A pod that has nothing wrong with it, and shows no metrics.
    #[must_use]
    pub fn healthy(name: impl Into<Arc<str>>, role: Role, created: Millis) -> Self {
        Self {
            name: name.into(),
            role,
            created,
            ready: true,
            terminating: false,
            restarts: 0,
            oom_kills: 0,
            crash_loop: false,
            containers: Arc::default(),
            node: None,
            metrics: None,
        }
    }
}

/// The pods of a role that are not being deleted.
pub(crate) fn staying(
    pods: &[PodObservation],
    role: Role,
) -> impl Iterator<Item = &PodObservation> {
    pods.iter().filter(move |pod| pod.role == role && !pod.terminating)
}

/// One container of a pod at one moment: a main one, an init container or a sidecar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerObservation {
    /// Container name, unique in its pod.
    pub name: Arc<str>,
    /// Restarts so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub restarts: u32,
    /// Terminations for running out of memory that are still visible: at most two.
    #[serde(default, skip_serializing_if = "is_default")]
    pub oom_kills: u32,
    /// Reason why it waits: `CrashLoopBackOff`, `ErrImagePull`. Never the message beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Arc<str>>,
    /// When it ended last, by its node's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Millis>,
}

/// Metrics of one pod, all from one scrape. `None`: the series is not there. What is not a finite
/// number ≥ 0 counts as unknown.
///
/// Counters are totals since the process started; after a container restart they begin anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodMetrics {
    /// Messages taken from Kafka, duplicates included.
    #[serde(default)]
    pub consumed: Option<f64>,
    /// Messages whose processing succeeded.
    #[serde(default)]
    pub processed: Option<f64>,
    /// Messages whose processing failed for good. Retries don't count. A missing series is 0
    /// while `consumed` is there: many libraries create it with the first error.
    #[serde(default)]
    pub errors: Option<f64>,
    /// Messages skipped on purpose. A missing series is 0 while `consumed` is there.
    #[serde(default)]
    pub filtered: Option<f64>,
    /// Processing time per message.
    #[serde(default)]
    pub latency: Option<Histogram>,
    /// Working set in bytes: what the kernel can't reclaim.
    #[serde(default)]
    pub working_set: Option<f64>,
    /// Memory limit in bytes.
    #[serde(default)]
    pub memory_limit: Option<f64>,
    /// CPU time since the process started, in seconds. It may come from an exporter of its own pace:
    /// a total that did not change was not scraped anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Readings of the user's metrics, by name. Only those that
    /// [`Settings::user`](crate::Settings::user) defines are looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub user: BTreeMap<Arc<str>, UserReading>,
}

impl PodMetrics {
    /// The numbers of which a scrape has one each at most: neither a histogram's nor the user's.
    pub(crate) const fn numbers(&self) -> [Option<f64>; 7] {
        let Self {
            consumed,
            processed,
            errors,
            filtered,
            latency: _,
            working_set,
            memory_limit,
            cpu_seconds,
            user: _,
        } = self;
        [*consumed, *processed, *errors, *filtered, *working_set, *memory_limit, *cpu_seconds]
    }
}

/// One user metric of one pod. A ratio has `events` and `total`, a threshold has `value`; a value
/// that is known of a whole role only is that of each of its pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserReading {
    /// Events since the process started, as far as they are a number ≥ 0. A missing series is 0
    /// while `total` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<f64>,
    /// Total that events are counted on, since the process started. A number ≥ 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// The value now, in the user's unit. Any finite number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// A cumulative histogram, as Prometheus has it, without the infinite bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Histogram {
    /// Upper edges in seconds, finite, ascending. At most the first 64 are looked at.
    pub edges: Arc<[f64]>,
    /// Messages at or below each edge. As many as edges.
    pub counts: Vec<f64>,
    /// All messages.
    pub total: f64,
}

/// One partition of one topic. Shown as `orders/3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartitionId {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: i32,
}

impl Display for PartitionId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// Reason of a container that is started again later each time.
pub const CRASH_LOOP: &str = "CrashLoopBackOff";

impl ContainerObservation {
    /// Whether it waits in `CrashLoopBackOff`.
    #[must_use]
    pub fn is_crash_loop(&self) -> bool {
        self.waiting.as_deref() == Some(CRASH_LOOP)
    }
}
