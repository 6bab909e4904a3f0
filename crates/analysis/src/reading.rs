//! An observation of the group, checked once: sane offsets, each partition once, roles resolved.
//! What is doubtful becomes `None` here, so that nothing further on has to doubt again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::PartitionId;
use crate::observation::{
    GroupState, MemberCount, Millis, Observation, Owner, PartitionObservation, PodObservation, Role,
};
use crate::units::tally;

/// Beyond this an offset is a sentinel or nonsense: 2⁶² records would take a million years.
const LARGEST_OFFSET: i64 = 1 << 62;

/// The group at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) at: Millis,
    pub(crate) state: GroupState,
    pub(crate) epoch: u64,
    pub(crate) members: MemberCount,
    /// Sorted by partition.
    pub(crate) rows: Vec<Row>,
    /// Partitions that any member owns.
    pub(crate) assigned: u32,
    /// Those whose owner could be ours but matches no pod.
    pub(crate) unattributed: u32,
}

/// One partition.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: PartitionId,
    /// The pod that owns it, if it is one of ours.
    pub(crate) consumer: Option<Consumer>,
    pub(crate) committed: Option<i64>,
    pub(crate) log_start: Option<i64>,
    pub(crate) log_end: Option<i64>,
}

/// The pod that owns a partition.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) role: Role,
    pub(crate) pod: Arc<str>,
    /// Whether it is older than the warm-up.
    pub(crate) warm: bool,
    /// The pod's number within one reading, for sums by pod.
    pub(crate) number: usize,
}

/// Numbers the pods of one reading: each name with its number and whether it is warm.
struct Pods<'a>(HashMap<&'a str, (usize, bool)>);

impl Consumer {
    /// Whether this is the same pod in the same role.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.role == other.role && self.pod == other.pod
    }

    /// Whether this is the same pod in the same role, and as warm.
    pub(crate) fn is_unchanged(&self, other: &Self) -> bool {
        self.is(other) && self.warm == other.warm
    }
}

impl Reading {
    /// `None`: Kafka gave no answer.
    pub(crate) fn of(observation: &Observation, warm_up: Millis) -> Option<Self> {
        let group = observation.group.as_ref()?;
        let warm_before = observation.at.saturating_sub(warm_up);
        let mut pods = Pods::of(&observation.pods, warm_before);
        let mut rows: Vec<Row> =
            group.partitions.iter().map(|row| Row::of(row, &mut pods)).collect();
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
            state: group.state,
            epoch: group.epoch,
            members: group.members,
            rows,
            assigned: owned(|owner| *owner != Owner::Nobody),
            unattributed: owned(|owner| *owner == Owner::Unattributed),
        })
    }

    /// Whether the assignment shown is the one in force.
    pub(crate) fn is_stable(&self) -> bool {
        self.state == GroupState::Stable
    }

    /// The row of one partition.
    pub(crate) fn row(&self, id: &PartitionId) -> Option<&Row> {
        self.rows.binary_search_by(|row| row.id.cmp(id)).ok().map(|index| &self.rows[index])
    }
}

impl<'a> Pods<'a> {
    fn of(pods: &'a [PodObservation], warm_before: Millis) -> Self {
        let mut all = Self(HashMap::with_capacity(pods.len()));
        for pod in pods {
            all.find(&pod.name);
            if let Some((_, warm)) = all.0.get_mut(&*pod.name) {
                *warm |= pod.created <= warm_before;
            }
        }
        all
    }

    /// A pod that nobody showed owns something all the same, and isn't warm.
    fn find(&mut self, name: &'a str) -> (usize, bool) {
        let next = self.0.len();
        *self.0.entry(name).or_insert((next, false))
    }
}

impl Row {
    /// The role of the pod that owns it.
    pub(crate) fn role(&self) -> Option<Role> {
        self.consumer.as_ref().map(|consumer| consumer.role)
    }

    fn of<'a>(row: &'a PartitionObservation, pods: &mut Pods<'a>) -> Self {
        let consumer = match &row.owner {
            Owner::Pod { name, role } => {
                let (number, warm) = pods.find(name);
                Some(Consumer { role: *role, pod: name.clone(), warm, number })
            }
            Owner::External | Owner::Unattributed | Owner::Nobody => None,
        };
        Self {
            id: PartitionId { topic: row.topic.clone(), partition: row.partition },
            consumer,
            committed: offset(row.committed),
            log_start: offset(row.log_start),
            log_end: offset(row.log_end),
        }
    }
}

/// An offset as far as it can be one: −1 and its like mean "unknown", neither 0 nor the end.
fn offset(raw: Option<i64>) -> Option<i64> {
    raw.filter(|offset| (0..LARGEST_OFFSET).contains(offset))
}
