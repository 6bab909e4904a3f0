//! Checks by the names that people know from other tools: what each is, and how it is bounded.
//! Only definitions and words; values are computed in `guards`, from what the pods count.

use serde::{Deserialize, Serialize};

use crate::numbers::Millis;
use crate::words::{HumanDuration, ShortNumber};

/// A value that is computed of each pod, over about the last minute but for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Measure {
    /// Share of the consumed messages that failed for good, 0 to 1.
    ErrorRate,
    /// 99th percentile of the processing time, in seconds.
    LatencyP99,
    /// Share of the messages that came to an end, processed or failed, that was processed, 0 to 1.
    SuccessRate,
    /// Working set as a share of the memory limit, 0 to 1 and a little above.
    MemoryUsage,
}

/// Bounds of a [`Measure`]: at least one, both finite, `greater_than` less than `less_than`. A
/// value on a bound fails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// A value that is not less than this fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less_than: Option<f64>,
    /// A value that is not greater than this fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greater_than: Option<f64>,
    /// Failing readings that are tolerated over the whole trial, 3 by default. The next one fails
    /// the canary.
    #[serde(default = "crate::settings::bound::failure_limit")]
    pub failure_limit: u32,
}

/// Why a check has no value: no evidence, neither for the canary nor against it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NoValue {
    /// No scrape of a warm canary pod was read.
    #[error("no scrape of a warm pod was read")]
    Unread,
    /// A canary pod shows no usable series of an input.
    #[error("a pod shows no usable {input}; is series.{input} what it exports?")]
    NoSeries {
        /// The input without a series.
        input: Input,
    },
    /// A canary pod has a container without a memory limit.
    #[error("a container has no memory limit; give each of them one")]
    NoLimit,
    /// No message was counted in the window.
    #[error("no message came in the time it is computed over")]
    NoMessages,
    /// A counter fell without a restart: nobody knows what happened.
    #[error("a counter fell without a restart")]
    CounterFell,
    /// The pod has not been watched for a whole window since its warm-up, a gap, or a counter that
    /// fell.
    #[error("it takes {} of counting, from a pod's warm-up on", HumanDuration(*.window))]
    TooEarly {
        /// The window, in milliseconds.
        window: Millis,
    },
    /// A quantile lies above the largest edge of its histogram, and the bound does too: nobody
    /// knows on which side of it.
    #[error(
        "it lies above the largest bucket edge, {}, and so does the bound, {}; add a bucket at \
         the bound",
        ShortNumber(*.edge),
        ShortNumber(*.bound)
    )]
    BeyondEdges {
        /// The largest finite edge, in seconds.
        edge: f64,
        /// The bound, in seconds.
        bound: f64,
    },
}

/// A series that a check is computed from, by the name of its field in
/// [`PodMetrics`](crate::observation::PodMetrics).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Input {
    /// Messages taken.
    Consumed,
    /// Messages processed.
    Processed,
    /// Messages failed.
    Errors,
    /// Processing time.
    Latency,
    /// Memory.
    WorkingSet,
}

impl Measure {
    /// All measures.
    pub const ALL: [Self; 4] =
        [Self::ErrorRate, Self::LatencyP99, Self::SuccessRate, Self::MemoryUsage];

    /// Name of the measure in a spec, a trace and a finding.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The measure with this name.
    #[must_use]
    pub fn called(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl Check {
    /// Whether a value can be tested against its bounds.
    pub(crate) fn is_possible(&self) -> bool {
        let bounds = [self.less_than, self.greater_than];
        let ordered = self.greater_than.zip(self.less_than).is_none_or(|(low, high)| low < high);
        ordered && bounds.into_iter().flatten().all(f64::is_finite)
    }
}
