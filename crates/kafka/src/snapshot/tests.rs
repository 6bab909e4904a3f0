//! The fingerprint changes with the assignment and with nothing else; where a log ends.
//! Its values are kept in traces: they may never change.

use std::sync::Arc;

use super::{Member, Partition, TopicPartition, fingerprint};

fn partition(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: Arc::from(topic), partition }
}

fn member(id: &str, instance_id: Option<&str>, assignment: &[(&str, i32)]) -> Member {
    Member {
        member_id: Arc::from(id),
        client_id: "c".to_owned(),
        instance_id: instance_id.map(str::to_owned),
        host: None,
        assignment: assignment.iter().map(|(topic, number)| partition(topic, *number)).collect(),
    }
}

#[test]
fn order_does_not_matter() {
    let one = [member("a", None, &[("t", 0), ("t", 1)]), member("b", None, &[("t", 2)])];
    let other = [member("b", None, &[("t", 2)]), member("a", None, &[("t", 1), ("t", 0)])];
    assert_eq!(fingerprint(&one), fingerprint(&other));
}

#[test]
fn each_change_of_the_assignment_matters() {
    let groups = [
        vec![],
        vec![member("a", None, &[])],
        vec![member("a", None, &[("t", 0)])],
        vec![member("a", None, &[("t", 1)])],
        vec![member("a", None, &[("u", 0)])],
        vec![member("b", None, &[("t", 0)])],
        vec![member("a", None, &[("t", 0)]), member("b", None, &[])],
        vec![member("a", None, &[("t", 0), ("t", 1)]), member("b", None, &[])],
        vec![member("a", None, &[("t", 0)]), member("b", None, &[("t", 1)])],
        vec![member("at", None, &[("", 0)])],
    ];
    for (index, group) in groups.iter().enumerate() {
        for other in &groups[..index] {
            assert_ne!(fingerprint(group), fingerprint(other), "{group:?} {other:?}");
        }
    }
}

#[test]
fn a_static_member_that_restarts_is_the_same_member() {
    let before = [member("m-1", Some("pod-0"), &[("t", 0)])];
    let after = [member("m-2", Some("pod-0"), &[("t", 0)])];
    assert_eq!(fingerprint(&before), fingerprint(&after));
}

#[test]
fn the_value_is_the_same_in_every_release() {
    assert_eq!(fingerprint(&[]), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fingerprint(&[member("a", None, &[("t", 0)])]), 0x834d_a417_cecc_c6a2);
}

#[test]
fn the_end_never_lies_before_the_commit_of_one_who_reads_uncommitted_records() {
    let end = |committed, log_end, high_watermark| {
        let id = partition("t", 0);
        let owner = None;
        Partition { id, owner, committed, log_start: None, log_end, high_watermark }.readable_end()
    };
    assert_eq!(end(Some(40), Some(90), None), Some(90));
    assert_eq!(end(Some(95), Some(90), Some(100)), Some(95));
    // Committed beyond the high watermark: the topic was created anew, and that must show.
    assert_eq!(end(Some(500), Some(90), Some(100)), Some(100));
    assert_eq!(end(None, Some(90), None), Some(90));
    assert_eq!(end(Some(40), None, Some(100)), None);
}
