//! Every wish in every phase: the value that the operator follows, or a refusal.

use serde_json::json;

use super::*;

fn rollout(phase: &str) -> CanaryRollout {
    let object = json!({
        "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
        "metadata": {"name": "orders", "namespace": "shop"},
        "spec": {
            "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "orders"}},
        },
        "status": {
            "phase": phase, "rolloutId": "00000000ab-3", "message": "said",
            "revisions": {
                "desired": "00000000ab", "promoted": "00000000aa",
                "rejected": [
                    {"revision": "00000000ac", "cause": "Aborted", "rolloutId": "00000000ac-9"},
                    {"revision": "00000000ab", "cause": "Aborted", "rolloutId": "00000000ab-2"},
                ],
            },
            "progress": {
                "revision": "00000000ab", "attempt": 3, "step": 1,
                "since": "2026-01-01T00:00:00.000000Z",
                "plan": {
                    "steps": [
                        {"weight": 10, "hold": "1m"},
                        {"weight": 50, "hold": "10m", "approval": "Required"},
                    ],
                    "order": "SurgeFirst", "warmUp": "1m", "progressDeadline": "10m",
                    "onInconclusive": "Pause", "falseRollbackProbability": "0.01", "interval": "10s",
                },
            },
        },
    });
    serde_json::from_value(object).expect("a CanaryRollout")
}

const PHASES: [&str; 11] = [
    "Pending",
    "Adopting",
    "Initialized",
    "Preparing",
    "Progressing",
    "Paused",
    "Promoting",
    "RollingBack",
    "Succeeded",
    "Failed",
    "Terminating",
];

/// The phases in which a wish is an order, and its value.
fn given(wish: Wish) -> Vec<(&'static str, String)> {
    PHASES.iter().filter_map(|it| Some((*it, of(wish, &rollout(it)).ok()?.value))).collect()
}

#[test]
fn a_wish_is_an_order_only_where_the_operator_would_follow_it() {
    let table = [
        (Wish::Abort, "00000000ab-3", &["Preparing", "Progressing", "Paused", "Promoting"][..]),
        (Wish::Approve, "00000000ab-3/2", &["Progressing", "Paused"]),
        (Wish::PromoteStep, "00000000ab-3/2", &["Progressing", "Paused"]),
        (Wish::PromoteFull, "00000000ab-3/full", &["Preparing", "Progressing", "Paused"]),
        (Wish::Start, "00000000ab-3", &["Preparing"]),
        (Wish::Retry, "00000000ab-2", &PHASES),
    ];
    for (wish, value, phases) in table {
        let expected: Vec<_> = phases.iter().map(|it| (*it, value.to_owned())).collect();
        assert_eq!(given(wish), expected, "{wish:?}");
    }
}

#[test]
fn each_value_is_one_that_the_operator_understands() {
    use siskin_decide::Order;
    let id = |text: &str| text.parse::<siskin_decide::RolloutId>().is_ok();
    let trial = rollout("Progressing");
    let value = |wish| of(wish, &trial).expect("an order").value;
    assert!(id(&value(Wish::Abort)) && id(&value(Wish::Retry)));
    assert!(Order::parse_approve(&value(Wish::Approve)).is_some());
    assert!(Order::parse_promote(&value(Wish::PromoteStep)).is_some());
    assert!(Order::parse_promote(&value(Wish::PromoteFull)).is_some());
}

#[test]
fn only_what_skips_a_comparison_is_asked_before() {
    let asks = |wish, phase| of(wish, &rollout(phase)).expect("an order").skips.is_some();
    assert!(asks(Wish::PromoteStep, "Paused") && asks(Wish::PromoteFull, "Progressing"));
    assert!(asks(Wish::Start, "Preparing"));
    assert!(!asks(Wish::Abort, "Progressing") && !asks(Wish::Approve, "Paused"));
    assert!(!asks(Wish::Retry, "Failed"));
}

#[test]
fn a_step_without_approval_is_not_approved_and_the_refusal_says_what_to_do() {
    let mut rollout = rollout("Progressing");
    let status = rollout.status.as_mut().expect("a status");
    status.progress.as_mut().expect("a progress").step = Some(0);
    let why = of(Wish::Approve, &rollout).expect_err("it asks for none");
    assert_eq!(
        why,
        "this step asks for no approval; to skip what is left of it: promote (Progressing: said)"
    );
}

#[test]
fn a_version_that_equals_a_rejected_one_is_retried_by_the_latest_rejection() {
    let mut rollout = rollout("Failed");
    let status = rollout.status.as_mut().expect("a status");
    status.revisions.as_mut().expect("revisions").desired = Some("00000000ad".to_owned());
    assert_eq!(of(Wish::Retry, &rollout).expect("an order").value, "00000000ac-9");
    rollout.status.as_mut().expect("a status").phase = Some(Phase::Progressing);
    assert!(of(Wish::Retry, &rollout).is_err());
}
