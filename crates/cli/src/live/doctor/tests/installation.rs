//! Definitions, operator, Lease and policies: each fault told once, with its remedy.
//! The policies are those of `config/`.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::Deserialize as _;
use serde_json::{Value, json};
use siskin_api::Crd;

use super::has;
use crate::cluster::look::Look;
use crate::live::doctor::diagnosis::{Diagnosis, Severity};
use crate::live::doctor::operator::{self, LeaseLook};
use crate::live::doctor::policies::{self, PolicyKind, PolicyLook, SETS};
use crate::live::doctor::{WRITES, definitions};

const USER: &str = "system:serviceaccount:siskin-system:siskin";

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}

fn established(change: impl FnOnce(&mut Value)) -> Look<Option<CustomResourceDefinition>> {
    let mut crd = serde_json::to_value(Crd::Rollout.definition()).expect("JSON");
    let condition = json!({"type": "Established", "status": "True", "reason": "a", "message": ""});
    crd["status"] = json!({"conditions": [condition]});
    change(&mut crd);
    Look::Read(Some(object(crd)))
}

#[test]
fn a_definition_is_there_served_and_of_this_build() {
    let schema = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties";
    let remove = |it: &mut Value| {
        let fields = it.pointer_mut(schema).and_then(Value::as_object_mut).expect("fields");
        fields.remove("observedTarget").expect("it was there");
    };
    let add = |it: &mut Value| {
        it.pointer_mut(schema).expect("fields")["moon"] = json!({"type": "string"});
    };
    let name = "definition canaryrollouts.siskin.dev";
    for (look, severity, text) in [
        (established(|_| {}), Severity::Fine, "has the fields of this build"),
        (Look::Read(None), Severity::Wrong, "does not exist"),
        (Look::Refused("no right".to_owned()), Severity::Unchecked, ", since no right"),
        (established(remove), Severity::Wrong, "it lacks status.observedTarget, and"),
        (established(add), Severity::Note, "newer than this program: it has status.moon"),
        (established(|it| it["status"] = json!(null)), Severity::Wrong, "is not served"),
        (
            established(|it| it["spec"]["versions"][0]["name"] = json!("v1")),
            Severity::Wrong,
            "does not serve the version",
        ),
    ] {
        let found = definitions::of(Crd::Rollout, &look);
        assert_eq!(found.severity, severity, "{}", found.text);
        assert!(found.text.starts_with(name) && found.text.contains(text), "{}", found.text);
    }
}

fn pod(name: &str, image: &str, ready: &str) -> Pod {
    object(json!({
        "metadata": {"name": name, "namespace": "siskin-system"},
        "spec": {"serviceAccountName": "siskin", "containers": [{"name": "siskin", "image": image}]},
        "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{
                "name": "siskin", "image": image, "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ImagePullBackOff"}},
            }],
        },
    }))
}

#[test]
fn pods_of_the_operator_are_told_by_readiness_image_and_version() {
    let same = format!("r.example/siskin:{}-amd64", env!("CARGO_PKG_VERSION"));
    let digest = "r.example:5000/siskin@sha256:00";
    let pods = |it: Vec<Pod>| operator::pods("siskin-system", &Look::Read(it));
    let fine = pods(vec![pod("a", &same, "True"), pod("b", &same, "True")]);
    assert_eq!(fine, [Diagnosis::fine(format!("operator: 2 of 2 pods ready, {same}"))]);
    assert_eq!(pods(vec![pod("a", digest, "True")]).len(), 1, "a digest tells no version");
    let mut gone = pod("a", &same, "False");
    gone.metadata.deletion_timestamp = object(json!("2026-01-01T00:00:00Z"));
    for (found, severity, text, remedy) in [
        (
            pods(Vec::new()),
            Severity::Wrong,
            "no pod of an operator in namespace siskin-system",
            "--operator-namespace",
        ),
        (pods(vec![gone]), Severity::Wrong, "no pod of an operator", "docs/install.md"),
        (
            pods(vec![pod("a", &same, "False")]),
            Severity::Wrong,
            "pod a of the operator is not ready (siskin: ImagePullBackOff)",
            "kubectl -n siskin-system logs a",
        ),
        (
            pods(vec![pod("a", &same, "True"), pod("b", digest, "True")]),
            Severity::Note,
            "run different images",
            "rollout status",
        ),
        (
            pods(vec![pod("a", "siskin:v9.8.7", "True")]),
            Severity::Note,
            "the operator is of version 9.8.7, this program of",
            "use the plugin of the operator's version",
        ),
    ] {
        assert!(has(&found, severity, text, remedy), "{text}: {found:?}");
    }
}

