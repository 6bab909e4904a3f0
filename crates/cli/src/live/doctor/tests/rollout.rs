//! One rollout with one fault each, and what is said about it.
//! A rollout without a fault is told as such.

use serde_json::{Value, json};

use super::has;
use crate::cluster::look::Look;
use crate::live::doctor::WRITES;
use crate::live::doctor::diagnosis::Severity;
use crate::live::doctor::rollout::{RolloutLook, SecretLook, of};

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}

fn condition(name: &str, status: &str, reason: &str) -> Value {
    json!({
        "type": name, "status": status, "reason": reason, "message": "as said",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

fn deployment(name: &str, wanted: i32, ready: i32) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": wanted, "selector": {}, "template": {}},
        "status": {"readyReplicas": ready},
    })
}

/// A rollout at rest with nothing wrong about it.
fn rollout() -> Value {
    json!({
        "metadata": {"name": "orders", "namespace": "shop", "generation": 2},
        "spec": {
            "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 50, "hold": "30m"}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "orders"}},
        },
        "status": {
            "observedGeneration": 2, "phase": "Initialized", "adopted": true, "replicas": 6,
            "analysis": {
                "primary": {"readyPods": 6, "members": 6, "partitions": 12, "messagesPerSecond": "400.0"},
            },
            "conditions": [condition("Ready", "True", "PodsReady")],
        },
    })
}

fn look(rollout: Value) -> RolloutLook {
    RolloutLook {
        rollout: object(rollout),
        of_target: Look::Read(vec!["orders".to_owned()]),
        target: Look::Read(Some(object(deployment("orders", 0, 0)))),
        primary: Look::Read(Some(object(deployment("orders-primary", 6, 6)))),
        canary: Look::Read(None),
        secrets: Vec::new(),
        lacking: None,
        operator_namespace: "flow".to_owned(),
    }
}

fn with(change: impl FnOnce(&mut Value)) -> RolloutLook {
    let mut it = rollout();
    change(&mut it);
    look(it)
}

fn stalled(name: &str, status: &str, reason: &str) -> RolloutLook {
    with(|it| it["status"]["conditions"] = json!([condition(name, status, reason)]))
}

#[test]
fn a_rollout_without_a_fault_is_fine() {
    let found = of(&look(rollout()));
    assert!(found.iter().all(|it| it.severity == Severity::Fine), "{found:?}");
    for text in [
        "keeps the rules",
        "no condition is in the way",
        "6 members of group orders",
        "each step can be passed",
    ] {
        assert!(has(&found, Severity::Fine, text, ""), "{text}: {found:?}");
    }
}

#[test]
fn conditions_in_the_way_are_told_with_the_runbooks_remedy() {
    for (name, status, reason, remedy) in [
        (
            "Stalled",
            "True",
            "TargetMissing",
            "apply the Deployment again, or delete the CanaryRollout",
        ),
        ("Stalled", "True", "RevisionRejected", "kubectl siskin retry orders -n shop"),
        ("Stalled", "True", "Unheard", "docs/runbook.md"),
        ("WritesAccepted", "False", "QuotaExceeded", "raise the ResourceQuota"),
        ("WritesAccepted", "False", "NotPermitted", "--serviceaccount=flow:siskin -n shop"),
        ("SourcesReachable", "False", "PrimaryNotInGroup", "`consumerGroup` is wrong"),
        ("SourcesReachable", "False", "Timeout", "network policies"),
        ("Ready", "False", "PodsUnavailable", "describe deployment orders-primary"),
        ("Reconciling", "True", "TargetPaused", "kubectl -n shop rollout resume deployment/orders"),
        ("Reconciling", "True", "CanaryBlocked", "describe deployment orders-canary"),
    ] {
        let found = of(&stalled(name, status, reason));
        let text = format!("{name} is {status}, {reason}: as said");
        assert!(has(&found, Severity::Wrong, &text, remedy), "{reason}: {found:?}");
    }
    for (name, status, reason) in
        [("Reconciling", "True", "Progressing"), ("WritesAccepted", "True", "Accepted")]
    {
        let found = of(&stalled(name, status, reason));
        assert!(found.iter().all(|it| it.severity == Severity::Fine), "{found:?}");
    }
    let refused = [
        condition("Stalled", "True", "QuotaExceeded"),
        condition("WritesAccepted", "False", "QuotaExceeded"),
    ];
    let found = of(&with(|it| it["status"]["conditions"] = json!(refused)));
    assert_eq!(found.iter().filter(|it| it.severity == Severity::Wrong).count(), 1, "told once");
}

#[test]
fn rights_that_the_operator_lacks_are_named() {
    let mut it = stalled("WritesAccepted", "False", "NotPermitted");
    it.lacking = Some(Look::Read(vec![WRITES[1], WRITES[6]]));
    let text = "lacks rights in this namespace: patch canaryrollouts.siskin.dev/status, patch deployments.apps";
    assert!(has(&of(&it), Severity::Wrong, text, "siskin-tenant"), "{:?}", of(&it));
    it.lacking = Some(Look::Read(Vec::new()));
    assert!(has(&of(&it), Severity::Note, "has every right that it needs", "within 30 s"));
    it.lacking = Some(Look::Refused("no right".to_owned()));
    assert!(has(
        &of(&it),
        Severity::Unchecked,
        "which rights the operator lacks, since no right",
        ""
    ));
}

/// A fault of the object, and what is said about it.
type ObjectCase = (fn(&mut Value), Severity, &'static str, &'static str);

