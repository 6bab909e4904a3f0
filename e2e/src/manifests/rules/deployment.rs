//! Rules of a Deployment around its template.
//! The template itself is the other rules' business.

use serde_json::{Value, json};

use super::parts::remove;

/// The selector selects the template's labels and no other Deployment's pods; a strategy makes some progress.
pub(super) fn obey(deployment: &mut Value, name: &str) {
    deployment["spec"]["template"]["metadata"]["labels"]["app"] = json!(name);
    let spec = &mut deployment["spec"];
    spec["replicas"] = json!(1);
    select(&mut spec["selector"], name);
    if let Some(strategy) = spec.get_mut("strategy") {
        roll(strategy);
    }
}

/// A Deployment that recreates rolls nothing; one that rolls moves one pod at least.
fn roll(strategy: &mut Value) {
    if strategy["type"] == "Recreate" {
        remove(strategy, &["rollingUpdate"]);
    }
    let stands = |it: &Value| *it == json!(0) || *it == json!("0%");
    if let Some(rolling) = strategy.get_mut("rollingUpdate")
        && stands(&rolling["maxSurge"])
        && stands(&rolling["maxUnavailable"])
    {
        rolling["maxUnavailable"] = json!("1%");
    }
}

/// Keeps what kinds of requirements a selector has.
fn select(selector: &mut Value, name: &str) {
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let operators = expressions.into_iter().flatten().map(|it| it["operator"].clone());
    let requirement = |operator: Value| match operator.as_str() {
        Some("NotIn") => json!({"key": "tier", "operator": operator, "values": ["x", "y"]}),
        Some("DoesNotExist") => json!({"key": "example.com/none", "operator": operator}),
        Some("Exists") => json!({"key": "app", "operator": operator}),
        Some(_) | None => json!({"key": "app", "operator": "In", "values": [name, "other"]}),
    };
    let expressions: Vec<_> = operators.map(requirement).collect();
    let alone = expressions.iter().any(|it| it["operator"] == "In");
    let labels = selector.get("matchLabels").is_some();
    *selector = json!({});
    if labels || !alone {
        selector["matchLabels"] = json!({"app": name});
    }
    if !expressions.is_empty() {
        selector["matchExpressions"] = json!(expressions);
    }
}
