//! Every state through the status and back, and statuses that the last release wrote.
//! As JSON in between: what the API server keeps.

use serde_json::{Value, json};
use siskin_decide::testing::{ID, NEXT, NOW, at_stage, preparing, progressing, promoting};

use super::*;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// What is kept of a state, as the API server gives it back.
fn kept(state: &State) -> Value {
    let status = CanaryRolloutStatus {
        phase: Some(wire_phase(state)),
        adopted: true,
        replicas: Some(4),
        progress: write(state, NOW),
        ..CanaryRolloutStatus::default()
    };
    serde_json::to_value(status).expect("JSON")
}

fn known(status: &Value) -> State {
    let status: CanaryRolloutStatus = serde_json::from_value(status.clone()).expect("a status");
    read(Some(&status))
}

fn rests() -> Vec<Rest> {
    let failed = Cause::iter().map(|cause| Rest::Failed { revision: NEXT, cause });
    [Rest::Initialized, Rest::Succeeded].into_iter().chain(failed).collect()
}

/// States with no field at its default, and each kind of each of their parts.
fn states() -> Vec<State> {
    let clock = |minutes: i32, runs: bool| Stopwatch {
        spent: MINUTE * minutes,
        since: runs.then_some(NOW - MINUTE),
    };
    let step = CurrentStep {
        index: 3,
        canary: 7,
        reached: 5,
        unsettled: clock(1, true),
        hold: clock(2, false),
        delivered: clock(3, true),
        waits: Some(NOW - MINUTE * 4),
    };
    let headway = Headway { reached: 9, since: NOW - MINUTE * 2 };
    let since = NOW - MINUTE * 3;
    let mut all = vec![
        State::Pending,
        State::Adopting,
        preparing().state,
        progressing().state,
        at_stage(Stage::Preparing(Stopwatch { spent: MINUTE, since: Some(NOW) })),
        at_stage(Stage::Progressing(step)),
        at_stage(Stage::Paused(step)),
    ];
    all.extend(rests().into_iter().map(State::AtRest));
    let stage = Stage::Progressing(step);
    all.extend(rests().into_iter().map(|before| State::Trial(Trial { id: ID, before, stage })));
    let before = Rest::Failed { revision: NEXT, cause: Cause::Inconclusive };
    all.extend(PromotedBy::iter().map(|promoted_by| {
        State::Promoting(Promotion { id: ID, promoted_by, before, since, headway })
    }));
    for from in [Origin::Trial, Origin::Promoting] {
        all.extend(Cause::iter().map(|cause| {
            State::RollingBack(Rollback { id: ID, cause, from, before, since, headway })
        }));
    }
    all.extend(Ending::iter().map(|ending| State::Terminating(Termination { ending, headway })));
    all
}

#[test]
fn every_state_is_read_as_it_was_written() {
    for state in states() {
        assert_eq!(known(&kept(&state)), state);
    }
}

#[test]
fn a_status_that_was_lost_or_can_not_be_read_is_none() {
    assert_eq!(read(None), State::Pending);
    assert_eq!(known(&json!({"observedGeneration": 1})), State::Pending);
    for (field, value) in [("revision", json!("what")), ("attempt", json!(1_000_001))] {
        let mut status = kept(&progressing().state);
        status["progress"][field] = value;
        assert_eq!(known(&status), State::Pending, "{field}");
    }
    for field in ["step", "canary", "before"] {
        let mut status = kept(&progressing().state);
        status["progress"].as_object_mut().expect("fields").remove(field);
        assert_eq!(known(&status), State::Pending, "{field}");
    }
}

#[test]
fn what_the_last_release_called_initialized_before_it_had_adopted_anything_is_pending() {
    let status = |adopted: bool, replicas: Value| {
        let mut status =
            json!({"observedGeneration": 1, "phase": "Initialized", "adopted": adopted});
        if !replicas.is_null() {
            status["replicas"] = replicas;
        }
        status
    };
    let initialized = State::AtRest(Rest::Initialized);
    assert_eq!(known(&status(false, Value::Null)), State::Pending);
    assert_eq!(known(&status(true, Value::Null)), initialized);
    assert_eq!(known(&status(false, json!(3))), initialized);
}

#[test]
fn a_status_that_tells_no_headway_begins_where_its_state_began() {
    let promoting = promoting().state;
    let mut status = kept(&promoting);
    for field in ["reached", "advanced"] {
        status["progress"].as_object_mut().expect("fields").remove(field);
    }
    let (State::Promoting(read), State::Promoting(wrote)) = (known(&status), promoting) else {
        panic!("it is the same state")
    };
    assert_eq!(read.headway, Headway { reached: 0, since: wrote.since });
}

#[test]
fn an_end_is_named_in_metrics_as_it_is_in_the_status() {
    for cause in Cause::iter() {
        let (decided, told): (&str, &str) = (cause.into(), wire_cause(cause).into());
        assert_eq!(decided, told);
        assert_eq!(serde_json::to_value(wire_cause(cause)).expect("JSON"), told);
    }
    for by in PromotedBy::iter() {
        let (decided, told): (&str, &str) = (by.into(), wire_promoted_by(by).into());
        assert_eq!(decided, told);
        assert_eq!(serde_json::to_value(wire_promoted_by(by)).expect("JSON"), told);
    }
}