fn held(by: &str, renewed: &str) -> Option<Lease> {
    let spec = json!({"holderIdentity": by, "leaseDurationSeconds": 15, "renewTime": renewed});
    object(json!({"metadata": {"name": "siskin-operator"}, "spec": spec}))
}

#[test]
fn a_lease_is_held_and_renewed_whatever_the_clocks_say() {
    let now: Timestamp = "2026-01-01T00:10:00Z".parse().expect("a time");
    let (fresh, old) = ("2026-01-01T00:09:50.000000Z", "2026-01-01T00:00:00.000000Z");
    let pod = "siskin-6d_5f_0badcafe";
    let look = |first, again| Look::Read(LeaseLook { first, again });
    for (look, severity, text) in [
        (look(held(pod, fresh), None), Severity::Fine, "siskin-6d_5f leads; Lease"),
        (look(None, None), Severity::Wrong, "no operator has ever led"),
        (
            look(held("", fresh), None),
            Severity::Wrong,
            "nobody holds Lease siskin-system/siskin-operator",
        ),
        (
            look(held(pod, old), held(pod, old)),
            Severity::Wrong,
            "seen not to renew it: last 10m ago, for 15 s",
        ),
        (
            look(held(pod, old), held(pod, "2026-01-01T00:00:05.000000Z")),
            Severity::Note,
            "by a clock that is not this machine's",
        ),
        (
            Look::Refused("no right".to_owned()),
            Severity::Unchecked,
            "whether an operator leads, since no right",
        ),
    ] {
        let found = operator::lease("siskin-system", &look, now);
        assert_eq!(found.severity, severity, "{}", found.text);
        assert!(found.text.contains(text), "{}", found.text);
    }
    let lease = look(held(pod, fresh), None);
    let known = Look::Read(vec![self::pod("siskin-6d_5f", "siskin", "True")]);
    let others = Look::Read(vec![self::pod("other", "siskin", "True")]);
    assert_eq!(operator::stranger(&lease, &known), None);
    assert!(operator::stranger(&lease, &others).is_some());
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Objects of a kind in a folder of `config/`.
fn of_folder(folder: &str, kind: &str) -> Vec<DynamicObject> {
    let all = std::fs::read_dir(repository().join(folder)).expect("a folder");
    let paths = all.map(|it| it.expect("a file").path()).filter(|it| it.is_file());
    let texts = paths.map(|it| std::fs::read_to_string(it).expect("text"));
    let mut found = Vec::new();
    for text in texts {
        let objects = serde_yaml_ng::Deserializer::from_str(&text).map(Value::deserialize);
        let objects = objects.map(|it| it.expect("YAML")).filter(|it| it["kind"] == kind);
        found.extend(objects.map(object::<DynamicObject>));
    }
    found
}

fn installed(folders: &[&str]) -> Vec<PolicyLook> {
    let all =
        |kind: &str| Look::Read(Some(folders.iter().flat_map(|it| of_folder(it, kind)).collect()));
    let look = |kind: PolicyKind| PolicyLook {
        kind,
        policies: all(kind.name()),
        bindings: all(&format!("{}Binding", kind.name())),
    };
    PolicyKind::ALL.map(look).into()
}

#[test]
fn sets_are_those_of_config_and_bound() {
    let mut folders = BTreeSet::new();
    for set in &SETS {
        let there: BTreeSet<String> =
            of_folder(set.folder, set.kind.name()).iter().map(ResourceExt::name_any).collect();
        assert_eq!(there, set.names.iter().map(|&it| it.to_owned()).collect(), "{}", set.folder);
        folders.insert(set.folder);
    }
    let found = policies::of(&installed(&Vec::from_iter(folders)), Some(USER));
    assert_eq!(found.len(), SETS.len());
    assert!(found.iter().all(|it| it.severity == Severity::Fine), "{found:?}");
}

#[test]
fn what_is_missing_of_the_policies_is_told_with_what_that_means() {
    let none = policies::of(&installed(&[]), Some(USER));
    assert!(has(
        &none,
        Severity::Note,
        "config/guard is not installed: a Deployment",
        "kubectl apply -k config/guard"
    ));
    assert!(has(&none, Severity::Note, "config/policies is not installed: whoever may", ""));
    let mut old = installed(&[]);
    old[0].policies = Look::Read(None);
    assert!(has(
        &policies::of(&old, Some(USER)),
        Severity::Note,
        "config/stamp is not",
        "takes Kubernetes 1.36"
    ));
    let mut closed = installed(&["config/policies"]);
    closed[1].bindings = Look::Refused("no right".to_owned());
    assert!(has(
        &policies::of(&closed, Some(USER)),
        Severity::Unchecked,
        "config/policies, since no right",
        ""
    ));

    let mut part = installed(&["config/policies"]);
    if let Look::Read(Some(all)) = &mut part[1].policies {
        all.retain(|it| it.name_any() != "siskin-leash");
    }
    let found = policies::of(&part, Some(USER));
    assert!(has(
        &found,
        Severity::Wrong,
        "config/policies is there in part, without siskin-leash",
        "apply -k"
    ));
    let mut unbound = installed(&["config/guard"]);
    unbound[0].bindings = Look::Read(Some(Vec::new()));
    let found = policies::of(&unbound, Some(USER));
    assert!(has(&found, Severity::Wrong, "policy siskin-drain has no binding", ""), "{found:?}");

    let other = "system:serviceaccount:flow:siskin";
    let found = policies::of(&installed(&["config/policies", "config/guard"]), Some(other));
    for name in ["siskin-drain", "siskin-deputy", "siskin-leash", "siskin-images"] {
        let text = format!("policy {name} takes {USER} for the operator, which writes as {other}");
        assert!(has(&found, Severity::Wrong, &text, "/parameters.yaml"), "{name}");
    }
    assert!(!found.iter().any(|it| it.text.contains("siskin-commands takes")), "it names nobody");
    assert!(has(
        &policies::of(&installed(&[]), None),
        Severity::Unchecked,
        "name the operator's user",
        ""
    ));
}

#[test]
fn rights_that_are_asked_for_are_those_of_the_operator() {
    let mut missing = Vec::new();
    let all = of_folder("config/multi-tenant", "ClusterRole");
    let role = all.iter().find(|it| it.name_any() == "siskin-tenant").expect("a role");
    for right in WRITES {
        let end = if right.subresource.is_empty() { "" } else { "/" };
        let resource = format!("{}{end}{}", right.resource, right.subresource);
        let names = |list: &Value, name: &str| {
            list.as_array().is_some_and(|it| it.iter().any(|it| *it == name))
        };
        let grants = |rule: &Value| {
            names(&rule["apiGroups"], right.group)
                && names(&rule["resources"], &resource)
                && names(&rule["verbs"], right.verb)
        };
        let rules = role.data["rules"].as_array().expect("rules");
        if !rules.iter().any(grants) {
            missing.push(right);
        }
    }
    assert_eq!(missing, []);
}
