//! The Kubernetes API of Siskin: `CanaryRollout`, `CanaryGuard` and every name that Siskin writes into a cluster.
//! Types, bounds and text only: no client, no clock, nothing of Kafka or of how to decide.
//!
//! | module | purpose |
//! |---|---|
//! | `rollout`, `strategy`, `metrics`, `references` | the spec: what a user asks for |
//! | `status`, `progress`, `records`, `conditions` | the status: what is told, and what the operator resumes from |
//! | `units` | durations, probabilities and decimals as text |
//! | `rules`, `validate` | relations that bounds can't say, in CEL and in Rust |
//! | `guard` | `CanaryGuard`: what the admission guard keeps drained |
//! | `crd` | the `CustomResourceDefinition`s, as they are committed and installed |
//! | `annotations` | labels, annotations, finalizers and field managers |
//! | `pages` | pages of `docs/reference`, made from the two above |
//!
//! # Example
//!
//! A spec is checked without a cluster, by the rules of the API server.
//!
//! ```
//! use siskin_api::{CanaryRollout, StepSize};
//!
//! let rollout: CanaryRollout = serde_yaml_ng::from_str(
//!     "
//!     apiVersion: siskin.dev/v1alpha1
//!     kind: CanaryRollout
//!     metadata: {name: orders, namespace: shop}
//!     spec:
//!       targetRef: {name: orders}
//!       strategy: {stepWeight: 20, maxWeight: 50, hold: 10m}
//!       analysis:
//!         kafka: {bootstrapServers: ['kafka.example.org:9092'], consumerGroup: orders}
//!     ",
//! )?;
//! assert_eq!(rollout.spec.validate(), Ok(()));
//! let sizes: Vec<StepSize> = rollout.spec.steps().iter().map(|step| step.size).collect();
//! assert_eq!(sizes, [20, 40, 50].map(StepSize::Weight));
//!
//! let mut wrong = rollout.spec;
//! wrong.strategy.max_weight = Some(10);
//! let errors = wrong.validate().expect_err("stepWeight is greater than maxWeight");
//! assert_eq!(errors[0].field, "spec.strategy.stepWeight");
//! # Ok::<(), serde_yaml_ng::Error>(())
//! ```

// `KubeSchema` copies each public struct, keyword included, into a function.
#![expect(unreachable_pub)]

pub mod annotations;
pub mod conditions;
pub mod guard;
pub mod kafka;
pub mod metrics;
pub mod pages;
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

pub use crd::{Crd, crd};
pub use guard::{CanaryGuard, CanaryGuardSpec};
pub use kafka::KafkaSource;
pub use metrics::{
    Against, Check, CheckName, MetricQuery, Preset, PrometheusSource, Ratio, Scope, ScrapeSource,
    SeriesField, SeriesNames, Threshold, UserMetric,
};
pub use pages::Page;
pub use progress::{
    Before, Cause, Clock, Clocks, Ending, FrozenPlan, Origin, ProgressStatus, PromotionReason,
    RestPhase,
};
pub use records::{
    Command, CommandOutcome, CommandRecord, HistoryEntry, ReplayRange, ReplayRangeKind,
    ReplaySummary, RolloutOutcome,
};
pub use references::{SecretRef, TargetApiVersion, TargetKind, TargetRef};
pub use rollout::{Analysis, CanaryOn, CanaryRollout, CanaryRolloutSpec, PodIdentity};
pub use status::{
    AnalysisStatus, AutoscalerKind, AutoscalerRef, CanaryRolloutStatus, ObservedTarget, Phase,
    PrintedColumns, RejectedRevision, Revisions, RoleFigures, Share, Verdict,
};
pub use strategy::{
    Approval, MinimumEvidence, OnInconclusive, Order, Step, StepSize, StepSpec, Strategy,
};
pub use units::{Decimal, Duration, ParseUnitError, Probability};
pub use validate::{SpecError, is_env_name};
