//! Children as they should be, compared with what an API server would show.
//! No API server is asked.

use siskin_api::PodIdentity;

use super::*;

/// The children of a target with six pods.
pub(crate) fn family(strategy: &Value, order: MoveOrder) -> Family {
    let quarter = DeploymentStrategy::DEFAULT;
    let recreates = strategy["type"] == "Recreate";
    Family {
        max_consumers: None,
        own: if recreates { DeploymentStrategy::Recreate } else { quarter },
        total: 6,
        target: "orders".into(),
        identity: PodIdentity::None.into(),
        restarts: Restarts::default(),
        order,
        labels: [("team".to_owned(), "payments".to_owned())].into(),
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
        None,
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
    let child = family(&json!({}), MoveOrder::SurgeFirst).child(
        Role::Primary,
        Revision(7),
        &template(),
        None,
    );
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

/// A child as the API server shows what was written: with defaults, and what others have added.
fn shown(child: &Child) -> Value {
    let mut live = json!({
        "metadata": {"labels": child.labels, "annotations": child.annotations},
        "spec": child.spec,
    });
    live["metadata"]["labels"]["scanned"] = json!("by-a-policy");
    live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("1");
    for (field, default) in TAKEN_OVER {
        if live["spec"].get(field).is_none() && default != 0 {
            live["spec"][field] = json!(default);
        }
    }
    live
}

fn child_of(family: &Family) -> Child {
    family.child(Role::Primary, Revision(7), &template(), None)
}

#[test]
fn children_carry_the_labels_of_the_target() {
    let child = child_of(&family(&json!({}), MoveOrder::SurgeFirst));
    assert_eq!(child.labels["team"], "payments");
    assert_eq!(child.labels[ROLE], "primary");
    let mut live = shown(&child);
    assert_eq!(child.compare(&live), Difference::None);
    live["metadata"]["labels"]["team"] = json!("else");
    assert_eq!(child.compare(&live), Difference::Real);
}

#[test]
fn a_label_that_the_target_has_lost_goes_from_its_children_and_one_of_a_policy_stays() {
    let mut family = family(&json!({}), MoveOrder::SurgeFirst);
    let mut live = shown(&child_of(&family));
    family.labels = [("tier".to_owned(), "worker".to_owned())].into();
    assert_eq!(child_of(&family).gone_labels(&live), ["team"]);
    assert_eq!(child_of(&family).compare(&live), Difference::Real);

    family.labels.clear();
    let bare = child_of(&family);
    assert!(bare.has_stale_memory(&live));
    assert_eq!(bare.compare(&live), Difference::Real);
    live["metadata"]["labels"].as_object_mut().expect("labels").remove("team");
    live["metadata"]["annotations"].as_object_mut().expect("them").remove(TAKEN_LABELS);
    assert_eq!(bare.compare(&live), Difference::None, "no write is left to make");
}

#[test]
fn a_field_that_the_target_has_lost_goes_from_its_children_and_a_default_does_not() {
    let mut family = family(&json!({}), MoveOrder::SurgeFirst);
    for (field, _) in TAKEN_OVER {
        family.spec[field] = json!(7);
    }
    let live = shown(&child_of(&family));
    assert_eq!(child_of(&family).compare(&live), Difference::None);
    for (field, _) in TAKEN_OVER {
        family.spec.as_object_mut().expect("a spec").remove(field);
    }
    let bare = child_of(&family);
    assert_eq!(bare.gone_fields(&live), TAKEN_OVER.map(|(field, _)| field));
    assert_eq!(bare.compare(&live), Difference::Real);
    assert_eq!(bare.compare(&shown(&bare)), Difference::None, "no write is left to make");
}

/// A child of this family as it is once it was written.
fn written(family: &Family, revision: Revision, live: Option<&DynamicObject>) -> DynamicObject {
    let template = PodTemplate::of(&json!({"spec": {"containers": [{"name": "c"}]}}));
    let Child { labels, annotations, spec } =
        family.child(Role::Primary, revision, &template, live);
    serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "orders-primary", "labels": labels, "annotations": annotations},
        "spec": spec,
    }))
    .expect("a Deployment")
}

fn variables(child: &DynamicObject) -> Vec<&str> {
    let env = &child.data["spec"]["template"]["spec"]["containers"][0]["env"];
    env.as_array().into_iter().flatten().filter_map(|it| it["name"].as_str()).collect()
}

#[test]
fn other_names_of_variables_come_with_the_next_version_or_restart_and_replace_no_pod_alone() {
    let asks = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
        let identity = Identity::new(PodIdentity::Inject, &names);
        Family { identity, ..family(&json!({}), MoveOrder::SurgeFirst) }
    };
    let (before, mut after) = (asks(&["A"]), asks(&["B"]));
    let runs = written(&before, Revision(1), None);
    assert_eq!(variables(&runs), ["POD_NAME", "SISKIN_ROLE", "A"]);
    let same = written(&after, Revision(1), Some(&runs));
    assert_eq!((&same.data, same.annotations()), (&runs.data, runs.annotations()));
    let next = written(&after, Revision(2), Some(&runs));
    assert_eq!(variables(&next), ["POD_NAME", "SISKIN_ROLE", "B"]);
    assert_eq!(variables(&written(&after, Revision(2), Some(&next))), variables(&next));
    let restart = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "1"}}});
    after.restarts = Restarts::of(&restart);
    let restarted = written(&after, Revision(1), Some(&runs));
    assert_eq!(variables(&restarted), ["POD_NAME", "SISKIN_ROLE", "B"]);
    let again = written(&after, Revision(1), Some(&restarted));
    assert_eq!(again.data, restarted.data, "and stays");
    // None is a switch of its own: what it takes away it takes away at once, as before.
    let none = Family { identity: PodIdentity::None.into(), ..asks(&[]) };
    assert_eq!(variables(&written(&none, Revision(1), Some(&runs))), Vec::<&str>::new());
}
