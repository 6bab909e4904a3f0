//! Pod name and role in the environment of a child's containers. Pure.
//! What was added is remembered, so that only that is taken off again.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use siskin_analysis::observation::Role;
use siskin_api::annotations::{ENV_POD_NAME, ENV_ROLE, ROLE_CANARY, ROLE_PRIMARY};
use siskin_api::{PodIdentity, is_env_name};
use siskin_decide::NotA;

/// Where containers stand in a pod's spec, in the order in which [`Injected`] counts them.
const LISTS: [&str; 2] = ["initContainers", "containers"];

/// Most further names: one bit each in [`Added`].
const MAX_NAMES: usize = 8;
/// Between the parts of the text of [`Injected`]; no name has it, nor the comma between names.
const PART: char = ';';

/// What pods are to be told of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    mode: PodIdentity,
    /// Further variables that get the pod's name.
    names: Vec<String>,
}

/// What was added to one container's environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Added {
    pod_name: bool,
    role: bool,
    /// The list itself: the manifest has none.
    list: bool,
    /// Further names, the first one the lowest bit.
    names: u8,
}

/// What was added to each container of a template. As text one octal digit per container,
/// `<initContainers>/<containers>`: 1 for the pod's name, 2 for the role, 4 for the list itself.
/// Where further variables were added, `;`, their names with commas between them, `;`, and which of
/// them each container got: two hexadecimal digits per container, the first name the lowest bit.
/// Short: it must fit into an annotation whatever the template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Injected {
    /// Names that one container got at least.
    names: Vec<String>,
    added: [Vec<Added>; 2],
}

impl Identity {
    /// What a spec asks for. Of names that its schema would not let pass, none can be recorded.
    pub(crate) fn new(mode: PodIdentity, names: &[String]) -> Self {
        let mut known: Vec<String> = Vec::new();
        let taken = |name: &str| name == ENV_POD_NAME || name == ENV_ROLE;
        for name in names.iter().filter(|it| is_env_name(it) && !taken(it)) {
            if known.len() < MAX_NAMES && !known.contains(name) {
                known.push(name.clone());
            }
        }
        Self { mode, names: known }
    }

    /// Asks for the further names that were added to what a child runs, and for no others.
    pub(crate) fn with_names_of(&self, injected: &Injected) -> Self {
        Self::new(self.mode, &injected.names)
    }
}

impl From<PodIdentity> for Identity {
    fn from(mode: PodIdentity) -> Self {
        Self { mode, names: Vec::new() }
    }
}

impl Injected {
    /// What `identity` adds to this template: nothing that a container has by itself.
    pub(crate) fn into(template: &Value, identity: &Identity) -> Self {
        let added = LISTS.map(|list| {
            let containers = template["spec"][list].as_array().into_iter().flatten();
            let added = |container: &Value| match identity.mode {
                PodIdentity::Inject if container.is_object() => {
                    missing(&container["env"], &identity.names)
                }
                PodIdentity::Inject | PodIdentity::None => Added::default(),
            };
            containers.map(added).collect::<Vec<_>>()
        });
        let any = added.iter().flatten().any(|it| it.names != 0);
        Self { names: if any { identity.names.clone() } else { Vec::new() }, added }
    }

    /// What a child without a record of it has most likely been given: our entries come first.
    pub(crate) fn guessed(child: &Value) -> Self {
        let added = LISTS.map(|list| {
            let containers = child["spec"][list].as_array().into_iter().flatten();
            containers.map(|it| leading(&it["env"])).collect()
        });
        Self { names: Vec::new(), added }
    }

    /// Adds it, before the user's own entries, so that these may refer to it as `$(POD_NAME)`.
    pub(crate) fn add(&self, template: &mut Value, role: Role) {
        self.each(template, |added, container| {
            if added == (Added { list: added.list, ..Added::default() }) {
                return;
            }
            let env = container.entry("env").or_insert_with(|| json!([]));
            if env.is_null() {
                *env = json!([]);
            }
            let Some(env) = env.as_array_mut() else { return };
            let pod_name = added.pod_name.then(|| pod_name_as(ENV_POD_NAME));
            let own = [pod_name, added.role.then(|| role_variable(role))].into_iter().flatten();
            let further = self.names_of(added).map(pod_name_as);
            env.splice(0..0, own.chain(further));
        });
    }

