//! The signals of a trial by name: what a judge can or can't see.
//! Names only; evidence and weights are elsewhere.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A signal the judge can or can't see.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
pub enum Signal {
    /// Time lag per partition: overload, stalls.
    Lag,
    /// Processing time: a canary that is slower but not saturated.
    Latency,
    /// CPU time per message.
    Cpu,
    /// Messages committed without having been worked on.
    Loss,
    /// Messages whose processing failed.
    Errors,
    /// Memory growth before it ends in a kill.
    Memory,
    /// Commits without work.
    Yield,
    /// Messages that are worked on again although they were committed.
    Duplicates,
    /// Container restarts.
    Restarts,
    /// Members that come and go, and rewinds.
    Churn,
    /// A metric that the user defined, by its name. As a label, which is of a closed set, it has none.
    #[strum(serialize = "UserMetric")]
    User(Arc<str>),
}

impl Display for Signal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Self::User(name) = self {
            return f.write_str(name);
        }
        f.write_str(&<&str>::from(self).to_lowercase())
    }
}
