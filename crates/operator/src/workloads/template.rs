//! Pod templates as JSON: their keys, and what a child adds to them. Pure.
//! Works on JSON, not on typed structs: a field that this build does not know is kept, not lost.

use serde_json::{Map, Value, json};
use siskin_analysis::observation::Role;
use siskin_api::CanaryOn;
use siskin_api::annotations::ROLE;
use siskin_decide::TrialKey;

use crate::workloads::canonical::content_key;
use crate::workloads::identity::{Injected, role_name};

/// A pod template without what is no part of a version: nulls, restart annotations, our own label,
/// and metadata that says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct PodTemplate(Value);

impl PodTemplate {
    /// The version in a pod template as the API server returned it.
    #[must_use]
    pub fn of(raw: &Value) -> Self {
        let mut template = raw.clone();
        drop_nulls(&mut template);
        if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            keep(metadata, "annotations", |name| !is_restart(name));
            keep(metadata, "labels", |name| name != ROLE);
            if metadata.is_empty()
                && let Some(fields) = template.as_object_mut()
            {
                fields.remove("metadata");
            }
        }
        Self(template)
    }

    /// The JSON that is frozen.
    pub(crate) const fn json(&self) -> &Value {
        &self.0
    }

    /// Content key: first 128 bits of the SHA-256 of the canonical JSON.
    pub(crate) fn content_key(&self) -> u128 {
        content_key(&self.0)
    }

    /// Trial key: equal for templates between which `canary_on` asks for no trial.
    pub(crate) fn trial_key(&self, canary_on: CanaryOn) -> TrialKey {
        let spec = &self.0["spec"];
        TrialKey(match canary_on {
            CanaryOn::Template => content_key(&self.0),
            CanaryOn::PodSpec => content_key(spec),
            CanaryOn::ContainersOnly => {
                content_key(&json!([spec["containers"], spec["initContainers"]]))
            }
        })
    }

    /// The template of a child: the role as a label, what is injected, and the restart annotations
    /// that the target carries now.
    pub(crate) fn for_role(&self, role: Role, injected: &Injected, restarts: &Restarts) -> Value {
        let mut template = self.0.clone();
        let metadata = object(&mut template, "metadata");
        object_in(metadata, "labels").insert(ROLE.into(), role_name(role).into());
        if !restarts.0.is_empty() {
            let annotations = object_in(metadata, "annotations");
            annotations.extend(restarts.0.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        injected.add(&mut template, role);
        template
    }

    /// The version that a child runs, with what [`Self::for_role`] added taken off again.
    pub(crate) fn of_child(raw: &Value, injected: &Injected) -> Self {
        let mut template = raw.clone();
        injected.take_off(&mut template);
        Self::of(&template)
    }
}

/// Annotations that restart pods without changing what they run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restarts(Map<String, Value>);

impl Restarts {
    /// Restart annotations of a pod template as the API server returned it.
    #[must_use]
    pub fn of(raw: &Value) -> Self {
        let annotations = raw["metadata"]["annotations"].as_object();
        let restarts = annotations.into_iter().flatten().filter(|(key, _)| is_restart(key));
        Self(restarts.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// Whether everything in `part` is also in `whole`: what API server defaults may have added to.
pub(crate) fn contained(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, it)| whole.get(name).is_some_and(|other| contained(it, other)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(a, b)| contained(a, b))
        }
        (part, whole) => part == whole,
    }
}

/// Whether two templates are the same to the API server: nulls and absent fields are one.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    let (mut a, mut b) = (a.clone(), b.clone());
    drop_nulls(&mut a);
    drop_nulls(&mut b);
    a == b
}

/// `kubectl rollout restart` writes `kubectl.kubernetes.io/restartedAt`; other tools use the same
/// name under their own prefix.
fn is_restart(annotation: &str) -> bool {
    annotation.ends_with("/restartedAt")
}

/// Keeps some entries of a map of metadata; one that is empty says nothing, and goes.
fn keep(metadata: &mut Map<String, Value>, field: &str, wanted: impl Fn(&str) -> bool) {
    if let Some(entries) = metadata.get_mut(field).and_then(Value::as_object_mut) {
        entries.retain(|name, _| wanted(name));
        if entries.is_empty() {
            metadata.remove(field);
        }
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, it| !it.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn object<'a>(value: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(fields) => object_in(fields, field),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("made an object above")
        }
    }
}

fn object_in<'a>(fields: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let entry = fields.entry(field).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    match entry {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("made an object above")
        }
    }
}

#[cfg(test)]
mod tests;
