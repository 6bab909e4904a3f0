//! The judge: observations of canary and primary in, a verdict with its reasons out.
//! Pure: no Kubernetes, no Kafka client, no runtime, no clock, no randomness.

mod assessment;
mod backlog;
mod blocks;
mod bound;
mod capacity;
mod check;
mod column;
mod commit_gaps;
mod constants;
mod count_proof;
mod count_ratio;
mod crash;
#[cfg(test)]
mod dice;
mod doubt;
mod drift;
mod effect;
mod fault;
mod finding;
mod funds;
mod group_lag;
mod hand_over;
mod judge;
mod lag_windows;
mod lags;
mod learn;
mod live;
mod log_ends;
mod margins;
mod missing;
mod name_table;
mod note;
mod numbers;
pub mod observation;
mod offset;
pub mod power;
mod proof;
mod rate;
mod reading;
mod record;
mod roster;
mod saved;
mod schedule;
mod settings;
mod signal;
mod signals;
mod stall;
mod steady;
mod summary;
mod time_lag;
mod tolerance;
mod user_metric;
mod verdict;
mod words;

pub use assessment::{Assessment, Evidence, SignalReport, WindowCount};
pub use bound::{Against, Bound};
pub use check::{Check, Input, Measure, NoValue};
#[cfg(feature = "sensitivity")]
pub use constants::{Constant, scale_constant};
pub use crash::crash_guard;
pub use doubt::Doubt;
pub use effect::Effect;
pub use fault::Fault;
pub use finding::{Finding, KeepsUp, Verdict};
pub use judge::Judge;
pub use note::Note;
pub use observation::PartitionId;
pub use record::{Pushed, RECORD_SPAN, Record};
pub use saved::ResumeError;
pub use settings::Settings;
pub use signal::Signal;
pub use steady::{Unsteady, primary_steady};
pub use summary::{RoleSummary, Summary, summarise};
pub use user_metric::{
    MOST_USER_METRICS, Threshold, UserMetric, UserMetricError, UserRule, check_user_metrics,
};
pub use words::Figure;
