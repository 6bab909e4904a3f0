//! What the counters of pods say: rises between scrapes, kind by kind.
//! Nothing is compared, and no engine is known.

pub(crate) mod cadence;
pub(crate) mod counter;
pub(crate) mod cpu;
pub(crate) mod in_flight;
pub(crate) mod kind;
pub(crate) mod latency;
pub(crate) mod meter;
pub(crate) mod outcomes;
pub(crate) mod rise;
pub(crate) mod user_counts;
