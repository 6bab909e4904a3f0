//! What becomes of a record. Decided by its place and key alone, so that a second reading decides
//! the same, in whatever worker; nothing is done about it here.

#[cfg(test)]
mod tests;

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

/// Which records meet a fault.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of terminal errors, 0 to 1.
    pub errors: f64,
    /// Share of silent losses.
    pub drops: f64,
    /// Share that is committed without being consumed.
    pub skips: f64,
    /// Share that a consumer hangs on.
    pub stalls: f64,
    /// Partition on each record of which a consumer hangs.
    pub stall_partition: Option<i32>,
    /// Start of the keys on whose records a consumer hangs; none if empty.
    pub poison: String,
}

impl Faults {
    /// The fate of a record.
    #[must_use]
    pub fn fate(&self, topic: &str, partition: i32, offset: i64, key: &[u8]) -> Fate {
        let poisonous = !self.poison.is_empty() && key.starts_with(self.poison.as_bytes());
        if poisonous || self.stall_partition == Some(partition) {
            return Fate::Stalled;
        }
        let place = uniform(topic, partition, offset);
        let mut end = 0.0;
        for (share, fate) in [
            (self.errors, Fate::Failed),
            (self.drops, Fate::Dropped),
            (self.skips, Fate::Skipped),
            (self.stalls, Fate::Stalled),
        ] {
            end += share;
            if place < end {
                return fate;
            }
        }
        Fate::Processed
    }

    /// Shares of all faults together: at most 1, or the later ones would be cut short.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.errors + self.drops + self.skips + self.stalls
    }
}

/// A number in [0, 1) that depends on these three only (FNV-1a, then a finalizer).
#[must_use]
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
