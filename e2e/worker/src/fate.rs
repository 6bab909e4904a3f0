//! What becomes of a record. Decided by its place and key alone, so that a second reading decides
//! the same, in whatever worker; nothing is done about it here.

#[cfg(test)]
mod tests;

use crate::units::share;

/// What becomes of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Worked on; the output topic says so.
    Processed,
    /// A terminal error: counted, logged, committed; the output topic says that it failed.
    Failed,
    /// Silently lost: consumed and committed, nothing else.
    Dropped,
    /// Committed without even being counted as consumed.
    Skipped,
    /// The consumer hangs on it: nothing behind it in its partition moves.
    Stalled,
}

/// Which records meet a fault. The comments of its fields are texts of --help.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Faults {
    /// Share of records that end in a terminal error, 0 to 1: counted, logged, committed.
    #[arg(long, env = "ERROR_SHARE", value_parser = share, default_value_t = 0.0)]
    pub error_share: f64,
    /// Share of records that are silently lost, 0 to 1: consumed and committed, nothing else.
    #[arg(long, env = "DROP_SHARE", value_parser = share, default_value_t = 0.0)]
    pub drop_share: f64,
    /// Share of records that are committed without being consumed or processed, 0 to 1.
    #[arg(long, env = "COMMIT_WITHOUT_PROCESSING", value_parser = share, default_value_t = 0.0)]
    pub commit_without_processing: f64,
    /// Hang on records whose key starts with this. Never if empty.
    #[arg(long, env = "STALL_ON", default_value = "")]
    pub stall_on: String,
    /// Share of records to hang on, 0 to 1.
    #[arg(long, env = "STALL_SHARE", value_parser = share, default_value_t = 0.0)]
    pub stall_share: f64,
    /// Hang on the first record of this partition.
    #[arg(long, env = "STALL_PARTITION")]
    pub stall_partition: Option<i32>,
}

impl Faults {
    /// The fate of a record.
    pub fn fate(&self, topic: &str, partition: i32, offset: i64, key: &[u8]) -> Fate {
        let poisonous = !self.stall_on.is_empty() && key.starts_with(self.stall_on.as_bytes());
        if poisonous || self.stall_partition == Some(partition) {
            return Fate::Stalled;
        }
        let place = uniform(topic, partition, offset);
        let mut end = 0.0;
        for (share, fate) in [
            (self.error_share, Fate::Failed),
            (self.drop_share, Fate::Dropped),
            (self.commit_without_processing, Fate::Skipped),
            (self.stall_share, Fate::Stalled),
        ] {
            end += share;
            if place < end {
                return fate;
            }
        }
        Fate::Processed
    }

    /// Shares of all faults together: at most 1, or the later ones would be cut short.
    pub fn sum(&self) -> f64 {
        self.error_share + self.drop_share + self.commit_without_processing + self.stall_share
    }
}

/// A number in [0, 1) that depends on these three only (FNV-1a, then a finalizer).
pub fn uniform(topic: &str, partition: i32, offset: i64) -> f64 {
    let bytes = topic.bytes().chain(partition.to_le_bytes()).chain(offset.to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    // 32 bits are enough for shares, and every u32 is exact as f64.
    let top = u32::try_from(hash >> 32).unwrap_or(0);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}
