//! Why something could not be read: what was asked, of whom, and what to do about it.
//! One kind for each thing that a reader would do differently; no message holds a secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::series::Signal;

/// Longest foreign text that is passed on, in characters: it ends up in a condition.
const MAX_DETAIL_CHARS: usize = 200;

/// Something could not be read. Other metrics of the same reading may be there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading {asked} from {source_name}: {fault}")]
pub struct ReadError {
    /// The question, or the pod that was read.
    pub asked: Asked,
    /// The source: an address without credentials, or a pod's endpoint.
    pub source_name: Arc<str>,
    /// The reason why there is no answer.
    pub fault: Fault,
}

/// A question to a source of metrics, as error messages name it.
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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum Fault {
    /// No connection, a failed TLS handshake, or a server that says it can't serve now.
    #[error(
        "no answer ({detail}); check the address, name resolution, network policies, whether it \
         expects TLS, and `ca.crt` in the credentials Secret"
    )]
    Unreachable {
        /// The failure, in the words of the layer where it happened.
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
        /// Who gave up, and after how long.
        detail: String,
    },
    /// The server refused the query.
    #[error("the query was refused: {message}; check the selector or the query")]
    BadQuery {
        /// The server's own words, at most 200 characters.
        message: String,
    },
    /// The answer is larger than is taken.
    #[error("more than {limit} {unit}; narrow the selector or aggregate in the query")]
    TooLarge {
        /// Most that is taken.
        limit: usize,
        /// Unit of the limit: `bytes`, `series` or `pods`.
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
        /// Kind of the answer.
        found: &'static str,
        /// Question to ask instead.
        remedy: &'static str,
    },
    /// An answer that is not of the protocol.
    #[error("not an answer of a metrics source ({detail}); check the address and its path")]
    Malformed {
        /// The violation of the protocol.
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
        self.into()
    }

    /// Adds the question and the source to the fault.
    pub(crate) fn on(self, asked: Asked, source_name: &Arc<str>) -> ReadError {
        ReadError { asked, source_name: Arc::clone(source_name), fault: self }
    }

    /// Fault of our own time limit.
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

/// A foreign text as one line of at most [`MAX_DETAIL_CHARS`] characters.
pub(crate) fn bounded(text: &str) -> String {
    text.trim()
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(MAX_DETAIL_CHARS)
        .collect()
}
