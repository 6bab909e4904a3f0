//! What an API server would have against a Deployment, as far as it can be told without one. It shares no code with the
//! rules by which Deployments are generated: what these forget, it tells.

mod containers;
mod parts;
mod pod;
mod quantity;
mod types;

use serde_json::{Value, json};

use crate::manifests::schema::Schemas;
use crate::manifests::written::written;
use parts::list;

/// Everything that is wrong, in words that begin with the place.
pub(super) fn faults(schemas: &Schemas, deployment: &Value) -> Vec<String> {
    let mut found = Vec::new();
    types::faults(schemas, deployment, &mut found);
    let spec = &deployment["spec"];
    around_the_template(spec, &mut found);
    pod::faults(&spec["template"]["spec"], &mut found);
    containers::faults(&spec["template"]["spec"], &mut found);
    found
}

fn around_the_template(spec: &Value, found: &mut Vec<String>) {
    let (selector, labels) = (&spec["selector"], &spec["template"]["metadata"]["labels"]);
    let wanted = selector["matchLabels"].as_object();
    let expressions = list(&selector["matchExpressions"]);
    if wanted.is_none_or(serde_json::Map::is_empty) && expressions.is_empty() {
        found.push("selector: selects everything".into());
    }
    let equal = wanted.into_iter().flatten().all(|(key, value)| labels[key] == *value);
    if !equal || !expressions.iter().all(|it| meets(it, labels)) {
        found.push("selector: does not select its own pods".into());
    }
    let (strategy, none) = (&spec["strategy"], [json!(0), json!("0%")]);
    if strategy["type"] == "Recreate" && strategy["rollingUpdate"].is_object() {
        found.push("strategy: recreates and rolls".into());
    }
    let rolling = &strategy["rollingUpdate"];
    if none.contains(&rolling["maxSurge"]) && none.contains(&rolling["maxUnavailable"]) {
        found.push("strategy: moves nothing".into());
    }
    let seconds = |name: &str, default: i64| spec[name].as_i64().unwrap_or(default);
    if seconds("progressDeadlineSeconds", 600) <= seconds("minReadySeconds", 0) {
        found.push("progressDeadlineSeconds: no pod is ready for long enough".into());
    }
}

/// Whether labels are as a selector's requirement wants them.
fn meets(requirement: &Value, labels: &Value) -> bool {
    let label = requirement["key"].as_str().map_or(&Value::Null, |key| &labels[key]);
    let among = list(&requirement["values"]).contains(label);
    match requirement["operator"].as_str() {
        Some("In") => among,
        Some("NotIn") => !among,
        Some("Exists") => label.is_string() && requirement["values"].is_null(),
        Some("DoesNotExist") => label.is_null() && requirement["values"].is_null(),
        Some(_) | None => false,
    }
}

/// A Deployment without a fault, with two containers and two volumes.
fn sound() -> Value {
    let all = written().expect("they can be read");
    let sound = all.into_iter().find(|it| it["metadata"]["name"] == "ledger-writer");
    sound.expect("the one that has some of everything")
}

/// A value put into the sound Deployment, and the fault that is told then.
type Case = (&'static str, Value, &'static str);

fn all_are_told(within: &str, cases: impl IntoIterator<Item = Case>) {
    let schemas = Schemas::recorded();
    assert_eq!(faults(&schemas, &sound()), Vec::<String>::new());
    for (place, value, told) in cases {
        let mut broken = sound();
        let place = format!("{within}{place}");
        let (parent, field) = place.rsplit_once('/').unwrap_or_default();
        broken.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"))[field] = value;
        let found = faults(&schemas, &broken);
        assert!(found.iter().any(|it| it.contains(told)), "{place}: {found:?}");
    }
}

#[test]
fn each_fault_around_a_template_is_told() {
    let cases: [Case; 8] = [
        ("/spec/selector/matchLabels/app", json!("other"), "selector: does not select"),
        ("/spec/selector/matchExpressions/0/values", json!(["x"]), "selector: does not select"),
        ("/spec/selector", json!({}), "selector: selects everything"),
        ("/spec/strategy/type", json!("Recreate"), "strategy: recreates"),
        (
            "/spec/strategy/rollingUpdate",
            json!({"maxSurge": 0, "maxUnavailable": "0%"}),
            "strategy: moves",
        ),
        ("/spec/minReadySeconds", json!(900), "progressDeadlineSeconds"),
        ("/spec/replicas", json!("2"), "spec.replicas: no integer"),
        ("/spec/replica", json!(2), "spec.replica: unknown"),
    ];
    all_are_told("", cases);
}

#[test]
fn each_fault_of_a_pod_is_told() {
    let cases: [Case; 19] = [
        ("/containers/0/name", Value::Null, "name: missing"),
        ("/containers/0/name", json!("sidecar"), "containers: two are the same"),
        ("/containers/0/name", json!("A_b"), "containers: no name"),
        ("/containers/0/image", json!(""), "image: none"),
        ("/containers/0/env/0/valueFrom", json!({}), "env: not one source"),
        ("/containers/0/env/1/value", json!("x"), "env: a value from two places"),
        ("/containers/0/ports/0/name", json!("metrics"), "ports: two are the same"),
        ("/containers/0/volumeMounts/0/name", json!("other"), "volumeMounts: other is no volume"),
        ("/containers/0/volumeMounts/0/mountPath", json!("/tmp"), "volumeMounts: two are the same"),
        ("/containers/0/livenessProbe/successThreshold", json!(2), "livenessProbe: passed by more"),
        (
            "/containers/0/livenessProbe/tcpSocket",
            json!({"port": 1}),
            "livenessProbe: not one handler",
        ),
        ("/containers/0/resources/requests/cpu", json!("3000m"), "resources: more cpu"),
        ("/containers/0/resources/requests/cpu", json!("lots"), "no quantity"),
        ("/initContainers/0/restartPolicy", json!("Never"), "initContainers: probes"),
        ("/volumes/0/emptyDir", json!({}), "volumes: not one source"),
        ("/volumes/1/name", json!("settings"), "volumes: two are the same"),
        ("/restartPolicy", json!("Never"), "restartPolicy"),
        ("/tolerations/0/value", json!("x"), "tolerations: a value"),
        (
            "/securityContext/windowsOptions",
            json!({"runAsUserName": "x"}),
            "securityContext: of Windows",
        ),
    ];
    all_are_told("/spec/template/spec", cases);
}
