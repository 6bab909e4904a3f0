//! When the text for the status changes, and what is left of it after a restart, a loss, or another
//! build. What is in a memory has its own tests.

use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, GroupState, MemberCount, Observation, Owner, PartitionObservation, Role,
};
use siskin_simulation::healthy_pod;

use super::*;

const POLL: Millis = 10_000;
const SPELL: Millis = 20 * 60_000;
const HOUR: Millis = 3_600_000;

/// Twenty minutes of a primary pod that commits with every poll, from a moment on.
fn record(begin: Millis) -> Record {
    let mut record = Record::new(SPELL);
    for step in 0..SPELL / POLL {
        let row = |partition: i32| PartitionObservation {
            topic: Arc::from("orders"),
            partition,
            owner: Owner::Pod { name: Arc::from("orders-primary-0"), role: Role::Primary },
            committed: Some(1_000 + 10 * step),
            log_start: Some(0),
            log_end: Some(1_005 + 10 * step),
        };
        let members = MemberCount { primary: 1, ..MemberCount::default() };
        let partitions = (0..4).map(row).collect();
        let state = GroupState::Stable;
        let group = Some(GroupObservation { state, epoch: 1, members, partitions });
        let pods = vec![healthy_pod("orders-primary-0", Role::Primary, 0)];
        record.push(Observation { at: begin + step * POLL, group, pods });
    }
    record
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millisecond(hours * HOUR).expect("a time")
}

#[test]
fn the_text_changes_every_six_hours_however_often_something_is_learned() {
    let mut memory = KeptMemory::recall(None, at(0));
    assert_eq!(memory.to_keep(), None, "nothing is written for nothing");
    let mut texts = Vec::new();
    for spell in 0..72 {
        memory.take(POLL, &record(HOUR + spell * SPELL));
        texts.extend(memory.to_keep());
    }
    assert_eq!(texts.len(), 72);
    assert!(memory.teaches(at(25)).commit_gap.is_some());
    texts.dedup();
    assert!((4..=5).contains(&texts.len()), "{} texts in a day", texts.len());
}

#[test]
fn a_restart_goes_on_from_the_status_and_writes_no_sooner() {
    let mut before = KeptMemory::recall(None, at(0));
    before.take(POLL, &record(HOUR));
    let kept = before.to_keep().expect("a text");
    let mut after = KeptMemory::recall(Some(&kept), at(2));
    assert_eq!(after.to_keep().as_deref(), Some(&*kept));
    assert_eq!(after.teaches(at(2)), before.teaches(at(2)));
    after.take(POLL, &record(HOUR));
    after.take(POLL, &record(2 * HOUR));
    assert_eq!(after.to_keep().as_deref(), Some(&*kept));
    after.take(POLL, &record(8 * HOUR));
    assert_ne!(after.to_keep().as_deref(), Some(&*kept));
}

#[test]
fn what_another_build_wrote_teaches_nothing_and_stays_until_there_is_something_to_keep() {
    for text in ["", "nonsense", r#"{"version":7,"at":1}"#, r#"{"version":1,"at":9e99}"#] {
        let mut memory = KeptMemory::recall(Some(text), at(2));
        assert_eq!((memory.to_keep(), memory.teaches(at(2))), (None, Remembered::default()));
        memory.take(POLL, &record(2 * HOUR));
        assert!(memory.to_keep().is_some_and(|kept| kept != text));
    }
}
