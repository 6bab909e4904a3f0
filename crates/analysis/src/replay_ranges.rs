//! Which offsets a canary consumed, partition by partition: what to process again after a bad one.
//! From samples and the lives of its pods alone; judges nothing, and knows no Kafka client.
//!
//! Between two samples of a partition lies an interval. It is *certain* if the canary owned the
//! partition at both, at rest, under one assignment; *possible* if a canary pod lived in it and no
//! other owner is proven throughout; else it is not the canary's. What was committed in the first
//! two kinds is their range. What a canary may have processed and not committed lies between the
//! last commit and the end of the log at the sample after it: *touched*.

mod consumed;
mod log;
mod look;
mod partition;
mod proof;
mod spans;
mod stored;

pub use crate::replay_ranges::consumed::{
    Consumed, ConsumedRange, ConsumedTotals, RangeKind, Shortfall,
};
pub use crate::replay_ranges::log::ConsumedLog;
pub use crate::replay_ranges::look::{CanaryProcess, Look};
pub use crate::replay_ranges::stored::{RangeLists, UnreadableRecord, parse_list};

#[cfg(test)]
mod tests;
