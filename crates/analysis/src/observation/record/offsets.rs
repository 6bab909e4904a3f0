//! One group at one moment, as a record keeps it: owners once for each assignment, offsets packed.
//! It only remembers; what offsets mean is not known here.

use std::sync::Arc;

use crate::observation::packed::{Packer, Unpacker};
use crate::observation::{GroupObservation, GroupState, MemberCount, Owner, PartitionObservation};

/// A group at one moment.
#[derive(Clone, Debug)]
pub(super) struct GroupSample {
    state: GroupState,
    epoch: u64,
    members: MemberCount,
    seats: Arc<[Seat]>,
    /// Offsets of each seat, beside those that it began with.
    offsets: Box<[u8]>,
}

/// A partition and its owner, shared by all samples of one assignment; with the offsets of the first
/// of them.
#[derive(Clone, Debug)]
struct Seat {
    topic: Arc<str>,
    partition: i32,
    owner: Owner,
    begun: Offsets,
}

#[derive(Clone, Copy, Debug)]
struct Offsets {
    committed: Option<i64>,
    log_start: Option<i64>,
    log_end: Option<i64>,
}

impl GroupSample {
    /// The group, with what it has in common with the sample before.
    pub(super) fn new(group: &GroupObservation, earlier: Option<&Self>) -> Self {
        let unchanged = earlier.filter(|earlier| {
            earlier.seats.len() == group.partitions.len()
                && earlier.seats.iter().zip(&group.partitions).all(|(seat, row)| seat.is_of(row))
        });
        let seats: Arc<[Seat]> = match unchanged {
            Some(earlier) => earlier.seats.clone(),
            None => group.partitions.iter().map(Seat::of).collect(),
        };
        let mut packer = Packer::default();
        for (seat, row) in seats.iter().zip(&group.partitions) {
            Offsets::of(row).pack(seat.begun, &mut packer);
        }
        let GroupObservation { state, epoch, members, .. } = *group;
        Self { state, epoch, members, seats, offsets: packer.finish() }
    }

    /// The group as it was observed.
    pub(super) fn observation(&self) -> GroupObservation {
        let mut unpacker = Unpacker::new(&self.offsets);
        let seats = self.seats.iter();
        let partitions = seats
            .map(|seat| {
                let offsets = Offsets::unpack(seat.begun, &mut unpacker);
                PartitionObservation {
                    topic: seat.topic.clone(),
                    partition: seat.partition,
                    owner: seat.owner.clone(),
                    committed: offsets.committed,
                    log_start: offsets.log_start,
                    log_end: offsets.log_end,
                }
            })
            .collect();
        GroupObservation { state: self.state, epoch: self.epoch, members: self.members, partitions }
    }

    /// Bytes of its own: seats are shared.
    pub(super) const fn bytes(&self) -> usize {
        self.offsets.len()
    }
}

impl Seat {
    fn of(row: &PartitionObservation) -> Self {
        Self {
            topic: row.topic.clone(),
            partition: row.partition,
            owner: row.owner.clone(),
            begun: Offsets::of(row),
        }
    }

    fn is_of(&self, row: &PartitionObservation) -> bool {
        self.partition == row.partition && self.owner == row.owner && self.topic == row.topic
    }
}

impl Offsets {
    const fn of(row: &PartitionObservation) -> Self {
        Self { committed: row.committed, log_start: row.log_start, log_end: row.log_end }
    }

    /// A log ends near its commit: that is the lag.
    fn pack(self, begun: Self, packer: &mut Packer) {
        packer.offset(self.committed, begun.committed);
        packer.offset(self.log_start, begun.log_start);
        packer.offset(self.log_end, self.committed.or(begun.log_end));
    }

    fn unpack(begun: Self, unpacker: &mut Unpacker<'_>) -> Self {
        let committed = unpacker.offset(begun.committed);
        let log_start = unpacker.offset(begun.log_start);
        let log_end = unpacker.offset(committed.or(begun.log_end));
        Self { committed, log_start, log_end }
    }
}
