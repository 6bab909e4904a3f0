//! Which partition a record goes to: each in turn, so that an even load is exactly even.
//! A share may go to partition 0 whatever its turn.

use crate::fate::uniform;

/// Deals records out to partitions.
#[derive(Clone, Debug)]
pub struct Spread {
    partitions: i32,
    skew: f64,
    turn: i32,
}

impl Spread {
    /// Over so many partitions, at least 1, with this share for partition 0.
    pub fn new(partitions: i32, skew: f64) -> Self {
        Self { partitions: partitions.max(1), skew, turn: 0 }
    }

    /// The partition of the record with this sequence number, asked for in order.
    pub fn next(&mut self, sequence: u64) -> i32 {
        let place = i64::try_from(sequence).unwrap_or(i64::MAX);
        if uniform("skew", 0, place) < self.skew {
            return 0;
        }
        let partition = self.turn;
        self.turn = (self.turn + 1) % self.partitions;
        partition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(partitions: i32, skew: f64, records: u64) -> Vec<u64> {
        let mut spread = Spread::new(partitions, skew);
        let mut counts = vec![0; usize::try_from(partitions).unwrap()];
        for sequence in 0..records {
            counts[usize::try_from(spread.next(sequence)).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn an_even_load_is_exactly_even() {
        assert_eq!(counts(12, 0.0, 12_000), [1_000; 12]);
    }

    #[test]
    fn skew_goes_to_the_first_and_the_others_stay_even() {
        let counts = counts(6, 0.4, 60_000);
        // 40 % of all, and a sixth of the rest.
        assert!(counts[0].abs_diff(30_000) < 600, "{counts:?}");
        let (least, most) = (counts[1..].iter().min(), counts[1..].iter().max());
        assert!(most.unwrap() - least.unwrap() <= 1, "{counts:?}");
    }

    #[test]
    fn all_may_go_to_one() {
        assert_eq!(counts(3, 1.0, 100), [100, 0, 0]);
    }
}
