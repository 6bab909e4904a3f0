//! Keys of templates and what a child adds to them, on small templates.
//! No API server is asked.

use siskin_api::PodIdentity;
use siskin_decide::Revision;
use siskin_simulation::random::Random;

use super::*;
use crate::workloads::identity::Identity;
use crate::workloads::naming;

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
    assert_eq!(PodTemplate::of(&raw()), PodTemplate::of(&other));
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
    assert_ne!(before, label);
}

#[test]
fn metadata_that_says_nothing_is_none() {
    // Two releases of the API server write a template without metadata in these ways.
    let spec = json!({"containers": []});
    let ways = [
        json!({"spec": spec}),
        json!({"metadata": {}, "spec": spec}),
        json!({"metadata": {"creationTimestamp": null}, "spec": spec}),
        json!({"metadata": {"annotations": {"a.b/restartedAt": "x"}, "labels": {}}, "spec": spec}),
    ];
    for way in &ways {
        assert_eq!(PodTemplate::of(way), PodTemplate::of(&ways[0]), "{way}");
    }
}

/// What a spec may ask for: nothing, name and role, and further names, two of which some manifests have.
fn identities() -> [Identity; 4] {
    let names = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
        Identity::new(PodIdentity::Inject, &names)
    };
    [
        PodIdentity::Inject.into(),
        PodIdentity::None.into(),
        names(&["A"]),
        names(&["CLIENT_ID", "B", "A", "client.id", "E", "F", "G", "H"]),
    ]
}

const ROLES: [Role; 2] = [Role::Primary, Role::Canary];

/// Environments that name ours, refer to ours, or have the very entries that we would add.
fn env(dice: &mut Random) -> Value {
    let field = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}});
    let entries = [
        json!({"name": "POD_NAME", "valueFrom": field}),
        json!({"name": "POD_NAME", "value": "mine"}),
        json!({"name": "SISKIN_ROLE", "value": "primary"}),
        json!({"name": "SISKIN_ROLE", "value": "canary"}),
        json!({"name": "A", "value": "$(POD_NAME) < & >"}),
        json!({"name": "B"}),
        json!({"name": "CLIENT_ID", "valueFrom": field}),
    ];
    json!(
        (0..dice.below(4)).map(|_| entries[dice.index(entries.len())].clone()).collect::<Vec<_>>()
    )
}

fn containers(dice: &mut Random) -> Value {
    let container = |dice: &mut Random| {
        let mut it = json!({"name": format!("c{}", dice.below(9)), "image": "i"});
        if !dice.one_in(3) {
            it["env"] = env(dice);
        }
        it
    };
    json!((0..dice.below(4)).map(|_| container(dice)).collect::<Vec<_>>())
}

fn any_template(dice: &mut Random) -> Value {
    let mut template = json!({"spec": {"containers": containers(dice)}});
    if dice.one_in(2) {
        template["spec"]["initContainers"] = containers(dice);
    }
    if !dice.one_in(4) {
        let maps =
            [json!(null), json!({}), json!({"app": "orders"}), json!({"x/restartedAt": "1"})];
        let mut any = || maps[dice.index(maps.len())].clone();
        template["metadata"] = json!({"labels": any(), "annotations": any()});
    }
    template
}

#[test]
fn a_child_can_be_stripped_back_to_its_version_exactly() {
    let mut dice = Random::new(13);
    for _ in 0..3_000 {
        let raw = any_template(&mut dice);
        let version = PodTemplate::of(&raw);
        let name = naming::name_of(&version, &[]);
        for (role, identity) in ROLES.into_iter().flat_map(|it| identities().map(|id| (it, id))) {
            let injected = Injected::into(version.json(), &identity);
            let child = version.for_role(role, &injected, &Restarts::of(&raw));
            assert_eq!(child["metadata"]["labels"][ROLE], role_name(role));
            assert_eq!(PodTemplate::of_child(&child, &injected), version, "{child}");
            // What is remembered is a text on the child.
            let recorded = injected.to_string();
            assert_eq!(recorded.parse(), Ok(injected));
            assert_eq!(naming::running(&child, Some(&recorded), name), Some(version.clone()));
            let other = Revision(name.0 ^ 1);
            assert_eq!(naming::running(&child, Some(&recorded), other), None);
        }
    }
}

