//! Why something could not be read: what was asked, of whom, and what to do about it.
//! One kind for each thing that a reader would do differently; no message holds a secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::series::Signal;

/// Longest text of somebody else that is passed on, in characters: it ends up in a condition.
const MAX_DETAIL_CHARS: usize = 200;

/// Something could not be read. Other metrics of the same reading may be there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading {asked} from {source_name}: {fault}")]
pub struct ReadError {
    /// What was asked.
    pub asked: Asked,
    /// Of whom: an address without credentials, or a pod's endpoint.
    pub source_name: Arc<str>,
    /// Why there is no answer.
    pub fault: Fault,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// One signal of all pods.
    Signal(Signal),
    /// Every signal of all pods.
    Pods,
    /// A metric of the user's own, by its name.
    Metric(Arc<str>),
    /// Everything that this pod exports.
    Pod(Arc<str>),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No connection, a failed TLS handshake, or a server that says it can't serve now.
    #[error(
        "no answer ({detail}); check the address, name resolution, network policies, whether it \
         expects TLS, and `ca.crt` in the credentials Secret"
    )]
    Unreachable {
        /// What failed.
        detail: String,
    },
    /// HTTP 401 or 403.
    #[error(
        "access refused (HTTP {status}); check `token`, or `username` with `password`, and \
         `tenant` in the credentials Secret (pods are scraped without credentials)"
    )]
    Unauthorized {
        /// The HTTP status.
        status: u16,
    },
    /// No whole answer within the time limit.
    #[error("no whole answer in time ({detail}); check the load of the server")]
    TimedOut {
        /// Who waited how long.
        detail: String,
    },
    /// The server refused the query.
    #[error("the query was refused: {message}; check the selector or the query")]
    BadQuery {
        /// The server's own words, at most 200 characters.
        message: String,
    },
    /// More than may be taken.
    #[error("more than {limit} {unit}; narrow the selector or aggregate in the query")]
    TooLarge {
        /// How much may be taken.
        limit: usize,
        /// Of what: `bytes`, `series` or `pods`.
        unit: &'static str,
    },
    /// The server says that something is missing from its answer.
    #[error(
        "the answer is incomplete ({warning}) and is no evidence; check the stores behind the \
         server"
    )]
    Partial {
        /// The first warning, at most 200 characters.
        warning: String,
    },
    /// An answer of a kind that can't be used.
    #[error("{found} can't be used; {remedy}")]
    Unsupported {
        /// What came.
        found: &'static str,
        /// What to ask instead.
        remedy: &'static str,
    },
    /// Not the protocol.
    #[error("not an answer of a metrics source ({detail}); check the address and its path")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
}

impl ReadError {
    /// The fault's name: a closed set, for conditions, metric labels and Event reasons.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.fault.name()
    }
}

impl Fault {
    /// The variant's name: a closed set, for conditions, metric labels and Event reasons.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Unreachable",
            Self::Unauthorized { .. } => "Unauthorized",
            Self::TimedOut { .. } => "TimedOut",
            Self::BadQuery { .. } => "BadQuery",
            Self::TooLarge { .. } => "TooLarge",
            Self::Partial { .. } => "Partial",
            Self::Unsupported { .. } => "Unsupported",
            Self::Malformed { .. } => "Malformed",
        }
    }

    /// With what was asked, and of whom.
    pub(crate) fn on(self, asked: Asked, source_name: &Arc<str>) -> ReadError {
        ReadError { asked, source_name: Arc::clone(source_name), fault: self }
    }

    /// Our own time limit is over.
    pub(crate) fn timed_out(deadline: Duration) -> Self {
        Self::TimedOut { detail: format!("the limit is {} ms", deadline.as_millis()) }
    }

    pub(crate) fn malformed(detail: impl AsRef<str>) -> Self {
        Self::Malformed { detail: bounded(detail.as_ref()) }
    }

    pub(crate) fn unreachable(detail: impl AsRef<str>) -> Self {
        Self::Unreachable { detail: bounded(detail.as_ref()) }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => signal.fmt(f),
            Self::Pods => f.write_str("the metrics of all pods"),
            Self::Metric(name) => write!(f, "metric {name:?}"),
            Self::Pod(name) => write!(f, "the metrics of pod {name}"),
        }
    }
}

/// Text of somebody else: one line, bounded.
pub(crate) fn bounded(text: &str) -> String {
    text.trim()
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(MAX_DETAIL_CHARS)
        .collect()
}
