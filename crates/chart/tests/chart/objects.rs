//! Manifests as objects that can be compared: one for each kind, namespace and name.
//! What is left out of the comparison is left out here, and says why.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize as _;
use serde_json::Value;

/// Objects by kind, namespace and name.
pub type Objects = BTreeMap<String, Value>;

/// The objects of a text of YAML documents, each once.
pub fn objects(text: &str) -> Result<Objects> {
    let mut objects = Objects::new();
    for document in serde_yaml_ng::Deserializer::from_str(text) {
        let object = Value::deserialize(document)?;
        if object.is_null() {
            continue;
        }
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or("-");
        let kind = object["kind"].as_str().context("an object without a kind")?;
        let name = metadata["name"].as_str().context("an object without a name")?;
        let key = format!("{kind} {namespace}/{name}");
        let earlier = objects.insert(key.clone(), object);
        ensure!(earlier.is_none(), "{key} is there twice");
    }
    Ok(objects)
}

/// Labels that say from which release an object is: kustomize has none.
pub const OF_A_RELEASE: [&str; 4] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
];

/// Without what the two ways of installing differ in on purpose.
pub fn comparable(mut objects: Objects) -> Objects {
    // Helm makes it with --create-namespace, and does not own it.
    objects.retain(|key, _| !key.starts_with("Namespace "));
    // What `helm test` makes, and removes again.
    objects.retain(|_, it| it["metadata"]["annotations"]["helm.sh/hook"].is_null());
    for object in objects.values_mut() {
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            // A word to Helm alone.
            annotations.remove("helm.sh/resource-policy");
        }
        for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
            if let Some(labels) = object.pointer_mut(labels).and_then(Value::as_object_mut) {
                labels.retain(|key, _| !OF_A_RELEASE.contains(&key.as_str()));
            }
        }
        let empty = |it: &Value| it.as_object().is_some_and(serde_json::Map::is_empty);
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.retain(|_, value| !empty(value));
        }
    }
    objects
}

/// What differs, with the path of each place; nothing if they are equal.
pub fn differences(chart: &Objects, overlay: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    for key in overlay.keys().filter(|it| !chart.contains_key(*it)) {
        found.push(format!("only the overlay has {key}"));
    }
    for (key, object) in chart {
        match overlay.get(key) {
            None => found.push(format!("only the chart has {key}")),
            Some(other) => compare(object, other, key, &mut found),
        }
    }
    found
}

fn compare(chart: &Value, overlay: &Value, path: &str, found: &mut Vec<String>) {
    if let (Some(ours), Some(theirs)) = (chart.as_object(), overlay.as_object()) {
        let keys = ours.keys().chain(theirs.keys().filter(|it| !ours.contains_key(*it)));
        for key in keys {
            compare(&chart[key], &overlay[key], &format!("{path} .{key}"), found);
        }
    } else if let (Some(ours), Some(theirs)) = (chart.as_array(), overlay.as_array())
        && ours.len() == theirs.len()
    {
        for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            compare(ours, theirs, &format!("{path} [{place}]"), found);
        }
    } else if !is_same(chart, overlay) {
        found.push(format!("{path}\n    chart   {chart}\n    overlay {overlay}"));
    }
}

/// Kustomize writes 100.0 as 100.
fn is_same(chart: &Value, overlay: &Value) -> bool {
    chart == overlay || chart.as_f64().is_some_and(|it| Some(it) == overlay.as_f64())
}
