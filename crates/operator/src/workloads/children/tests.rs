//! Children as they should be, compared with what an API server would show.
//! No API server is asked.

use super::*;

fn family(strategy: &Value, order: MoveOrder) -> Family {
    Family {
        target: "orders".into(),
        identity: PodIdentity::None,
        restarts: Restarts::default(),
        order,
        spec: json!({
            "selector": {"matchLabels": {"app": "orders"}},
            "strategy": strategy,
            "minReadySeconds": 5,
        }),
    }
}

fn template() -> PodTemplate {
    PodTemplate::of(&json!({"metadata": {"labels": {"app": "orders"}}, "spec": {}}))
}

#[test]
fn a_child_never_selects_the_pods_of_another_role() {
    let child = family(&json!({"type": "Recreate"}), MoveOrder::SurgeFirst).child(
        Role::Canary,
        Revision(1),
        &template(),
    );
    assert_eq!(
        child.spec["selector"]["matchLabels"],
        json!({"app": "orders", "siskin.dev/role": "canary"})
    );
    assert_eq!(child.spec["template"]["metadata"]["labels"]["siskin.dev/role"], "canary");
    assert_eq!(child.spec["minReadySeconds"], 5);
    assert_eq!(child.spec["strategy"]["rollingUpdate"]["maxUnavailable"], 1, "Recreate");
}

#[test]
fn some_move_is_always_legal() {
    let zero = json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}});
    let update = |order| family(&zero, order).rolling_update();
    assert_eq!(update(MoveOrder::SurgeFirst), json!({"maxSurge": 1, "maxUnavailable": 0}));
    assert_eq!(update(MoveOrder::DrainFirst), json!({"maxSurge": 0, "maxUnavailable": 1}));
}

#[test]
fn what_was_written_does_not_differ_and_an_edit_does() {
    let child =
        family(&json!({}), MoveOrder::SurgeFirst).child(Role::Primary, Revision(7), &template());
    let live = json!({
        "metadata": {"labels": child.labels, "annotations": child.annotations},
        "spec": child.spec,
    });
    assert_eq!(child.compare(&live), Difference::None);
    let mut edited = live.clone();
    edited["spec"]["template"]["spec"]["nodeName"] = json!("x");
    assert_eq!(child.compare(&edited), Difference::Template);
    let mut paused = live.clone();
    paused["spec"]["paused"] = json!(true);
    assert_eq!(child.compare(&paused), Difference::Real);
}

#[test]
fn the_target_is_known_from_the_names_of_its_children() {
    assert_eq!(target_of("orders-primary"), Some("orders"));
    assert_eq!(target_of("orders-canary-5f7d"), Some("orders"));
    assert_eq!(target_of("orders"), None);
    assert_eq!(target_of("a-primary-canary"), Some("a-primary"));
}
