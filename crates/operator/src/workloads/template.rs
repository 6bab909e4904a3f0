//! Pod templates as JSON: their keys, and what a child adds to them. Pure.
//! Works on JSON, not on typed structs: a field that this build does not know is kept, not lost.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use siskin_analysis::observation::Role;
use siskin_api::annotations::{ENV_POD_NAME, ENV_ROLE, ROLE, ROLE_CANARY, ROLE_PRIMARY};
use siskin_api::{CanaryOn, PodIdentity};

use siskin_decide::{Revision, TrialKey};

/// A pod template without what is no part of a version: restart annotations, nulls.
#[derive(Clone, Debug, PartialEq)]
pub struct PodTemplate(Value);

impl PodTemplate {
    /// The version in a pod template as the API server returned it.
    #[must_use]
    pub fn of(raw: &Value) -> Self {
        let mut template = raw.clone();
        drop_nulls(&mut template);
        if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            let empty = metadata.get_mut("annotations").and_then(Value::as_object_mut).is_some_and(
                |annotations| {
                    annotations.retain(|key, _| !is_restart(key));
                    annotations.is_empty()
                },
            );
            if empty {
                metadata.remove("annotations");
            }
        }
        Self(template)
    }

    /// The JSON that is frozen.
    pub(crate) const fn json(&self) -> &Value {
        &self.0
    }

    /// Content key: the name of this template.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision(key_of(&self.0))
    }

    /// Trial key: equal for templates between which `canary_on` asks for no trial.
    pub(crate) fn trial_key(&self, canary_on: CanaryOn) -> TrialKey {
        let spec = &self.0["spec"];
        TrialKey(match canary_on {
            CanaryOn::Template => key_of(&self.0),
            CanaryOn::PodSpec => key_of(spec),
            CanaryOn::ContainersOnly => {
                key_of(&json!([spec["containers"], spec["initContainers"]]))
            }
        })
    }

    /// The template of a child: the role as a label, in the environment if asked, and the restart
    /// annotations that the target carries now.
    pub(crate) fn for_role(&self, role: Role, identity: PodIdentity, restarts: &Restarts) -> Value {
        let mut template = self.0.clone();
        let metadata = object(&mut template, "metadata");
        object_in(metadata, "labels").insert(ROLE.into(), role_name(role).into());
        if !restarts.0.is_empty() {
            let annotations = object_in(metadata, "annotations");
            annotations.extend(restarts.0.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        match identity {
            PodIdentity::Inject => add_identity(&mut template, role),
            PodIdentity::None => {}
        }
        template
    }

    /// The version that a child runs, with what [`Self::for_role`] added taken off again.
    pub(crate) fn of_child(raw: &Value, role: Role, identity: PodIdentity) -> Self {
        let mut template = Self::of(raw);
        if let Some(labels) = template.0["metadata"]["labels"].as_object_mut() {
            labels.remove(ROLE);
        }
        let added = identity_of(role);
        for kind in ["containers", "initContainers"] {
            let Some(containers) = template.0["spec"][kind].as_array_mut() else { continue };
            for container in containers {
                let Some(container) = container.as_object_mut() else { continue };
                let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) else {
                    continue;
                };
                if matches!(identity, PodIdentity::Inject) {
                    env.retain(|it| !added.contains(it));
                }
                if env.is_empty() {
                    container.remove("env");
                }
            }
        }
        drop_nulls(&mut template.0);
        template
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

/// The label value and environment value of a role.
pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Primary => ROLE_PRIMARY,
        Role::Canary => ROLE_CANARY,
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

fn key_of(value: &Value) -> u64 {
    let mut text = String::new();
    canonical(value, &mut text);
    let digest = Sha256::digest(text);
    digest.iter().take(5).fold(0, |key, byte| (key << 8) | u64::from(*byte))
}

/// Fields in the order of their names, whatever order `serde_json` was built to keep.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                text.push('{');
                text.push_str(&Value::from(name.as_str()).to_string());
                canonical(value, text);
                text.push('}');
            }
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
            text.push(',');
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

fn add_identity(template: &mut Value, role: Role) {
    let added = identity_of(role);
    for kind in ["containers", "initContainers"] {
        let Some(containers) = template["spec"][kind].as_array_mut() else { continue };
        for container in containers {
            let Some(container) = container.as_object_mut() else { continue };
            let Some(env) = container.entry("env").or_insert_with(|| json!([])).as_array_mut()
            else {
                continue;
            };
            let named = |env: &[Value], name: &Value| env.iter().any(|it| it["name"] == *name);
            // Before the user's own entries, so that these may refer to them as $(POD_NAME).
            let missing: Vec<_> =
                added.iter().filter(|it| !named(env, &it["name"])).cloned().collect();
            env.splice(0..0, missing);
        }
    }
}

/// As the API server returns it, defaults included: a child is compared with what we would write.
fn identity_of(role: Role) -> [Value; 2] {
    let field = json!({"apiVersion": "v1", "fieldPath": "metadata.name"});
    [
        json!({"name": ENV_POD_NAME, "valueFrom": {"fieldRef": field}}),
        json!({"name": ENV_ROLE, "value": role_name(role)}),
    ]
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