#[test]
fn what_the_first_release_injected_is_told_from_what_the_manifest_has() {
    let field = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}});
    let own = json!({"name": "POD_NAME", "valueFrom": field});
    let other = json!({"name": "A", "value": "$(POD_NAME)"});
    for env in [json!([own, other]), json!([other, own]), json!([other]), json!([own])] {
        let version = PodTemplate::of(&with("/spec/containers/0/env", env));
        let name = naming::name_of(&version, &[]);
        for identity in [PodIdentity::Inject, PodIdentity::None].map(Identity::from) {
            let injected = Injected::into(version.json(), &identity);
            let child = version.for_role(Role::Primary, &injected, &Restarts::default());
            assert_eq!(naming::running(&child, None, name), Some(version.clone()), "{child}");
        }
    }
}

#[test]
fn the_users_own_variables_win_over_ours() {
    let own = json!([{"name": "POD_NAME", "value": "mine"}]);
    let version = PodTemplate::of(&with("/spec/containers/0/env", own.clone()));
    let injected = Injected::into(version.json(), &PodIdentity::Inject.into());
    let child = version.for_role(Role::Primary, &injected, &Restarts::default());
    let env = child["spec"]["containers"][0]["env"].as_array().expect("a list").clone();
    assert_eq!(env[1], own[0]);
    assert_eq!(env.iter().filter(|it| it["name"] == "POD_NAME").count(), 1);
}

#[test]
fn a_further_name_gets_the_pods_name_unless_the_container_has_it() {
    let own = json!([{"name": "CLIENT_ID", "value": "mine"}, {"name": "A", "value": "$(SPRING)"}]);
    let version = PodTemplate::of(&json!({"spec": {"containers": [
        {"name": "c", "env": own}, {"name": "sidecar"}, {"name": "mesh", "envFrom": []},
    ]}}));
    let names = ["SPRING", "CLIENT_ID"].map(str::to_owned);
    let injected = Injected::into(version.json(), &Identity::new(PodIdentity::Inject, &names));
    assert_eq!(injected.to_string(), "/377;SPRING,CLIENT_ID;/010303");
    let child = version.for_role(Role::Primary, &injected, &Restarts::default());
    let env = |container: usize| child["spec"]["containers"][container]["env"].clone();
    let variables = |env: &Value| -> Vec<String> {
        let names = env.as_array().expect("a list").iter().map(|it| it["name"].as_str());
        names.map(|it| it.expect("a name").to_owned()).collect()
    };
    assert_eq!(variables(&env(0)), ["POD_NAME", "SISKIN_ROLE", "SPRING", "CLIENT_ID", "A"]);
    assert_eq!(env(0)[3], own[0], "what the manifest says stays");
    let field = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}});
    assert_eq!(env(0)[2], json!({"name": "SPRING", "valueFrom": field}));
    assert_eq!(variables(&env(1)), ["POD_NAME", "SISKIN_ROLE", "SPRING", "CLIENT_ID"]);
    assert_eq!(PodTemplate::of_child(&child, &injected), version);
}

#[test]
fn what_can_not_be_recorded_is_not_injected_and_no_other_text_is_a_record() {
    let names = ["A;B", "", "1", "POD_NAME", "SISKIN_ROLE", "A", "A"].map(str::to_owned);
    let only = Identity::new(PodIdentity::Inject, &["A".to_owned()]);
    assert_eq!(Identity::new(PodIdentity::Inject, &names), only);
    assert_eq!(
        Identity::new(PodIdentity::None, &["A".to_owned()]).with_names_of(&Injected::default()),
        PodIdentity::None.into()
    );
    for text in
        ["", "1", "9/", "1/1;A", "1/1;A;", "1/1;A;/0", "1/1;A;/0100", "1/1;A;01/01;", "1/1;A;/é1"]
    {
        assert!(text.parse::<Injected>().is_err(), "{text:?}");
    }
    let (text, plain) = ("4/33;A,B;01/0300", "/3");
    assert_eq!(text.parse::<Injected>().map(|it| it.to_string()), Ok(text.to_owned()));
    assert_eq!(plain.parse::<Injected>().map(|it| it.to_string()), Ok(plain.to_owned()));
}
