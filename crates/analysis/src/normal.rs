//! What is normal for the primary, learned from the record before a trial and while it runs.
//! No canary is judged here.

pub(crate) mod bursts;
pub(crate) mod capacity;
pub(crate) mod learn;
pub(crate) mod margins;
pub(crate) mod prediction;
pub(crate) mod spread;
pub(crate) mod steady;
pub(crate) mod stuck;
pub(crate) mod tolerance;
pub(crate) mod warm_up;
