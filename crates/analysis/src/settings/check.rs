//! Checks by the names that people know from other tools: what each is, and how it is bounded.
//! Only definitions and words; values are computed in `guards`, from what the pods count.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::numbers::Millis;
use crate::words::{HumanDuration, ShortNumber};

/// A value that is computed of each pod, over about the last minute but for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NoValue {
    /// No scrape of a warm canary pod was read.
    Unread,
    /// A canary pod shows no usable series of an input.
    NoSeries {
        /// The input without a series.
        input: Input,
    },
    /// A canary pod has a container without a memory limit.
    NoLimit,
    /// No message was counted in the window.
    NoMessages,
    /// A counter fell without a restart: nobody knows what happened.
    CounterFell,
    /// The pod has not been watched for a whole window since its warm-up, a gap, or a counter that
    /// fell.
    TooEarly {
        /// The window, in milliseconds.
        window: Millis,
    },
    /// A quantile lies above the largest edge of its histogram, and the bound does too: nobody
    /// knows on which side of it.
    BeyondEdges {
        /// The largest finite edge, in seconds.
        edge: f64,
        /// The bound, in seconds.
        bound: f64,
    },
}

/// A series that a check is computed from, by the name of its field in
/// [`PodMetrics`](crate::observation::PodMetrics).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::LatencyP99 => "latency_p99",
            Self::SuccessRate => "success_rate",
            Self::MemoryUsage => "memory_usage",
        }
    }

    /// The measure with this name.
    #[must_use]
    pub fn called(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
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

impl Display for NoValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread => f.write_str("no scrape of a warm pod was read"),
            Self::NoSeries { input } => {
                write!(f, "a pod shows no usable {input}; is series.{input} what it exports?")
            }
            Self::NoLimit => f.write_str("a container has no memory limit; give each of them one"),
            Self::NoMessages => f.write_str("no message came in the time it is computed over"),
            Self::CounterFell => f.write_str("a counter fell without a restart"),
            Self::TooEarly { window } => {
                write!(
                    f,
                    "it takes {} of counting, from a pod's warm-up on",
                    HumanDuration(*window)
                )
            }
            Self::BeyondEdges { edge, bound } => write!(
                f,
                "it lies above the largest bucket edge, {}, and so does the bound, {}; add a bucket at the bound",
                ShortNumber(*edge),
                ShortNumber(*bound)
            ),
        }
    }
}

impl Display for Input {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumed => "consumed",
            Self::Processed => "processed",
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::WorkingSet => "workingSet",
        })
    }
}
