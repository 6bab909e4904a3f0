//! Objects as JSON, YAML or names, for other programs; and text to standard output.
//! Leaves out nothing but who manages which field.

use std::io::Write as _;

use kube::ResourceExt as _;
use serde_json::{Value, json};
use siskin_api::CanaryRollout;

use crate::options::live::OutputForm;

/// One object, as itself.
pub(crate) fn one(rollout: &CanaryRollout, form: OutputForm) -> String {
    match form {
        OutputForm::Name => name(rollout),
        OutputForm::Json | OutputForm::Yaml => formed(&object(rollout), form),
    }
}

/// Several objects, as a list.
pub(crate) fn many(rollouts: &[CanaryRollout], form: OutputForm) -> String {
    let items: Vec<Value> = rollouts.iter().map(object).collect();
    match form {
        OutputForm::Name => rollouts.iter().map(name).collect(),
        OutputForm::Json | OutputForm::Yaml => {
            formed(&json!({"apiVersion": "v1", "kind": "List", "items": items}), form)
        }
    }
}

fn name(rollout: &CanaryRollout) -> String {
    format!("canaryrollout.siskin.dev/{}\n", rollout.name_any())
}

fn object(rollout: &CanaryRollout) -> Value {
    let mut rollout = rollout.clone();
    rollout.metadata.managed_fields = None;
    serde_json::to_value(&rollout).unwrap_or_default()
}

fn formed(value: &Value, form: OutputForm) -> String {
    match form {
        OutputForm::Yaml => serde_yaml_ng::to_string(value).unwrap_or_default(),
        OutputForm::Json | OutputForm::Name => format!("{value:#}\n"),
    }
}

/// Prints; whether somebody still reads. `| head` closes the pipe, which is no failure.
pub(crate) fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}
