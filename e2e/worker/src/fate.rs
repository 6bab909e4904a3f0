//! What becomes of a record. Decided by its place alone, so that a second reading decides the same.

/// What becomes of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Processed, and said so in the output topic.
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

/// Shares of records that meet a fault, each from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// Terminal errors.
    pub errors: f64,
    /// Silent losses.
    pub drops: f64,
    /// Commits without processing.
    pub skips: f64,
}

impl Shares {
    /// The fate of a record that is not stalled on.
    #[must_use]
    pub fn fate(&self, topic: &str, partition: i32, offset: i64) -> Fate {
        let place = uniform(topic, partition, offset);
        if place < self.errors {
            Fate::Failed
        } else if place < self.errors + self.drops {
            Fate::Dropped
        } else if place < self.errors + self.drops + self.skips {
            Fate::Skipped
        } else {
            Fate::Processed
        }
    }
}

/// A number in [0, 1) that depends on the place of a record only (FNV-1a, then a finaliser).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_always_meets_the_same_fate() {
        let shares = Shares { errors: 0.5, drops: 0.2, skips: 0.1 };
        for offset in 0..100 {
            assert_eq!(shares.fate("t", 1, offset), shares.fate("t", 1, offset));
        }
    }

    #[test]
    fn shares_are_kept() {
        let shares = Shares { errors: 0.1, drops: 0.2, skips: 0.3 };
        let fates: Vec<_> = (0..20_000).map(|offset| shares.fate("orders", 3, offset)).collect();
        let count = |fate| fates.iter().filter(|it| **it == fate).count();
        for (fate, expected) in [
            (Fate::Failed, 2_000),
            (Fate::Dropped, 4_000),
            (Fate::Skipped, 6_000),
            (Fate::Processed, 8_000),
        ] {
            assert!(count(fate).abs_diff(expected) < 300, "{fate:?}: {}", count(fate));
        }
    }
}
