//! Pod name and role in the environment of a child's containers. Pure.
//! What was added is remembered, so that only that is taken off again.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use siskin_analysis::observation::Role;
use siskin_api::PodIdentity;
use siskin_api::annotations::{ENV_POD_NAME, ENV_ROLE, ROLE_CANARY, ROLE_PRIMARY};
use siskin_decide::NotA;

/// Where containers stand in a pod's spec, in the order in which [`Injected`] counts them.
const LISTS: [&str; 2] = ["initContainers", "containers"];

/// What was added to one container's environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Added {
    pod_name: bool,
    role: bool,
    /// The list itself: the manifest has none.
    list: bool,
}

/// What was added to each container of a template. As text one octal digit per container,
/// `<initContainers>/<containers>`: 1 for the pod's name, 2 for the role, 4 for the list itself.
/// Short: it must fit into an annotation whatever the template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Injected([Vec<Added>; 2]);

impl Injected {
    /// What `identity` adds to this template: nothing that a container has by itself.
    pub(crate) fn into(template: &Value, identity: PodIdentity) -> Self {
        Self(LISTS.map(|list| {
            let containers = template["spec"][list].as_array().into_iter().flatten();
            let added = |container: &Value| match identity {
                PodIdentity::Inject if container.is_object() => missing(&container["env"]),
                PodIdentity::Inject | PodIdentity::None => Added::default(),
            };
            containers.map(added).collect()
        }))
    }

    /// What a child without a record of it has most likely been given: our entries come first.
    pub(crate) fn guessed(child: &Value) -> Self {
        Self(LISTS.map(|list| {
            let containers = child["spec"][list].as_array().into_iter().flatten();
            containers.map(|it| leading(&it["env"])).collect()
        }))
    }

    /// Adds it, before the user's own entries, so that these may refer to it as `$(POD_NAME)`.
    pub(crate) fn add(&self, template: &mut Value, role: Role) {
        self.each(template, |added, container| {
            if !added.pod_name && !added.role {
                return;
            }
            let env = container.entry("env").or_insert_with(|| json!([]));
            if env.is_null() {
                *env = json!([]);
            }
            let Some(env) = env.as_array_mut() else { return };
            let own = [added.pod_name.then(pod_name), added.role.then(|| role_variable(role))];
            env.splice(0..0, own.into_iter().flatten());
        });
    }

    /// Takes it off again; entries that stand elsewhere are the user's.
    pub(crate) fn take_off(&self, child: &mut Value) {
        self.each(child, |added, container| {
            let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) else { return };
            for name in [added.pod_name.then_some(ENV_POD_NAME), added.role.then_some(ENV_ROLE)] {
                if name.is_some_and(|it| env.first().is_some_and(|first| first["name"] == it)) {
                    env.remove(0);
                }
            }
            if added.list && env.is_empty() {
                container.remove("env");
            }
        });
    }

    fn each(&self, template: &mut Value, change: impl Fn(Added, &mut Map<String, Value>)) {
        for (list, added) in LISTS.into_iter().zip(&self.0) {
            let containers = template["spec"].get_mut(list).and_then(Value::as_array_mut);
            for (container, added) in containers.into_iter().flatten().zip(added) {
                if let Some(container) = container.as_object_mut() {
                    change(*added, container);
                }
            }
        }
    }
}

/// The label value and environment value of a role.
pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Primary => ROLE_PRIMARY,
        Role::Canary => ROLE_CANARY,
    }
}

/// What a container's environment lacks.
fn missing(env: &Value) -> Added {
    let named = |name| env.as_array().into_iter().flatten().any(|it| it["name"] == name);
    let (pod_name, role) = (!named(ENV_POD_NAME), !named(ENV_ROLE));
    Added { pod_name, role, list: !env.is_array() && (pod_name || role) }
}

fn leading(env: &Value) -> Added {
    let name = |index: usize| env[index]["name"].as_str();
    let is_ours = env[0] == pod_name();
    let pod_name = is_ours && name(0) == Some(ENV_POD_NAME);
    let role = name(usize::from(pod_name)) == Some(ENV_ROLE);
    Added { pod_name, role, list: true }
}

/// As the API server returns it, defaults included: a child is compared with what we would write.
fn pod_name() -> Value {
    let field = json!({"apiVersion": "v1", "fieldPath": "metadata.name"});
    json!({"name": ENV_POD_NAME, "valueFrom": {"fieldRef": field}})
}

fn role_variable(role: Role) -> Value {
    json!({"name": ENV_ROLE, "value": role_name(role)})
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, list) in self.0.iter().enumerate() {
            if 0 < index {
                f.write_str("/")?;
            }
            for Added { pod_name, role, list } in list {
                write!(f, "{}", u8::from(*pod_name) | u8::from(*role) << 1 | u8::from(*list) << 2)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Injected {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, NotA> {
        let error = || NotA { expected: "<octal digits>/<octal digits>", found: text.into() };
        let (init, containers) = text.split_once('/').ok_or_else(error)?;
        let list = |digits: &str| -> Option<Vec<Added>> {
            let digit = |it: char| {
                let bits = it.to_digit(8)?;
                Some(Added { pod_name: bits & 1 != 0, role: bits & 2 != 0, list: bits & 4 != 0 })
            };
            digits.chars().map(digit).collect()
        };
        let lists = list(init).zip(list(containers)).ok_or_else(error)?;
        Ok(Self([lists.0, lists.1]))
    }
}
