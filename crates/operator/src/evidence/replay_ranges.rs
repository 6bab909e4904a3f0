//! Which offsets a canary consumed, partition by partition: what to reprocess after a bad one.
//! Derived from committed offsets alone, so the ranges are upper bounds of what it finished.

use std::collections::BTreeMap;
use std::sync::Arc;

use siskin_analysis::observation::{GroupObservation, GroupState, Owner, Role};
use siskin_api::ReplayRange;

/// Ranges that the status may hold.
const MAX_RANGES: usize = 200;

type PartitionKey = (Arc<str>, i32);

/// Ranges of offsets that a canary consumed, for the status.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumedRanges {
    /// Ranges by topic and partition.
    pub ranges: Vec<ReplayRange>,
    /// Whether some had to be left out.
    pub truncated: bool,
}

/// Ranges of one attempt: from the last offset that was committed while primary owned the
/// partition to the first one after the canary lost it.
#[derive(Clone, Debug, Default)]
pub struct ReplayRanges {
    /// Last committed offset while somebody else owned the partition.
    before: BTreeMap<PartitionKey, i64>,
    /// Ranges of offsets so far.
    ranges: BTreeMap<PartitionKey, Range>,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    from: i64,
    to: i64,
    open: bool,
}

impl ReplayRanges {
    /// Ranges that an earlier process recorded, to be extended.
    pub(crate) fn resumed(ranges: &[ReplayRange]) -> Self {
        let ranges = ranges.iter().map(|it| {
            let range = Range { from: it.from, to: it.to, open: true };
            ((Arc::from(it.topic.as_str()), it.partition), range)
        });
        Self { before: BTreeMap::new(), ranges: ranges.collect() }
    }

    /// Extends the ranges by one observation. Only a Stable group says who owns what.
    pub fn observe(&mut self, group: &GroupObservation) {
        if group.state != GroupState::Stable {
            return;
        }
        for partition in &group.partitions {
            let Some(committed) = partition.committed else { continue };
            let key = (partition.topic.clone(), partition.partition);
            let canary = matches!(partition.owner, Owner::Pod { role: Role::Canary, .. });
            if canary {
                let from = self.before.get(&key).copied().unwrap_or(committed);
                let range =
                    self.ranges.entry(key).or_insert(Range { from, to: committed, open: true });
                range.to = range.to.max(committed);
                range.open = true;
            } else {
                if let Some(range) = self.ranges.get_mut(&key).filter(|it| it.open) {
                    range.to = range.to.max(committed);
                    range.open = false;
                }
                self.before.insert(key, committed);
            }
        }
    }

    /// The ranges for the status, and whether some had to be left out.
    pub(crate) fn ranges(&self) -> ConsumedRanges {
        let filled = self.ranges.iter().filter(|(_, range)| range.from < range.to);
        let mut ranges: Vec<_> = filled
            .map(|((topic, partition), range)| ReplayRange {
                topic: topic.to_string(),
                partition: *partition,
                from: range.from,
                to: range.to,
            })
            .collect();
        let truncated = MAX_RANGES < ranges.len();
        ranges.truncate(MAX_RANGES);
        ConsumedRanges { ranges, truncated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siskin_analysis::observation::{MemberCount, PartitionObservation};

    fn seen(state: GroupState, role: Role, committed: i64) -> GroupObservation {
        GroupObservation {
            state,
            epoch: 1,
            members: MemberCount::default(),
            partitions: vec![PartitionObservation {
                topic: "orders".into(),
                partition: 3,
                owner: Owner::Pod { name: "p".into(), role },
                committed: Some(committed),
                log_start: Some(0),
                log_end: Some(1000),
            }],
        }
    }

    #[test]
    fn a_range_spans_from_the_last_commit_before_to_the_first_after() {
        let mut replay = ReplayRanges::default();
        replay.observe(&seen(GroupState::Stable, Role::Primary, 100));
        replay.observe(&seen(GroupState::Rebalancing, Role::Canary, 105));
        replay.observe(&seen(GroupState::Stable, Role::Canary, 110));
        replay.observe(&seen(GroupState::Stable, Role::Primary, 150));
        replay.observe(&seen(GroupState::Stable, Role::Primary, 400));
        let ConsumedRanges { ranges, truncated } = replay.ranges();
        assert_eq!(ranges.len(), 1);
        assert_eq!((ranges[0].from, ranges[0].to), (100, 150));
        assert!(!truncated);
    }

    #[test]
    fn ranges_survive_a_restart() {
        let mut replay = ReplayRanges::default();
        replay.observe(&seen(GroupState::Stable, Role::Primary, 10));
        replay.observe(&seen(GroupState::Stable, Role::Canary, 20));
        let mut resumed = ReplayRanges::resumed(&replay.ranges().ranges);
        resumed.observe(&seen(GroupState::Stable, Role::Canary, 30));
        assert_eq!((resumed.ranges().ranges[0].from, resumed.ranges().ranges[0].to), (10, 30));
    }
}