    /// Takes it off again; entries that stand elsewhere are the user's.
    pub(crate) fn take_off(&self, child: &mut Value) {
        self.each(child, |added, container| {
            let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) else { return };
            let own = [added.pod_name.then_some(ENV_POD_NAME), added.role.then_some(ENV_ROLE)];
            for name in own.into_iter().flatten().chain(self.names_of(added)) {
                if env.first().is_some_and(|first| first["name"] == name) {
                    env.remove(0);
                }
            }
            if added.list && env.is_empty() {
                container.remove("env");
            }
        });
    }

    /// The further names that a container got, in order.
    fn names_of(&self, added: Added) -> impl Iterator<Item = &str> {
        let got = move |place: usize| added.names >> place & 1 != 0;
        self.names.iter().enumerate().filter(move |it| got(it.0)).map(|(_, name)| name.as_str())
    }

    fn each(&self, template: &mut Value, change: impl Fn(Added, &mut Map<String, Value>)) {
        for (list, added) in LISTS.into_iter().zip(&self.added) {
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
fn missing(env: &Value, names: &[String]) -> Added {
    let has = |name: &str| env.as_array().into_iter().flatten().any(|it| it["name"] == name);
    let (pod_name, role) = (!has(ENV_POD_NAME), !has(ENV_ROLE));
    let bit = |(place, name): (usize, &String)| u8::from(!has(name)) << place;
    let names = names.iter().take(MAX_NAMES).enumerate().map(bit).fold(0, |all, one| all | one);
    Added { pod_name, role, list: !env.is_array() && (pod_name || role || names != 0), names }
}

fn leading(env: &Value) -> Added {
    let name = |index: usize| env[index]["name"].as_str();
    let is_ours = env[0] == pod_name_as(ENV_POD_NAME);
    let pod_name = is_ours && name(0) == Some(ENV_POD_NAME);
    let role = name(usize::from(pod_name)) == Some(ENV_ROLE);
    Added { pod_name, role, list: true, names: 0 }
}

/// As the API server returns it, defaults included: a child is compared with what we would write.
fn pod_name_as(name: &str) -> Value {
    let field = json!({"apiVersion": "v1", "fieldPath": "metadata.name"});
    json!({"name": name, "valueFrom": {"fieldRef": field}})
}

fn role_variable(role: Role) -> Value {
    json!({"name": ENV_ROLE, "value": role_name(role)})
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |each: fn(&Added) -> String| {
            let of_list = |list: &Vec<Added>| list.iter().map(each).collect::<String>();
            self.added.each_ref().map(of_list).join("/")
        };
        f.write_str(&digits(|it| {
            let bits = [it.pod_name, it.role, it.list].map(u8::from);
            (bits[0] | bits[1] << 1 | bits[2] << 2).to_string()
        }))?;
        if !self.names.is_empty() {
            let names = self.names.join(",");
            write!(f, "{PART}{names}{PART}{}", digits(|it| format!("{:02x}", it.names)))?;
        }
        Ok(())
    }
}

impl FromStr for Injected {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, NotA> {
        let error = || NotA { expected: "what was injected", found: text.into() };
        parse(text).ok_or_else(error)
    }
}

fn parse(text: &str) -> Option<Injected> {
    let (digits, further) = text.split_once(PART).unwrap_or((text, ""));
    let mut added = lists(digits, 1, |digit| {
        let bits = u8::from_str_radix(digit, 8).ok()?;
        let [pod_name, role, list] = [1, 2, 4].map(|bit| bits & bit != 0);
        Some(Added { pod_name, role, list, names: 0 })
    })?;
    if further.is_empty() {
        return Some(Injected { names: Vec::new(), added });
    }
    let (names, masks) = further.split_once(PART)?;
    let names: Vec<String> = names.split(',').map(str::to_owned).collect();
    let masks = lists(masks, 2, |digits| u8::from_str_radix(digits, 16).ok())?;
    for (containers, masks) in added.iter_mut().zip(&masks) {
        if containers.len() != masks.len() {
            return None;
        }
        for (container, mask) in containers.iter_mut().zip(masks) {
            container.names = *mask;
        }
    }
    Some(Injected { names, added })
}

/// What is told of init containers and of containers, so many digits for each.
fn lists<T>(text: &str, width: usize, read: impl Fn(&str) -> Option<T>) -> Option<[Vec<T>; 2]> {
    let (init, containers) = text.split_once('/')?;
    let list = |digits: &str| -> Option<Vec<T>> {
        let places = (0..digits.len()).step_by(width);
        places.map(|place| read(digits.get(place..place + width)?)).collect()
    };
    Some([list(init)?, list(containers)?])
}