#[test]
fn faults_of_the_object_are_told() {
    let failed = |it: &mut Value| {
        it["status"]["phase"] = json!("Failed");
        it["status"]["revisions"] = json!({
            "desired": "b",
            "rejected": [{"revision": "b", "cause": "GuardFailed", "rolloutId": "b-2"}],
        });
    };
    let cases: [ObjectCase; 8] = [
        (
            failed,
            Severity::Note,
            "attempt b-2 was rolled back: GuardFailed",
            "a crash loop, a kill for memory",
        ),
        (
            |it| it["status"] = json!(null),
            Severity::Wrong,
            "the operator has not seen it",
            "kubectl siskin doctor",
        ),
        (
            |it| it["metadata"]["generation"] = json!(3),
            Severity::Wrong,
            "about generation 2 of the spec, which is at 3",
            "",
        ),
        (
            |it| it["spec"]["strategy"]["steps"] = json!([]),
            Severity::Wrong,
            "spec.strategy",
            "change the CanaryRollout",
        ),
        (
            |it| it["spec"]["suspend"] = json!(true),
            Severity::Note,
            "suspended",
            "kubectl siskin resume orders -n shop",
        ),
        (
            |it| it["status"]["phase"] = json!("Paused"),
            Severity::Note,
            "it is paused",
            "kubectl siskin abort orders -n shop",
        ),
        (
            |it| it["status"]["analysis"]["primary"]["members"] = json!(0),
            Severity::Wrong,
            "of 6 ready pods of primary 0 are known as members of group orders",
            "PrimaryNotInGroup",
        ),
        (
            |it| it["status"]["analysis"]["primary"]["members"] = json!(5),
            Severity::Note,
            "of 6 ready pods of primary 5",
            "",
        ),
    ];
    for (change, severity, text, remedy) in cases {
        let found = of(&with(change));
        assert!(has(&found, severity, text, remedy), "{text}: {found:?}");
    }
}

fn secret(exists: Look<bool>) -> Vec<SecretLook> {
    let field = "spec.analysis.kafka.credentialsSecretRef";
    vec![SecretLook { field, name: "kafka".to_owned(), exists }]
}

/// A fault of what is beside the object, and what is said about it.
type BesideCase = (fn(&mut RolloutLook), Severity, &'static str, &'static str);

#[test]
fn faults_of_what_is_beside_the_object_are_told() {
    let cases: [BesideCase; 8] = [
        (
            |it| it.of_target = Look::Refused("no right".to_owned()),
            Severity::Unchecked,
            "has other CanaryRollouts, since no right",
            "",
        ),
        (
            |it| it.of_target = Look::Read(vec!["orders".to_owned(), "orders-2".to_owned()]),
            Severity::Wrong,
            "several CanaryRollouts: orders, orders-2",
            "delete",
        ),
        (
            |it| it.secrets = secret(Look::Read(false)),
            Severity::Wrong,
            "Secret kafka does not exist in this namespace; spec.analysis.kafka",
            "explain canaryrollout.spec.analysis.kafka.credentialsSecretRef)",
        ),
        (
            |it| it.secrets = secret(Look::Refused("no right".to_owned())),
            Severity::Unchecked,
            "whether Secret kafka exists, since no right",
            "",
        ),
        (
            |it| it.target = Look::Read(None),
            Severity::Wrong,
            "Deployment orders does not exist",
            "apply it again",
        ),
        (
            |it| it.primary = Look::Read(None),
            Severity::Wrong,
            "orders-primary does not exist, and orders was adopted",
            "",
        ),
        (
            |it| it.primary = Look::Read(Some(object(deployment("orders-primary", 6, 4)))),
            Severity::Wrong,
            "orders-primary: 4 of 6 pods ready",
            "kubectl -n shop describe deployment orders-primary",
        ),
        (
            |it| it.canary = Look::Read(Some(object(deployment("orders-canary", 2, 1)))),
            Severity::Note,
            "orders-canary: 1 of 2 pods ready",
            "",
        ),
    ];
    for (change, severity, text, remedy) in cases {
        let mut look = look(rollout());
        change(&mut look);
        let found = of(&look);
        assert!(has(&found, severity, text, remedy), "{text}: {found:?}");
    }
}

#[test]
fn what_the_judge_is_blind_to_has_what_ends_it() {
    let blind = |it: &mut Value| it["status"]["analysis"]["blind"] = json!(["errors", "memory"]);
    let found = of(&with(blind));
    assert!(has(
        &found,
        Severity::Note,
        "blind to errors",
        "needs prometheus or scrape, and series.consumed and series.errors"
    ));
    assert!(has(&found, Severity::Note, "blind to memory", "a working set for each pod"));
    let found = of(&with(|it| {
        blind(it);
        it["spec"]["analysis"]["scrape"] = json!({"port": "metrics"});
    }));
    assert!(
        has(&found, Severity::Note, "blind to errors", "its source has no such series of each pod"),
        "{found:?}"
    );
}

#[test]
fn steps_that_prove_nothing_in_their_time_are_told_by_the_figures_of_the_status() {
    let found =
        of(&with(|it| it["spec"]["strategy"]["steps"] = json!([{"weight": 50, "hold": "1m"}])));
    assert!(
        found.iter().any(|it| it.text.starts_with("step 1 at 400.0 messages/s as last read: ")),
        "{found:?}"
    );
    let slow =
        |it: &mut Value| it["status"]["analysis"]["primary"]["messagesPerSecond"] = json!("0.0001");
    assert!(has(
        &of(&with(slow)),
        Severity::Wrong,
        "step 1 at 0.0 messages/s as last read: a healthy version can't pass",
        "longer hold"
    ));
    let unread = |it: &mut Value| it["status"]["analysis"]["primary"] = json!({"partitions": 12});
    assert!(has(
        &of(&with(unread)),
        Severity::Note,
        "the status has no figures of the whole group",
        "--partitions"
    ));
}
