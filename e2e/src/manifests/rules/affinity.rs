//! Rules of selectors and of what pods want to be near to.
//! No pod is placed by them: all are put on a node directly.

use serde_json::{Value, json};

use super::parts::{each, everywhere, keep_different, remove};

/// Operators have the values that they compare with; keys of labels are taken from pods that are selected.
pub(super) fn obey(spec: &mut Value) {
    everywhere(spec, "matchExpressions", &mut |list| list_of_requirements(list));
    everywhere(spec, "matchFields", &mut |list| {
        for requirement in list.as_array_mut().into_iter().flatten() {
            let operator = if requirement["operator"] == "NotIn" { "NotIn" } else { "In" };
            *requirement =
                json!({"key": "metadata.name", "operator": operator, "values": ["fake-1"]});
        }
    });
    for list in ["podAffinity", "podAntiAffinity"] {
        everywhere(spec, list, &mut |affinity| {
            for term in each(affinity, "requiredDuringSchedulingIgnoredDuringExecution") {
                label_keys(term);
            }
            everywhere(affinity, "podAffinityTerm", &mut label_keys);
        });
    }
    for constraint in each(spec, "topologySpreadConstraints") {
        label_keys(constraint);
    }
}

fn list_of_requirements(list: &mut Value) {
    for requirement in list.as_array_mut().into_iter().flatten() {
        match requirement["operator"].as_str() {
            Some("Exists" | "DoesNotExist") => remove(requirement, &["values"]),
            Some("Gt" | "Lt") => requirement["values"] = json!(["7"]),
            Some(_) | None => {
                if requirement["values"].as_array().is_none_or(Vec::is_empty) {
                    requirement["values"] = json!(["v"]);
                }
            }
        }
    }
}

/// A key is matched or mismatched once, and is none that the selector has.
fn label_keys(term: &mut Value) {
    let mut any = false;
    for list in ["matchLabelKeys", "mismatchLabelKeys"] {
        keep_different(term.get_mut(list), Value::clone);
        for key in each(term, list) {
            *key = json!(format!("{}/{}", list.to_lowercase(), key.as_str().unwrap_or_default()));
            any = true;
        }
    }
    if any && term.get("labelSelector").is_none() {
        term["labelSelector"] = json!({});
    }
    keep_different(term.get_mut("namespaces"), Value::clone);
}
