//! How long a client waits, and how often it asks again. Numbers only.
//! Tests take shorter ones; nobody else may choose.

use std::time::Duration;

/// The times of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Longest wait for an answer of a coordinator: a broker that needs longer is in trouble, and
    /// the judge looks every 10 s.
    pub(crate) call: Duration,
    /// Longest wait for leaders and for metadata: what one lost broker may cost a sample, which has
    /// its members and commits already.
    pub(crate) leader: Duration,
    /// Time after which metadata is asked for again: a leader that is lost is asked until then. At
    /// 10 s its partitions were without offsets for 14 s, and for 32 s where the broker that had
    /// been asked for metadata was the lost one.
    pub(crate) metadata: Duration,
    /// Least time between two clients with the same credentials: each logs in.
    pub(crate) login: Duration,
}

/// The times of a real client.
pub(crate) const USUAL: Pace = Pace {
    call: Duration::from_secs(10),
    leader: Duration::from_secs(3),
    metadata: Duration::from_secs(10),
    login: Duration::from_secs(30),
};
