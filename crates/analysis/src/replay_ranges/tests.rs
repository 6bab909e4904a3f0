//! Ranges of histories that can be told in a line, and of random ones.
//! What a line means stands in `look`.

mod histories;
mod history;

use std::sync::Arc;

use super::*;
use crate::observation::{
    GroupObservation, GroupState, MemberCount, Owner, PartitionId, PartitionObservation, Role,
};

/// A look at one partition: owner (`p`rimary, `c`anary, `?` anybody, `-` nobody), commit, end, epoch.
fn group(owner: char, committed: impl Into<Option<i64>>, end: i64, epoch: u64) -> GroupObservation {
    let pod = |name: &str, role| Owner::Pod { name: name.into(), role };
    let owner = match owner {
        'p' => pod("primary-0", Role::Primary),
        'c' => pod("canary-0", Role::Canary),
        '?' => Owner::Unattributed,
        _ => Owner::Nobody,
    };
    let canary = u32::from(matches!(owner, Owner::Pod { role: Role::Canary, .. }));
    GroupObservation {
        state: GroupState::Stable,
        epoch,
        members: MemberCount { canary, canary_pods: canary, ..MemberCount::default() },
        partitions: vec![PartitionObservation {
            topic: "orders".into(),
            partition: 3,
            owner,
            committed: committed.into(),
            log_start: Some(0),
            log_end: Some(end),
        }],
    }
}

fn process(restarts: u32) -> CanaryProcess {
    let name = Arc::from("canary-0");
    CanaryProcess { name, restarts, ended: None, ready: true, leaving: false }
}

fn see(log: &mut ConsumedLog, group: &GroupObservation, canaries: &[CanaryProcess]) {
    log.observe(&Look { group, canaries, blind: false, left: canaries.is_empty() });
}

/// Ranges as words: `certain 100-150`.
fn told(log: &ConsumedLog) -> Vec<String> {
    let all = log.consumed(true).ranges;
    all.iter().map(|it| format!("{} {}-{}", it.kind.name(), it.from, it.to)).collect()
}

#[test]
fn a_range_begins_before_the_canary_came_and_ends_after_it_left() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 80, 90, 1));
    log.begin_with(&group('p', 100, 110, 1));
    see(&mut log, &group('c', 110, 120, 2), &[process(0)]);
    see(&mut log, &group('c', 150, 160, 2), &[process(0)]);
    assert!(!log.is_closed() && !log.consumed(true).is_complete(), "it still lives");
    see(&mut log, &group('p', 170, 180, 3), &[]);
    assert_eq!(
        told(&log),
        ["possible 100-110", "certain 110-150", "possible 150-170", "touched 170-180"]
    );
    see(&mut log, &group('p', 400, 400, 3), &[]);
    assert_eq!(told(&log).len(), 4, "what primary consumes is its own");
    assert!(log.is_closed() && log.consumed(true).is_complete());
}

#[test]
fn a_second_ownership_is_a_second_range() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 100, 100, 1));
    for (epoch, offset) in [(2, 200), (3, 5_000)] {
        see(&mut log, &group('c', offset, offset, 10 + epoch), &[process(0)]);
        see(&mut log, &group('c', offset + 10, offset + 10, 10 + epoch), &[process(0)]);
        see(&mut log, &group('p', offset + 10, offset + 10, epoch), &[process(0)]);
        // A member that owns nothing.
        let mut idle = group('p', offset + 900, offset + 900, epoch);
        idle.members.canary_pods = 1;
        see(&mut log, &idle, &[process(0)]);
        see(&mut log, &idle, &[process(0)]);
    }
    let certain: Vec<_> = told(&log).into_iter().filter(|it| it.starts_with("certain")).collect();
    assert_eq!(certain, ["certain 200-210", "certain 5000-5010"]);
}

#[test]
fn a_canary_that_dies_between_two_samples_may_have_had_every_partition() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 100, 100, 1));
    see(&mut log, &group('p', 150, 160, 1), &[process(0)]);
    see(&mut log, &group('p', 200, 210, 1), &[process(1)]);
    assert_eq!(told(&log), ["possible 100-200", "touched 200-210"]);
}

#[test]
fn a_first_process_that_still_starts_has_had_nothing() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 100, 100, 1));
    let starts = CanaryProcess { ready: false, ..process(0) };
    see(&mut log, &group('p', 150, 160, 1), std::slice::from_ref(&starts));
    see(&mut log, &group('p', 200, 210, 1), &[starts]);
    assert_eq!(told(&log), Vec::<String>::new());
}

#[test]
fn a_canary_that_goes_back_is_followed_and_what_lies_before_is_touched() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 1_000, 1_000, 1));
    see(&mut log, &group('c', 1_040, 1_050, 2), &[process(0)]);
    see(&mut log, &group('c', 500, 1_060, 2), &[process(0)]);
    see(&mut log, &group('c', 560, 1_070, 2), &[process(0)]);
    assert_eq!(
        told(&log),
        ["touched 0-440", "possible 440-500", "certain 500-1040", "touched 1040-1070"]
    );
    assert_eq!(log.consumed(true).shortfalls.get(&Shortfall::Rewound), Some(&1));
}

