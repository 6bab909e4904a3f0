//! Conditions keep their transition time, their place and their bounds.
//! When one is true is tested where it is decided.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use siskin_api::conditions::{COMPLETED, READY, STALLED, Say, is_true, remove, set};

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn at(secs: i64) -> Timestamp {
    T0 + SignedDuration::from_secs(secs)
}

fn ready(status: bool, message: &str) -> Say<'_> {
    Say { type_: READY, status: Some(status), reason: "PrimaryAvailable", message }
}

fn transition_of(conditions: &[Condition], type_: &str) -> Option<Time> {
    let found = conditions.iter().find(|it| it.type_ == type_);
    found.map(|it| it.last_transition_time.clone())
}

#[test]
fn the_transition_time_moves_only_with_the_status() {
    let mut conditions = Vec::new();
    set(&mut conditions, ready(true, "5 of 5 pods"), 1, at(10));
    set(&mut conditions, ready(true, "4 of 5 pods"), 2, at(20));
    assert_eq!(transition_of(&conditions, READY), Some(Time(at(10))));
    assert_eq!(conditions[0].message, "4 of 5 pods");
    assert_eq!(conditions[0].observed_generation, Some(2));

    set(&mut conditions, ready(false, "0 of 5 pods"), 2, at(30));
    assert_eq!(transition_of(&conditions, READY), Some(Time(at(30))));
    assert_eq!(conditions.len(), 1);
}

#[test]
fn unknown_is_a_status_of_its_own() {
    let mut conditions = Vec::new();
    let unknown = Say { status: None, ..ready(true, "no pod seen yet") };
    set(&mut conditions, unknown, 1, T0);
    assert_eq!(conditions[0].status, "Unknown");
    assert!(!is_true(&conditions, READY));
    set(&mut conditions, ready(false, "0 of 5 pods"), 1, at(5));
    assert_eq!(transition_of(&conditions, READY), Some(Time(at(5))));
}

#[test]
fn a_condition_keeps_its_place_and_leaves_no_trace_when_removed() {
    let mut conditions = Vec::new();
    for type_ in [READY, STALLED, COMPLETED] {
        set(&mut conditions, Say { type_, ..ready(true, "") }, 1, T0);
    }
    set(&mut conditions, ready(false, ""), 1, at(1));
    let order = |it: &[Condition]| it.iter().map(|it| it.type_.clone()).collect::<Vec<_>>();
    assert_eq!(order(&conditions), [READY, STALLED, COMPLETED]);

    assert!(is_true(&conditions, STALLED));
    remove(&mut conditions, STALLED);
    remove(&mut conditions, STALLED);
    assert!(!is_true(&conditions, STALLED));
    assert_eq!(order(&conditions), [READY, COMPLETED]);
}

#[test]
fn a_message_is_cut_at_what_the_api_server_takes() {
    let mut conditions = Vec::new();
    set(&mut conditions, ready(true, &"é".repeat(40_000)), 1, T0);
    assert_eq!(conditions[0].message.chars().count(), 32_768);
}
