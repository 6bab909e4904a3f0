//! Checks `CanaryRollouts` in YAML offline: the fields of the CRD, the types, the rules.
//! Finds problems and their lines, and estimates what the steps can find; corrects nothing.

pub(crate) mod expected;
pub(crate) mod forecast;
mod language;
mod place;
pub(crate) mod words;

use serde::Deserialize;
use serde_json::Value;
use siskin_api::CanaryRollout;

use crate::lint::expected::Expected;
use crate::lint::forecast::Forecast;

/// Checks every `CanaryRollout` of a file; answers with them.
///
/// # Errors
/// Every problem, as `line N: field: problem; remedy`.
pub(crate) fn check(text: &str) -> Result<Vec<CanaryRollout>, Vec<String>> {
    let mut rollouts = Vec::new();
    let mut seen = 0;
    let mut found = Vec::new();
    for (index, document) in serde_yaml_ng::Deserializer::from_str(text).enumerate() {
        let object = Value::deserialize(document).map_err(|error| vec![error.to_string()])?;
        if object["kind"] != "CanaryRollout" {
            continue;
        }
        seen += 1;
        // Types first: without them there is nothing to apply rules to. Its own words name the
        // field and the line.
        let document = serde_yaml_ng::Deserializer::from_str(text).nth(index);
        match document.map(CanaryRollout::deserialize) {
            Some(Ok(rollout)) => {
                for (path, problem) in problems(&object, &rollout) {
                    let line = place::line(text, index, &path);
                    let line = line.map_or(String::new(), |it| format!("line {it}: "));
                    found.push(format!("{line}{path}: {problem}"));
                }
                rollouts.push(rollout);
            }
            Some(Err(error)) => found.push(error.to_string()),
            None => {}
        }
    }
    if seen == 0 {
        found.push("has no CanaryRollout".to_owned());
    }
    if found.is_empty() { Ok(rollouts) } else { Err(found) }
}

/// Estimates what the steps of each rollout can find in the expected group, and tells for which
/// rollouts it can't. Without an expected group: how to describe one.
pub(crate) fn estimates(rollouts: &[CanaryRollout], group: &Expected) -> (String, Vec<String>) {
    if !group.is_given() {
        let hint = "to estimate what its steps can find: --partitions P --rate R [--consumers N] [--metrics]\n";
        return (hint.to_owned(), Vec::new());
    }
    let mut text = String::new();
    let mut errors = Vec::new();
    for rollout in rollouts {
        match Forecast::of(rollout, group) {
            Ok(forecast) => text += &words::text(&forecast),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (text, errors)
}

/// Path and text of every problem of an object.
pub(crate) fn problems(object: &Value, rollout: &CanaryRollout) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if object["apiVersion"] != "siskin.dev/v1alpha1" {
        let problem = format!("is {}, want siskin.dev/v1alpha1", object["apiVersion"]);
        found.push(("apiVersion".to_owned(), problem));
    }
    if object["metadata"]["name"].as_str().is_none_or(str::is_empty) {
        found.push(("metadata.name".to_owned(), "is missing; name the rollout".to_owned()));
    }
    let wrong = rollout.spec.validate().err().unwrap_or_default().into_iter();
    found.extend(wrong.map(|it| (it.field, format!("{}; {}", it.problem, it.remedy))));
    for (path, problem) in language::problems(&rollout.spec.analysis) {
        // What is wrong with a field by the rules is wrong in its language, too: told once.
        if found.iter().all(|(told, _)| *told != path) {
            found.push((path, problem));
        }
    }
    if let Ok(crd) = serde_json::to_value(siskin_api::crd()) {
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        unknown(&schema["properties"]["spec"], &object["spec"], "spec", &mut found);
    }
    found
}

/// Finds fields that the schema doesn't have: misspelled ones would silently do nothing.
fn unknown(schema: &Value, value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    if let (Some(known), Some(fields)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match known.get(name) {
                Some(schema) => unknown(schema, value, &path, found),
                None => found.push((path, "is no field of a CanaryRollout".to_owned())),
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        unknown(&schema["items"], item, &format!("{path}[{index}]"), found);
    }
}
