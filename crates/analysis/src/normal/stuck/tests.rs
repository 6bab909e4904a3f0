//! Records of three minutes with one look each five seconds, and what stands still in them.
//! No judge is asked, and no canary owns anything.

use std::sync::Arc;

use super::*;
use crate::observation::{GroupObservation, MemberCount, Observation, Owner, PartitionObservation};

const STEP: Millis = 5_000;

/// A record in which the committed offset of partition `n` at a step is `committed(n, step)`, of
/// ten messages a step.
fn record(committed: impl Fn(i32, i64) -> Option<i64>) -> Record {
    let mut record = Record::new(0);
    for step in 0..36_i64 {
        let row = |partition: i32| PartitionObservation {
            topic: Arc::from("orders"),
            partition,
            owner: Owner::Pod { name: Arc::from("orders-primary-0"), role: Role::Primary },
            committed: committed(partition, step),
            log_start: Some(0),
            log_end: Some(1_000 + 10 * step),
        };
        let group = GroupObservation {
            state: GroupState::Stable,
            epoch: 1,
            members: MemberCount { primary: 1, ..MemberCount::default() },
            partitions: (0..4).map(row).collect(),
        };
        record.push(Observation { at: step * STEP, group: Some(group), pods: Vec::new() });
    }
    record
}

fn named(record: &Record) -> Vec<(i32, Millis, i64)> {
    let all = stuck_partitions(record).into_iter();
    all.map(|it| (it.partition.partition, it.since, it.waiting)).collect()
}

#[test]
fn one_partition_without_commits_among_others_is_named_with_its_time_and_messages() {
    let keeps_up = |step: i64| Some(1_000 + 10 * step);
    let poisoned =
        record(|partition, step| keeps_up(if partition == 2 { step.min(10) } else { step }));
    assert_eq!(named(&poisoned), [(2, 10 * STEP, 250)]);
    let never = record(|partition, step| if partition == 0 { None } else { keeps_up(step) });
    assert_eq!(named(&never), [(0, 0, 350)], "no offset was ever committed");
}

#[test]
fn slow_commits_and_silence_of_everyone_are_no_stuck_partition() {
    let slow = record(|_, step| Some(1_000 + 10 * (step - step % 8)));
    assert_eq!(named(&slow), [], "a commit every forty seconds");
    let silent = record(|_, _| Some(1_000));
    assert_eq!(named(&silent), []);
}
