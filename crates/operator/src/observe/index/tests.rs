//! The index of rollouts, by what it answers. What the watch would show is told to it here.

use serde_json::json;

use super::*;

fn rollout(namespace: &str, name: &str, uid: &str, target: &str) -> CanaryRollout {
    let created = format!("2026-01-01T00:00:0{uid}Z");
    let manifest = json!({
        "apiVersion": "siskin.dev/v1alpha1",
        "kind": "CanaryRollout",
        "metadata": {"namespace": namespace, "name": name, "uid": uid, "creationTimestamp": created},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "strategy": {"steps": [{"weight": 10, "hold": "1m"}]},
            "analysis": {"kafka": {"bootstrapServers": ["kafka:9092"], "consumerGroup": "g"}},
        },
    });
    serde_json::from_value(manifest).expect("a CanaryRollout")
}

fn created(uid: &str) -> Timestamp {
    format!("2026-01-01T00:00:0{uid}Z").parse().expect("a time")
}

#[test]
fn what_a_rollout_that_cannot_be_read_owns_is_no_orphan() {
    let (index, name) = (Index::default(), Name::new("shop", "orders"));
    index.note_unreadable(name.clone(), "1");
    assert!(index.knows("1"));
    assert_eq!((index.all(), index.phases()), (vec![], vec![]), "no pass can be made over it");
    assert_eq!(index.of_target("shop", "orders"), []);
    index.forget(&name);
    assert!(!index.knows("1"));
}

#[test]
fn names_are_compared_within_their_namespace() {
    let index = Index::default();
    index.note(&rollout("a", "first", "1", "orders"));
    index.note(&rollout("b", "second", "2", "orders"));
    let (a, b) = (Name::new("a", "first"), Name::new("b", "second"));
    assert_eq!(index.of_target("a", "orders"), [a]);
    assert_eq!(index.of_target("b", "orders"), std::slice::from_ref(&b));
    assert!(!index.has_elder(&b, "orders", created("2")), "the elder is of another namespace");
    index.note(&rollout("b", "elder", "1", "orders"));
    assert!(index.has_elder(&b, "orders", created("2")));
}

#[test]
fn a_listing_forgets_what_it_does_not_show() {
    let index = Index::default();
    for (name, uid) in [("kept", "1"), ("gone", "2")] {
        index.note(&rollout("shop", name, uid, name));
    }
    index.listing_begins();
    index.note(&rollout("shop", "kept", "1", "kept"));
    assert!(index.knows("2"), "half a listing says nothing of what it has not shown yet");
    index.note(&rollout("shop", "new", "3", "kept"));
    assert_eq!(index.listing_ends(), [Name::new("shop", "gone")]);
    assert!(!index.knows("2"));
    assert_eq!(index.of_target("shop", "gone"), []);
    let both = [Name::new("shop", "kept"), Name::new("shop", "new")];
    assert_eq!(index.of_target("shop", "kept"), both);
    assert_eq!(index.listing_ends(), [], "no listing is under way");
}

#[test]
fn a_rollout_that_takes_another_target_or_uid_leaves_nothing_behind() {
    let index = Index::default();
    index.note(&rollout("shop", "orders", "1", "orders"));
    index.note(&rollout("shop", "orders", "2", "invoices"));
    assert!(!index.knows("1") && index.knows("2"));
    assert_eq!(index.of_target("shop", "orders"), []);
    index.forget(&Name::new("shop", "orders"));
    let left = index.0.read();
    assert!(left.entries.is_empty() && left.targets.is_empty() && left.uids.is_empty());
}

#[test]
fn metrics_show_what_the_status_says_is_in_the_way() {
    let index = Index::default();
    let mut orders = rollout("shop", "orders", "1", "orders");
    let condition = |type_: &str, status: &str, reason: &str| {
        json!({"type": type_, "status": status, "reason": reason, "message": "",
            "lastTransitionTime": "2026-01-01T00:00:07Z"})
    };
    let ended = |outcome: &str, field: &str, reason: &str| {
        json!({"rolloutId": "8c4b6d5f9a-1", "revision": "8c4b6d5f9a", "outcome": outcome, field: reason,
            "started": "2026-01-01T00:00:03Z", "finished": "2026-01-01T00:00:09Z"})
    };
    let status = json!({"phase": "Preparing", "analysis": {"verdict": "Inconclusive"},
        "history": [ended("Promoted", "promotedBy", "Bypass"), ended("RolledBack", "cause", "GuardFailed")],
        "conditions": [
        condition("Ready", "True", "PodsReady"),
        condition("Stalled", "True", "PreflightFailed"),
        condition("SourcesReachable", "True", "Answered"),
        condition("WritesAccepted", "False", "NotPermitted"),
    ]});
    orders.status = serde_json::from_value(status).expect("a status");
    index.note(&orders);
    let shown = index.shown();
    assert_eq!(shown.len(), 1);
    assert_eq!((&*shown[0].namespace, &*shown[0].name), ("shop", "orders"));
    assert_eq!(
        (shown[0].phase, shown[0].verdict),
        (Some(Phase::Preparing), Some(Verdict::Inconclusive))
    );
    let blocked = json!([condition("Reconciling", "True", "CanaryBlocked")]);
    let going_on = json!([condition("Reconciling", "True", "Progressing")]);
    let hold =
        |condition, reason: &str| Hold { condition, reason: reason.into(), since: created("7") };
    let expected = [hold("Stalled", "PreflightFailed"), hold("WritesAccepted", "NotPermitted")];
    assert_eq!(shown[0].held, expected);
    let how = Ended { outcome: "Promoted", reason: "Bypass" };
    assert_eq!(shown[0].ended, Some(End { how, at: created("9") }), "the last one");
    let mut held_with = |conditions| {
        orders.status.as_mut().expect("a status").conditions =
            serde_json::from_value(conditions).expect("conditions");
        index.note(&orders);
        index.shown()[0].held.clone()
    };
    assert_eq!(held_with(blocked), [hold("Reconciling", "CanaryBlocked")], "for want of room");
    assert_eq!(held_with(going_on), []);
}
