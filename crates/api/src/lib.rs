//! The Kubernetes API of Siskin: `CanaryRollout` and every name that Siskin writes into a cluster.
//! Types, bounds and text only: no client, no clock, nothing of Kafka or of how to decide.

// `KubeSchema` copies each public struct, keyword included, into a function.
#![expect(unreachable_pub)]

pub mod annotations;
pub mod conditions;
pub mod metrics;
pub mod progress;
pub mod records;
pub mod references;
pub mod rollout;
pub mod status;
pub mod strategy;
pub mod units;

mod crd;
mod rules;
mod validate;

pub use crd::{crd, crd_yaml};
pub use metrics::{
    Against, Check, CheckName, MetricQuery, Preset, PrometheusSource, Ratio, ScrapeSource,
    SeriesField, SeriesNames, Threshold, UserMetric,
};
pub use progress::{
    Before, Cause, Clock, Clocks, Ending, FrozenPlan, Origin, ProgressStatus, PromotionReason,
    RestPhase,
};
pub use records::{Command, CommandOutcome, CommandRecord, HistoryEntry, Outcome, ReplayRange};
pub use references::{SecretRef, TargetApiVersion, TargetKind, TargetRef};
pub use rollout::{Analysis, CanaryOn, CanaryRollout, CanaryRolloutSpec, KafkaSource, PodIdentity};
pub use status::{
    AnalysisStatus, CanaryRolloutStatus, Phase, RejectedRevision, Revisions, RoleFigures, Share,
    Summary, Verdict,
};
pub use strategy::{Approval, OnInconclusive, Order, Step, StepSize, StepSpec, Strategy};
pub use units::{Decimal, Duration, ParseUnitError, Probability};
pub use validate::SpecError;
