//! All partitions of a group from before the canary came until after it left.
//! Bounded: partitions by those of the group, ranges by a number.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::observation::{GroupObservation, PartitionId, PartitionObservation};
use crate::replay_ranges::consumed::{Consumed, ConsumedRange, RangeKind, Shortfall};
use crate::replay_ranges::look::Look;
use crate::replay_ranges::partition::PartitionLog;
use crate::replay_ranges::proof::Proof;
use crate::replay_ranges::spans::Span;

/// Ranges that are kept apart, all partitions together: as text some 500 KB, and an object of
/// Kubernetes holds 1 MiB.
const MOST_RANGES: usize = 12_000;

/// Ranges that each partition may have at least: the object makes one of them where it must.
const LEAST_RANGES: usize = 6;

/// Partitions that are kept: those of the group at one moment, and as many that it had before.
const MOST_PARTITIONS: usize = 20_000;

/// What a canary consumed so far.
#[derive(Clone, Debug, Default)]
pub struct ConsumedLog {
    pub(crate) proof: Proof,
    pub(crate) partitions: BTreeMap<PartitionId, PartitionLog>,
    pub(crate) shortfalls: BTreeMap<Shortfall, u32>,
    /// Whether the latest look shows the group without a canary.
    pub(crate) is_left: bool,
}

impl ConsumedLog {
    /// What is known of an attempt whose record was lost: that it was under way.
    #[must_use]
    pub fn lost() -> Self {
        let mut log = Self::default();
        log.shortfalls.insert(Shortfall::RecordLost, 1);
        log.lose_sight();
        log
    }

    /// Takes in the look before the canary came. Later ones replace it as long as none has.
    pub fn begin_with(&mut self, group: &GroupObservation) {
        self.observe(&Look { group, canaries: &[], blind: false, left: true });
    }

    /// Takes a look in.
    pub fn observe(&mut self, look: &Look<'_>) {
        self.proof.note_restarts(look);
        for seen in &look.group.partitions {
            if let Some(known) = self.partitions.get_mut(&id(seen)) {
                known.settle(&self.proof);
            }
        }
        self.proof.take(look);
        for seen in &look.group.partitions {
            let (id, room) = (id(seen), self.partitions.len() < MOST_PARTITIONS);
            if room || self.partitions.contains_key(&id) {
                self.partitions.entry(id).or_default().observe(&self.proof, seen);
            } else {
                self.shortfalls.insert(Shortfall::TooManyPartitions, 1);
            }
        }
        self.is_left = look.left && !look.blind;
        self.thin();
    }

    /// Nobody looked for a while: a canary may have lived, and nothing is proven.
    pub fn lose_sight(&mut self) {
        self.proof.lose_sight();
    }

    /// Whether nothing of the group was ever seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Whether the latest look shows that a canary went back: what it shows may be made good by the next
    /// one, and must not be lost.
    #[must_use]
    pub fn went_back(&self) -> bool {
        self.partitions.values().any(|it| it.went_back(&self.proof))
    }

    /// Whether the latest look was taken after the canary had left.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_left
    }

    /// What was consumed so far. At the end of an attempt it is complete only if the latest look was
    /// taken after the canary had left.
    #[must_use]
    pub fn consumed(&self, ended: bool) -> Consumed {
        let mut consumed = Consumed { ranges: Vec::new(), shortfalls: self.shortfalls.clone() };
        if ended && !self.is_left {
            consumed.miss_the_last_sample();
        }
        for (id, log) in &self.partitions {
            let log = log.up_to_now(&self.proof);
            for shortfall in &log.shortfalls {
                *consumed.shortfalls.entry(*shortfall).or_default() += 1;
            }
            consumed.ranges.extend(ranges(id, &log));
        }
        consumed
    }

    /// Keeps the number of ranges bounded.
    fn thin(&mut self) {
        if self.partitions.values().map(PartitionLog::len).sum::<usize>() <= MOST_RANGES {
            return;
        }
        let most = MOST_RANGES / self.partitions.len().max(1);
        for log in self.partitions.values_mut() {
            log.thin(most.max(LEAST_RANGES));
        }
    }
}

fn id(seen: &PartitionObservation) -> PartitionId {
    PartitionId { topic: Arc::clone(&seen.topic), partition: seen.partition }
}

/// Ranges of a partition in the order of their offsets.
fn ranges(id: &PartitionId, log: &PartitionLog) -> Vec<ConsumedRange> {
    let kinds = [RangeKind::Certain, RangeKind::Possible, RangeKind::Touched];
    let mut ranges: Vec<ConsumedRange> = Vec::new();
    for kind in kinds {
        let of = |it: Span| ConsumedRange { partition: id.clone(), from: it.from, to: it.to, kind };
        ranges.extend(log.spans(kind).iter().map(of));
    }
    ranges.sort_unstable_by_key(|it| it.from);
    ranges
}
