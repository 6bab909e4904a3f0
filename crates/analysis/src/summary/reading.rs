//! One observation of the group by itself: sane offsets, each partition once, roles resolved.
//! For summaries; the judge follows the group from one to the next instead (`lag`).

use crate::numbers::{Millis, tally};
use crate::observation::offset::offset;
use crate::observation::{
    MemberCount, Observation, Owner, PartitionId, PartitionObservation, Role,
};

/// The group at one moment.
#[derive(Clone, Debug)]
pub(crate) struct GroupReading {
    pub(crate) at: Millis,
    pub(crate) members: MemberCount,
    /// Sorted by partition.
    pub(crate) rows: Vec<PartitionRow>,
    /// Partitions that any member owns.
    pub(crate) assigned: u32,
    /// Partitions whose owner could be ours but matches no pod.
    pub(crate) unattributed: u32,
}

/// Offsets and owner's role of one partition.
#[derive(Clone, Debug)]
pub(crate) struct PartitionRow {
    pub(crate) id: PartitionId,
    /// The role of the pod that owns it, if it is one of ours.
    pub(crate) role: Option<Role>,
    pub(crate) committed: Option<i64>,
    pub(crate) log_end: Option<i64>,
}

impl GroupReading {
    /// Reads the group of an observation; `None`: Kafka gave no answer.
    pub(crate) fn of(observation: &Observation) -> Option<Self> {
        let group = observation.group.as_ref()?;
        let mut rows: Vec<PartitionRow> = group.partitions.iter().map(PartitionRow::of).collect();
        // Most sources sort.
        if !rows.is_sorted_by(|a, b| a.id < b.id) {
            rows.sort_by(|a, b| a.id.cmp(&b.id));
            rows.dedup_by(|a, b| a.id == b.id);
        }
        let owned = |owners: fn(&Owner) -> bool| {
            tally(group.partitions.iter().filter(|row| owners(&row.owner)).count())
        };
        Some(Self {
            at: observation.at,
            members: group.members,
            rows,
            assigned: owned(|owner| *owner != Owner::Nobody),
            unattributed: owned(|owner| *owner == Owner::Unattributed),
        })
    }

    /// The row of one partition.
    pub(crate) fn row(&self, id: &PartitionId) -> Option<&PartitionRow> {
        self.rows.binary_search_by(|row| row.id.cmp(id)).ok().map(|index| &self.rows[index])
    }
}

impl PartitionRow {
    fn of(row: &PartitionObservation) -> Self {
        let role = match &row.owner {
            Owner::Pod { role, .. } => Some(*role),
            Owner::External | Owner::Unattributed | Owner::Nobody => None,
        };
        Self {
            id: PartitionId { topic: row.topic.clone(), partition: row.partition },
            role,
            committed: offset(row.committed),
            log_end: offset(row.log_end),
        }
    }
}
