//! How a leader loses the lease.
//! Values only; what follows is in `candidate`.

use std::time::Duration;

/// The lease is not this process's any more, so the process must end: what it knows may be stale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum LeaseLost {
    /// The API server did not confirm a renewal in time; another process may lead soon.
    #[error("lost the lease: not renewed for {} s; last: {trouble}", .since.as_secs())]
    NotRenewed {
        /// Since the last renewal that was confirmed.
        since: Duration,
        /// What went wrong last.
        trouble: String,
    },
    /// Another process, or a person, wrote it.
    #[error("lost the lease: now held by {by:?}")]
    Taken {
        /// The holder; empty: nobody.
        by: String,
    },
    /// Someone deleted it.
    #[error("lost the lease: it was deleted")]
    Deleted,
}
