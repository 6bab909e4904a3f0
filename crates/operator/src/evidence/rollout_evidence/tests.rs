//! Which samples of a rollout at rest are worth a pass, and what the judge of an attempt is told
//! beside them. The judge has its own tests.

use std::sync::Arc;

use siskin_analysis::Verdict;
use siskin_analysis::observation::{MemberCount, Role};
use siskin_decide::testing::{NOW, progressing};
use siskin_kafka::{GroupSnapshot, SampleError};
use siskin_simulation::healthy_pod;

use super::*;
use crate::name::Name;
use crate::traces::shelf::Traces;

fn at_rest() -> RolloutEvidence {
    RolloutEvidence::new(10_000, Traces::default().recorder(&Name::new("shop", "orders")))
}

/// Whether a sample that failed for want of this group is news.
fn fails(evidence: &mut RolloutEvidence, group: &str) -> bool {
    let error = SampleError::UnknownGroup { group: group.to_owned() };
    evidence.observe(Arc::new(Err(error)), Timestamp::UNIX_EPOCH, vec![], None);
    evidence.is_news()
}

fn told(evidence: &mut RolloutEvidence) {
    let reason = evidence.trouble().map(|it| it.reason.to_owned());
    evidence.note_told(reason);
}

#[test]
fn a_failure_that_lasts_is_news_once() {
    let mut evidence = at_rest();
    assert!(!fails(&mut evidence, "orders"), "the next sample may be well");
    assert!(fails(&mut evidence, "orders"));
    told(&mut evidence);
    assert!((0..100).all(|_| !fails(&mut evidence, "orders")), "an outage costs no look");
}

#[test]
fn what_an_earlier_process_told_is_taken_back_once_the_source_answers() {
    let mut evidence = at_rest();
    evidence.note_told(Some("Unreachable".to_owned()));
    // Nothing failed so far: as good as an answer.
    assert!(evidence.is_news());
    evidence.note_told(None);
    assert!(!evidence.is_news());
}

#[test]
fn every_sample_is_news_where_an_attempt_waits_for_it() {
    let mut evidence = at_rest();
    evidence.hold(true);
    assert!(fails(&mut evidence, "orders") && fails(&mut evidence, "orders"));
}

/// The pods of a trial at a second: the canary's was restarted so often.
fn pods(restarts: u32) -> Vec<PodObservation> {
    let primary = healthy_pod("orders-primary-0", Role::Primary, 0);
    let canary = healthy_pod("orders-canary-0", Role::Canary, 0);
    vec![primary, PodObservation { restarts, ..canary }]
}

/// A canary that is restarted twice under a primary in this health, and the time when it is well.
fn restarted_twice_beside(healthy: bool) -> (RolloutEvidence, Timestamp) {
    let mut evidence = at_rest();
    let settings = Settings {
        interval: 10_000,
        warm_up: 0,
        false_rollback_probability: 0.01,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    };
    let none = Saved { analysis: None, replay: &KeptRanges::Begins, under_way: false };
    let id = progressing().state.attempt_with_canary();
    evidence.attend(id, settings, none, NOW);
    let mut now = NOW;
    for restarts in [0, 1, 2, 2] {
        now += jiff::SignedDuration::from_secs(10);
        // A sample that fails shows the pods all the same.
        let error = SampleError::UnknownGroup { group: "orders".to_owned() };
        evidence.observe(Arc::new(Err(error)), now, pods(restarts), None);
        let found = evidence.assess(now, healthy).expect("an attempt is judged");
        assert!(healthy || found.verdict != Verdict::Fail, "{found}");
    }
    (evidence, now)
}

#[test]
fn crashes_while_the_primary_was_unhealthy_are_nobodys_fault_when_it_is_well_again() {
    let fails = |evidence: &mut RolloutEvidence, now: Timestamp, restarts| {
        let found = evidence.assess(now, true).expect("an attempt is judged").verdict;
        let guard = evidence.crash(now, &pods(restarts), true).map(|it| it.verdict());
        (found, guard)
    };
    let (mut evidence, now) = restarted_twice_beside(false);
    let (found, guard) = fails(&mut evidence, now, 2);
    assert_eq!((found, guard), (Verdict::Inconclusive, None));
    let later = now + jiff::SignedDuration::from_secs(10);
    let guard = fails(&mut evidence, later, 4).1;
    assert_eq!(guard, Some(Verdict::Fail), "two more are its own");
    let (mut evidence, now) = restarted_twice_beside(true);
    let fail = Verdict::Fail;
    assert_eq!(fails(&mut evidence, now, 2), (fail, Some(fail)));
}

/// The group answers at this moment, with these partitions.
fn answers(evidence: &mut RolloutEvidence, now: Timestamp, partitions: Vec<PartitionObservation>) {
    let (state, members) = (GroupState::Stable, MemberCount::default());
    let group = GroupObservation { state, epoch: 1, members, partitions };
    let snapshot = GroupSnapshot {
        at: now.as_millisecond(),
        state,
        assignor: String::new(),
        epoch: 1,
        members: vec![],
        partitions: vec![],
    };
    evidence.observe(Arc::new(Ok(snapshot)), now, vec![], Some(group));
}

/// Whether a group of which one partition has these offsets counts as delivered.
fn delivers(role: Role, committed: Option<i64>, ends: [Option<i64>; 2]) -> bool {
    let [log_start, log_end] = ends;
    let owner = Owner::Pod { name: Arc::from("orders-0"), role };
    let topic = Arc::from("orders");
    let partition =
        PartitionObservation { topic, partition: 0, owner, committed, log_start, log_end };
    let mut evidence = at_rest();
    answers(&mut evidence, NOW, vec![partition]);
    evidence.delivered(NOW)
}

#[test]
fn a_canary_partition_without_both_offsets_is_not_delivered() {
    let (canary, ends) = (Role::Canary, [Some(0), Some(90)]);
    assert!(delivers(canary, Some(40), ends));
    assert!(!delivers(canary, None, ends));
    assert!(!delivers(canary, Some(40), [None, None]), "its leader is lost");
    assert!(delivers(canary, None, [Some(7), Some(7)]), "nothing to be committed");
    assert!(delivers(Role::Primary, None, [None, None]), "it is the canary that is judged");
}

/// An outage, samples that nobody took, and a clock that was put forward look alike.
#[test]
fn time_in_which_no_source_answered_is_in_no_time_without_a_gap() {
    let (mut evidence, begun) = restarted_twice_beside(true);
    assert_eq!(evidence.unbroken(), None, "nothing but failures so far");
    let at = |seconds| begun + jiff::SignedDuration::from_secs(seconds);
    for seconds in [10, 20, 40] {
        answers(&mut evidence, at(seconds), vec![]);
    }
    let first = Unbroken { since: at(10), until: at(40) };
    assert_eq!(evidence.unbroken(), Some(first), "one sample may be missing");
    for seconds in [50, 60, 70] {
        let error = SampleError::UnknownGroup { group: "orders".to_owned() };
        evidence.observe(Arc::new(Err(error)), at(seconds), vec![], None);
    }
    assert_eq!(evidence.unbroken(), Some(first), "it ended with the last answer");
    answers(&mut evidence, at(80), vec![]);
    assert_eq!(evidence.unbroken(), Some(Unbroken { since: at(80), until: at(80) }));
    answers(&mut evidence, at(60), vec![]);
    let since = at(60);
    assert_eq!(evidence.unbroken(), Some(Unbroken { since, until: since }), "it was put back");
}
