//! The judge: observations of canary and primary in, a verdict with its reasons out.
//! Pure: no Kubernetes, no Kafka client, no runtime, no clock, no randomness.
//!
//! ```
//! use siskin_analysis::observation::Observation;
//! use siskin_analysis::{Judge, Record, Settings, Verdict};
//!
//! let settings = Settings {
//!     interval: 10_000,
//!     warm_up: 60_000,
//!     false_rollback_probability: 0.01,
//!     minimum_evidence: siskin_analysis::MinimumEvidence::default(),
//!     user: [].into(),
//!     remembered: siskin_analysis::Remembered::default(),
//! };
//! let mut judge = Judge::new(settings, &Record::new(0));
//! judge.observe(&Observation { at: 1_780_000_000_000, group: None, pods: Vec::new() });
//! let answer = judge.assess(1_780_000_000_000, true);
//! assert_eq!(answer.verdict, Verdict::Inconclusive);
//! assert_eq!(answer.finding.to_string(), "no usable answer from Kafka yet");
//! ```
//!
//! # Rooms
//! A room uses those above it in this list, never those below.
//!
//! | Room | What it holds |
//! |---|---|
//! | `numbers`, `constants`, `words` | units, the numbers of the method, lengths of time in words |
//! | [`observation`] | what was seen of a group and its pods, and a record of it |
//! | [`replay_ranges`] | which offsets a canary consumed |
//! | `settings` | what a trial is judged by, the user's metrics and checks |
//! | `engines` | tests that may be looked at any time: numbers in, evidence out |
//! | `findings` | what a judge answers, in data and in words |
//! | `lag` | the lag of every partition, window by window |
//! | `counters` | what the counters of pods rise by |
//! | `normal` | what is normal for the primary |
//! | `guards` | crashes, stalls, rewinds, bounds: deterministic |
//! | `signals` | evidence against the canary, and that it keeps up |
//! | `primary_memory` | what days have shown of the primary |
//! | `judge` | from observations to the assessment |
//! | `aftermath` | whether a fault stayed with the data after a rollback |
//! | `summary`, [`power`] | the group in figures; what a planned rollout can find |

mod aftermath;
mod constants;
mod counters;
mod engines;
mod findings;
mod guards;
mod judge;
mod lag;
mod normal;
mod numbers;
pub mod observation;
pub mod power;
mod primary_memory;
pub mod replay_ranges;
mod settings;
mod signals;
#[cfg(test)]
mod stopping;
mod summary;
mod words;

pub use crate::aftermath::{Aftermath, FaultStayed};
#[cfg(feature = "sensitivity")]
pub use crate::constants::{Constant, scale_constant};
pub use crate::findings::assessment::{Assessment, EValue, SignalReport, WindowCount};
pub use crate::findings::doubt::Doubt;
pub use crate::findings::effect::Effect;
pub use crate::findings::fault::Fault;
pub use crate::findings::finding::{Finding, KeepsUp, Observed, Verdict};
pub use crate::findings::note::Note;
pub use crate::findings::signal::Signal;
pub use crate::guards::crash::crash_guard;
pub use crate::judge::Judge;
pub use crate::judge::saved::ResumeError;
pub use crate::normal::steady::{Unsteady, primary_steady};
pub use crate::normal::stuck::{StuckPartition, stuck_partitions};
pub use crate::observation::PartitionId;
pub use crate::observation::record::{Pushed, RECORD_SPAN, Record};
pub use crate::primary_memory::PrimaryMemory;
pub use crate::settings::bound::{Against, Bound, Scope};
pub use crate::settings::check::{Check, Input, Measure, NoValue};
pub use crate::settings::remembered::{Remembered, RememberedCounts};
pub use crate::settings::user_metric::{
    MOST_USER_METRICS, Threshold, UserMetric, UserMetricError, UserRule, check_user_metrics,
};
pub use crate::settings::{MinimumEvidence, Settings};
pub use crate::summary::{GroupSummary, RoleSummary, summarize};
pub use crate::words::ShortNumber;
