//! What annotations, names and counts are taken for. No API server is asked.

use super::*;

#[test]
fn a_pod_that_the_watch_shows_and_its_controller_has_deleted_is_on_its_way_out() {
    let deployment = |wanted: u32, counted: u32| -> DynamicObject {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "orders-canary", "generation": 2},
            "spec": {"replicas": wanted},
            "status": {"replicas": counted, "observedGeneration": 2},
        }))
        .unwrap()
    };
    let leaving = |wanted, counted, all, terminating| {
        let pods = Shown { all, terminating };
        workload(&deployment(wanted, counted), None, pods).terminating
    };
    assert_eq!(leaving(0, 0, 1, 0), 1, "the watch is behind");
    assert_eq!(leaving(0, 0, 1, 1), 1);
    assert_eq!(leaving(0, 1, 1, 0), 1, "its controller has not acted yet");
    assert_eq!(leaving(0, 1, 0, 0), 1, "the watch does not show it yet");
    assert_eq!(leaving(0, 0, 0, 0), 0);
    assert_eq!(leaving(3, 3, 4, 0), 1);
    assert_eq!(leaving(3, 4, 4, 0), 0, "one more while it rolls");
    assert_eq!(leaving(3, 2, 3, 0), 0, "one is new");
}

fn frozen_object(name: &str, attempt: &str) -> ControllerRevision {
    serde_json::from_value(serde_json::json!({
        "metadata": {
            "name": name,
            "labels": {"siskin.dev/target": "orders"},
            "annotations": {"siskin.dev/attempt": attempt},
        },
        "revision": 1,
        "data": {"metadata": {"labels": {"app": "orders"}}, "spec": {"containers": []}},
    }))
    .unwrap()
}

fn frozen_as_named(name: &str, attempt: &str) -> Option<Frozen> {
    frozen(&frozen_object(name, attempt), CanaryOn::Template).map(|it| it.frozen)
}

#[test]
fn a_frozen_template_is_known_by_its_own_name_and_by_no_other() {
    let template = PodTemplate::of(&frozen_object("x", "1").data.unwrap().0);
    let name = naming::name_of(&template, &[]);
    let found = |it: &str| frozen_as_named(it, "1").map(|it| it.revision);
    assert_eq!(found(&format!("orders-{name}")), Some(name));
    assert_eq!(found(&format!("orders-{name}-0123")), Some(name), "its name was taken");
    // As the first release named it.
    assert_eq!(found("orders-c7f396d8cb"), Some("c7f396d8cb".parse().unwrap()));
    assert_eq!(found("orders-0123456789"), None, "another template under this name");
    assert_eq!(found(&format!("payments-{name}")), None);
}

#[test]
fn absurd_numbers_of_attempts_are_none() {
    let template = PodTemplate::of(&frozen_object("x", "1").data.unwrap().0);
    let name = format!("orders-{}", naming::name_of(&template, &[]));
    let counted = |text: &str| {
        let primary: DynamicObject = serde_json::from_value(serde_json::json!({"metadata": {
            "annotations": {"siskin.dev/owner-uid": "1", "siskin.dev/replicas": text},
            "labels": {"siskin.dev/attempts": text},
        }, "spec": {"replicas": 3}}))
        .unwrap();
        let facts = facts(&primary).unwrap();
        (frozen_as_named(&name, text).unwrap().attempt, facts.attempts, facts.replicas)
    };
    assert_eq!(counted("7"), (7, 7, 7));
    assert_eq!(counted("1000000"), (1_000_000, 1_000_000, 1_000_000));
    assert_eq!(counted("1000001"), (0, 0, 1_000_001));
    assert_eq!(counted("4294967295"), (0, 0, 3));
    assert_eq!(counted("-1"), (0, 0, 3));
}

#[test]
fn pods_of_a_deleted_child_are_consumers_until_they_have_left() {
    let left = |all, terminating| left_behind(Shown { all, terminating });
    assert_eq!(left(3, 2).map(|it| (it.replicas, it.terminating)), Some((0, 2)));
    assert_eq!(left(3, 0), None, "orphaned: nobody ends them");
    assert_eq!(left(0, 0), None);
}
