//! What keeps evidence from being gathered, or a trial from beginning, as a condition says it.
//! Pure: reads nothing.

use siskin_kafka::SampleError;
use siskin_prometheus::{Fault, ReadError};

/// Something that a person has to mend, or that passes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// Reason of a condition: `CamelCase`, one of a closed set.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Concern {
    /// A concern with this reason and message.
    pub(crate) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl From<&SampleError> for Concern {
    fn from(error: &SampleError) -> Self {
        Self::new(error.name(), error.to_string())
    }
}

impl From<&ReadError> for Concern {
    fn from(error: &ReadError) -> Self {
        let reason = match error.fault {
            Fault::Unreachable { .. } => "MetricsUnreachable",
            Fault::Unauthorized { .. } => "MetricsUnauthorized",
            Fault::TimedOut { .. } => "MetricsTimedOut",
            Fault::BadQuery { .. } => "MetricsBadQuery",
            Fault::TooLarge { .. } => "MetricsTooLarge",
            Fault::Partial { .. } => "MetricsPartial",
            Fault::Unsupported { .. } => "MetricsUnsupported",
            Fault::Malformed { .. } => "MetricsMalformed",
        };
        Self::new(reason, error.to_string())
    }
}