#[test]
fn a_commit_that_falls_while_a_transaction_is_open_is_no_new_topic() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 1_000, 1_000, 1));
    // It reads uncommitted records: its own commit is the end that it can be seen to read.
    see(&mut log, &group('c', 1_100, 1_100, 2), &[process(0)]);
    see(&mut log, &group('c', 900, 950, 2), &[process(0)]);
    let shortfalls = log.consumed(false).shortfalls;
    assert!(shortfalls.contains_key(&Shortfall::Rewound), "{shortfalls:?}");
    assert!(!shortfalls.contains_key(&Shortfall::TopicMadeAnew));
}

#[test]
fn a_topic_made_anew_takes_its_ranges_with_it() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 1_000, 1_100, 1));
    see(&mut log, &group('c', 1_040, 1_150, 2), &[process(0)]);
    see(&mut log, &group('c', 10, 30, 2), &[process(0)]);
    assert_eq!(told(&log), ["possible 0-10", "touched 10-30"]);
    assert!(!log.consumed(true).is_complete());
}

#[test]
fn a_topic_never_committed_is_touched_from_its_start() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', None, 40, 1));
    see(&mut log, &group('c', None, 60, 2), &[process(0)]);
    see(&mut log, &group('p', None, 80, 3), &[]);
    assert_eq!(told(&log), ["touched 0-80"]);
}

#[test]
fn another_process_goes_on_where_the_record_ends() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 100, 100, 1));
    see(&mut log, &group('c', 110, 120, 2), &[process(0)]);
    see(&mut log, &group('c', 150, 160, 2), &[process(0)]);
    let lists = log.consumed(false).lists();
    let topic: Arc<str> = "orders".into();
    let ranges = parse_list(&topic, &lists[&topic]).expect("a list");
    let mut resumed = ConsumedLog::resume(&log.save(), &ranges).expect("a record");
    see(&mut resumed, &group('p', 900, 900, 9), &[]);
    assert_eq!(told(&resumed), ["possible 100-110", "certain 110-150", "possible 150-900"]);
    assert!(ConsumedLog::resume("{", &[]).is_err());
    assert!(parse_list(&topic, "3 100 90 certain").is_err());
    assert!(parse_list(&topic, "3 100 190 surely").is_err());
}

#[test]
fn a_lost_record_is_told_and_counts_from_the_start_of_the_log() {
    let mut log = ConsumedLog::lost();
    see(&mut log, &group('c', 50, 60, 2), &[process(0)]);
    assert_eq!(told(&log), ["possible 0-50", "touched 50-60"]);
    let words = log.consumed(false).told().expect("what is wrong");
    assert!(words.contains("the record of an earlier operator was lost"), "{words}");
}

#[test]
fn ranges_stay_bounded_however_often_the_canary_comes_back() {
    let mut log = ConsumedLog::default();
    log.begin_with(&group('p', 0, 0, 1));
    let mut offset = 0;
    for turn in 0..12_000 {
        offset += 10;
        see(&mut log, &group('c', offset, offset, 2 * turn), &[process(0)]);
        offset += 10;
        let mut idle = group('p', offset, offset, 2 * turn + 1);
        idle.members.canary_pods = 1;
        see(&mut log, &idle, &[process(0)]);
        offset += 1_000;
        idle.partitions[0].committed = Some(offset);
        idle.partitions[0].log_end = Some(offset);
        see(&mut log, &idle, &[process(0)]);
    }
    let consumed = log.consumed(false);
    assert!((10_000..=12_000).contains(&consumed.ranges.len()), "{}", consumed.ranges.len());
    assert!(log.save().len() < 1_000, "{}", log.save());
}

#[test]
fn spans_are_joined_taken_away_and_thinned_out() {
    let spans = |of: &[(i64, i64)]| {
        let mut spans = spans::Spans::default();
        for (from, to) in of {
            spans.add(*from, *to);
        }
        spans
    };
    assert_eq!(spans(&[(5, 9), (1, 3), (3, 5), (20, 20), (9, 7)]), spans(&[(1, 9)]));
    assert_eq!(spans(&[(0, 10), (20, 30), (40, 50), (5, 45)]), spans(&[(0, 50)]));
    assert_eq!(
        spans(&[(0, 10), (20, 30)]).without(&spans(&[(2, 3), (8, 22), (29, 40)])),
        spans(&[(0, 2), (3, 8), (22, 29)])
    );
    let mut thinned = spans(&[(0, 1), (10, 11), (13, 14), (50, 51)]);
    thinned.thin(3);
    assert_eq!(thinned, spans(&[(0, 1), (10, 14), (50, 51)]));
    assert_eq!(PartitionId { topic: "a".into(), partition: 1 }.to_string(), "a/1");
}
