//! Which samples of a rollout at rest are worth a pass. The judge has its own tests.

use std::sync::Arc;

use siskin_kafka::SampleError;

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
