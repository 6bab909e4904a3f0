//! Which commands are followed, wait, or are stale, and what is kept of their answers.
//! Knows no cluster.

use super::*;
use siskin_decide::testing::{
    Change, EARLIER, ID, NEXT, NOW, ask, at_rest, order, progressing, reject, with,
};
use siskin_decide::{Cause, decide};

#[test]
fn what_names_a_later_step_or_attempt_waits_for_it() {
    let seen = progressing();
    let stands = |order| state_of(order, &seen, &Plan::to(seen.state, vec![]));
    assert_eq!(stands(Order::Approve(ID, 1)), CommandState::Waits, "the next step");
    assert_eq!(stands(Order::PromoteStep(ID, 1)), CommandState::Waits);
    assert_eq!(stands(Order::Approve(ID, 2)), CommandState::Stale, "there is none");
    assert_eq!(stands(Order::Abort(EARLIER)), CommandState::Stale);
    let seen = at_rest();
    let stands = |order| state_of(order, &seen, &Plan::to(seen.state, vec![]));
    assert_eq!(stands(Order::Start(ID)), CommandState::Waits, "the next attempt");
    assert_eq!(stands(Order::Approve(EARLIER, 0)), CommandState::Stale);
}

#[test]
fn a_bypass_without_a_reason_is_answered_once_and_one_with_a_reason_is_no_command() {
    let with_bypass = |reason: &str| {
        let kind = kube::api::ApiResource::erase::<k8s_openapi::api::apps::v1::Deployment>(&());
        let mut it = DynamicObject::new("orders", &kind);
        it.annotations_mut().insert(target::BYPASS.into(), reason.into());
        bypass_without_reason(&it)
    };
    assert_eq!(with_bypass("a hotfix"), None);
    let (empty, seen) = (Vec::from_iter(with_bypass(" ")), at_rest());
    let plan = decide(&seen, NOW);
    let first = answers(&empty, &seen, &plan, &[]);
    assert!(first[0].note.contains("expected a reason"), "{}", first[0].note);
    let given = keep(&empty, &[], &first);
    assert_eq!(answers(&empty, &seen, &plan, &given), [], "one Event");
}

#[test]
fn a_retry_is_followed_when_the_mark_is_lifted_and_waits_until_then() {
    let seen = with(at_rest(), &[|it| reject(it, NEXT, Cause::Aborted, ID)]);
    let stands = |seen: &Observed| state_of(Order::Retry(ID), seen, &decide(seen, NOW));
    assert_eq!(stands(&seen), CommandState::Waits, "the target has another template");
    let retried: [Change; 2] = [|it| ask(it, NEXT), |it| order(it, Order::Retry(ID))];
    let seen = with(seen, &retried);
    assert_eq!(stands(&seen), CommandState::Followed);
    assert_eq!(stands(&with(seen, &[|it| it.suspended = true])), CommandState::Waits);
    let seen = progressing();
    let plan = decide(&seen, NOW);
    assert_eq!(state_of(Order::Retry(ID), &seen, &plan), CommandState::Stale, "not marked");
}

#[test]
fn an_answer_is_kept_as_long_as_its_annotation() {
    let asked = [Asked {
        command: Command::Abort,
        value: "x".into(),
        order: None,
        giver: Giver::default(),
    }];
    let record = |value: &str| CommandRecord {
        command: Command::Abort,
        value: value.into(),
        outcome: CommandOutcome::Malformed,
        by: None,
        at: None,
    };
    assert_eq!(keep(&asked, &[record("old"), record("x")], &[]), [record("x")]);
}
