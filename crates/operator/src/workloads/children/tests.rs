//! Children as they should be, compared with what an API server would show.
//! No API server is asked.

use super::*;

/// The children of a target with six pods.
fn family(strategy: &Value, order: MoveOrder) -> Family {
    let quarter = DeploymentStrategy::DEFAULT;
    let recreates = strategy["type"] == "Recreate";
    Family {
        max_consumers: None,
        own: if recreates { DeploymentStrategy::Recreate } else { quarter },
        total: 6,
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
    let zero =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}});
    let update = |order| family(&zero, order).strategy()["rollingUpdate"].clone();
    assert_eq!(update(MoveOrder::SurgeFirst), json!({"maxSurge": 1, "maxUnavailable": 0}));
    assert_eq!(update(MoveOrder::DrainFirst), json!({"maxSurge": 0, "maxUnavailable": 1}));
}

#[test]
fn a_child_rolls_as_many_pods_at_a_time_as_the_target_would() {
    let own = json!({"rollingUpdate": {"maxSurge": "30%", "maxUnavailable": 2}});
    let update = |own: &Value, order| family(own, order).strategy()["rollingUpdate"].clone();
    let surge = update(&own, MoveOrder::SurgeFirst);
    assert_eq!(surge, json!({"maxSurge": "30%", "maxUnavailable": 2}));
    let drain = update(&own, MoveOrder::DrainFirst);
    assert_eq!(drain, json!({"maxSurge": 0, "maxUnavailable": 2}));
    let default = update(&json!({}), MoveOrder::SurgeFirst);
    assert_eq!(default, json!({"maxSurge": "25%", "maxUnavailable": "25%"}));
}

#[test]
fn a_childs_own_rolling_update_stays_within_the_ceiling() {
    let bounded = |total, max_consumers| {
        let own = family(&json!({}), MoveOrder::SurgeFirst);
        let family = Family { total, max_consumers: Some(max_consumers), ..own };
        family.strategy()["rollingUpdate"]["maxSurge"].clone()
    };
    assert_eq!([bounded(6, 6), bounded(6, 7), bounded(6, 8)], [json!(0), json!(1), json!("25%")]);
    assert_eq!([bounded(100, 100), bounded(100, 110)], [json!(0), json!(10)]);
}

#[test]
fn the_only_pod_of_a_group_that_drains_first_leaves_before_the_next_one_comes() {
    let own = || family(&json!({"type": "Recreate"}), MoveOrder::DrainFirst);
    assert_eq!(Family { total: 1, ..own() }.strategy(), json!({"type": "Recreate"}));
    assert_eq!(own().strategy()["type"], "RollingUpdate", "six never leave together");
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
