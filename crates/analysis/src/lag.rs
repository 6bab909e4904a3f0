//! The lag of every partition over time, window by window, with the data rules applied.
//! What is normal is not known here.

pub(crate) mod blocks;
pub(crate) mod column;
pub(crate) mod commit_gaps;
pub(crate) mod group;
pub(crate) mod log_ends;
pub(crate) mod partitions;
pub(crate) mod roster;
pub(crate) mod schedule;
pub(crate) mod time_lag;
pub(crate) mod windows;
