//! Keys of templates and what a child adds to them, on small templates.
//! No API server is asked.

use super::*;

fn raw() -> Value {
    json!({
        "metadata": {
            "creationTimestamp": null,
            "labels": {"app": "orders"},
            "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"},
        },
        "spec": {"containers": [{"name": "c", "image": "i:1", "env": [{"name": "A", "value": "$(POD_NAME)"}]}]},
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut raw = raw();
    *raw.pointer_mut(pointer).expect("is there") = value;
    raw
}

#[test]
fn a_restart_is_no_new_version() {
    let mut other = raw();
    other["metadata"]["annotations"] = json!({});
    assert_eq!(PodTemplate::of(&raw()).revision(), PodTemplate::of(&other).revision());
}

#[test]
fn each_key_sees_what_it_should() {
    let before = PodTemplate::of(&raw());
    let label = PodTemplate::of(&with("/metadata/labels/app", json!("x")));
    let image = PodTemplate::of(&with("/spec/containers/0/image", json!("i:2")));
    let changed = |after: &PodTemplate, on| before.trial_key(on) != after.trial_key(on);
    assert!(changed(&label, CanaryOn::Template));
    assert!(!changed(&label, CanaryOn::PodSpec));
    assert!(!changed(&label, CanaryOn::ContainersOnly));
    assert!(changed(&image, CanaryOn::ContainersOnly));
    assert_ne!(before.revision(), label.revision());
}

#[test]
fn a_child_can_be_stripped_back_to_its_version() {
    let version = PodTemplate::of(&raw());
    for identity in [PodIdentity::Inject, PodIdentity::None] {
        let child = version.for_role(Role::Canary, identity, &Restarts::of(&raw()));
        assert_eq!(child["metadata"]["labels"][ROLE], "canary");
        assert!(!child["metadata"]["annotations"].is_null(), "restarts are carried over");
        assert_eq!(PodTemplate::of_child(&child, Role::Canary, identity), version);
    }
}

#[test]
fn the_users_own_variables_win_over_ours() {
    let own = json!([{"name": "POD_NAME", "value": "mine"}]);
    let version = PodTemplate::of(&with("/spec/containers/0/env", own.clone()));
    let child = version.for_role(Role::Primary, PodIdentity::Inject, &Restarts::default());
    let env = child["spec"]["containers"][0]["env"].as_array().expect("a list").clone();
    assert_eq!(env[1], own[0]);
    assert_eq!(env.iter().filter(|it| it["name"] == "POD_NAME").count(), 1);
}
