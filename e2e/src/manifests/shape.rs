//! One pod template by chance, from the types: most fields of a few parts, few of all others, so that what lies deep is
//! reached as well. Whether the API server takes it is another question.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::schema::{Schemas, Typed};
use super::texts;

/// What a test cluster has none of, or what says nothing of a version; the rest of metadata is the server's.
const LEFT_OUT: [&str; 24] = [
    "activeDeadlineSeconds",
    "ephemeralContainers",
    "schedulingGates",
    "schedulingGroup",
    "workloadRef",
    "priority",
    "priorityClassName",
    "runtimeClassName",
    "serviceAccount",
    "serviceAccountName",
    "overhead",
    "nodeName",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "resourceVersion",
    "uid",
    "selfLink",
    "generation",
    "generateName",
    "namespace",
];

/// Types of which exactly one alternative is set.
const ALTERNATIVES: [&str; 6] =
    ["Volume", "EnvVarSource", "Probe", "LifecycleHandler", "VolumeProjection", "EnvFromSource"];

/// Deeper than any type nests.
const DEEPEST: usize = 14;

/// Makes templates.
pub struct Shape<'a> {
    schemas: &'a Schemas,
    dice: Dice,
    /// Fields that get most of what they can have.
    dense: BTreeSet<String>,
    is_large: bool,
}

/// A field on the way down.
#[derive(Clone, Copy)]
struct At<'a> {
    owner: &'a str,
    field: &'a str,
    depth: usize,
    /// Percent of the optional fields that are set.
    density: usize,
}

impl<'a> Shape<'a> {
    /// The shape of this seed.
    #[must_use]
    pub fn of(schemas: &'a Schemas, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let fields = ["PodSpec", "Container"].iter().flat_map(|it| fields_of(schemas, it));
        let fields: Vec<_> = fields.collect();
        let dense = (0..4).map(|_| dice.pick(&fields).clone()).collect();
        let is_large = dice.percent(2);
        Self { schemas, dice, dense, is_large }
    }

    /// A pod template whose pods carry the label `app`, and run on this node.
    pub fn template(&mut self, app: &str, node: &str) -> Value {
        let Some(typed) = self.schemas.named("PodTemplateSpec") else { return Value::Null };
        let top = At { owner: "", field: "template", depth: 0, density: 100 };
        let mut template = self.value(typed, top);
        template["metadata"]["labels"]["app"] = json!(app);
        let spec = &mut template["spec"];
        // Past the scheduler: whatever the template asks of a node, this one is as good.
        spec["nodeName"] = json!(node);
        if let Some(fields) = spec.as_object_mut() {
            fields.remove("restartPolicy");
        }
        name_in_order(spec);
        if self.is_large {
            spec["containers"][0]["args"] = json!([texts::large(&mut self.dice)]);
        }
        template
    }

    fn value(&mut self, typed: Typed<'_>, at: At<'_>) -> Value {
        match typed.name {
            "Quantity" => return texts::quantity(&mut self.dice),
            "IntOrString" => return texts::int_or_string(at.field, &mut self.dice),
            _ => {}
        }
        let schema = typed.schema;
        if let Some(choices) = schema["enum"].as_array().filter(|it| !it.is_empty()) {
            return self.dice.pick(choices).clone();
        }
        match schema["type"].as_str() {
            Some("object") if schema["properties"].is_object() => self.object(typed, at),
            Some("object") => self.map(schema, at),
            Some("array") => self.array(schema, at),
            Some("integer") => json!(self.number(at.field)),
            Some("boolean") => json!(self.dice.percent(50)),
            Some(_) | None => json!(texts::of_field(at.owner, at.field, &mut self.dice)),
        }
    }

    fn object(&mut self, typed: Typed<'_>, at: At<'_>) -> Value {
        let mut made = Map::new();
        let Some(fields) = typed.schema["properties"].as_object() else { return json!({}) };
        let required = typed.schema["required"].as_array();
        let required = |name: &str| required.is_some_and(|it| it.iter().any(|it| it == name));
        let chosen = self.alternative(typed, fields);
        for (name, schema) in fields.iter().filter(|it| !LEFT_OUT.contains(&it.0.as_str())) {
            let field = self.schemas.resolve(schema);
            let is_alternative =
                ALTERNATIVES.contains(&typed.name) && is_structure(field) && !required(name);
            let is_set = match &chosen {
                Some(it) if is_alternative => it == name,
                Some(_) | None => required(name) || self.is_set(name, at),
            };
            // Fewer and fewer on the way down, but for what this template is about.
            let density = if self.dense.contains(name) { 85 } else { at.density * 3 / 4 };
            if is_set && at.depth < DEEPEST {
                let at = At { owner: typed.name, field: name, depth: at.depth + 1, density };
                made.insert(name.clone(), self.value(field, at));
            }
        }
        if typed.name == "EnvVar" && made.contains_key("valueFrom") {
            made.remove("value");
        }
        Value::Object(made)
    }

    fn is_set(&mut self, name: &str, at: At<'_>) -> bool {
        if at.field == "template" {
            return true;
        }
        let top = at.depth < 2 || self.dense.contains(name);
        let percent = if at.owner.is_empty() || top { 60 } else { at.density };
        self.dense.contains(name) || self.dice.percent(percent.min(60))
    }

    /// The one alternative of a type that has some.
    fn alternative(&mut self, typed: Typed<'_>, fields: &Map<String, Value>) -> Option<String> {
        if !ALTERNATIVES.contains(&typed.name) {
            return None;
        }
        let schemas = self.schemas;
        let some = fields.iter().filter(|(_, schema)| is_structure(schemas.resolve(schema)));
        let some: Vec<_> = some.map(|(name, _)| name.clone()).collect();
        (!some.is_empty()).then(|| self.dice.pick(&some).clone())
    }

    fn array(&mut self, schema: &Value, at: At<'_>) -> Value {
        let item = self.schemas.resolve(&schema["items"]);
        let least = usize::from(at.field == "containers" || at.depth > 3);
        let count = least + self.dice.below(3);
        let at = At { depth: at.depth + 1, ..at };
        json!((0..count).map(|_| self.value(item, at)).collect::<Vec<_>>())
    }

    fn map(&mut self, schema: &Value, at: At<'_>) -> Value {
        let item = self.schemas.resolve(&schema["additionalProperties"]);
        let count = self.dice.below(4);
        let entries = (0..count).map(|_| {
            let value = match item.name {
                "Quantity" => texts::quantity(&mut self.dice),
                _ => json!(texts::of_map(at.field, &mut self.dice)),
            };
            (texts::key(at.field, &mut self.dice), value)
        });
        Value::Object(entries.collect())
    }

    fn number(&mut self, field: &str) -> i64 {
        let small = i64::try_from(self.dice.below(100)).unwrap_or(0);
        match field {
            "terminationGracePeriodSeconds" => small % 3,
            "tolerationSeconds" if small < 10 => (1 << 53) + 1,
            "runAsUser" | "runAsGroup" | "fsGroup" => small * 10_000_000,
            "successThreshold" => 1,
            "defaultMode" | "mode" => small * 5,
            "expirationSeconds" => 600 + small,
            _ => 1 + small,
        }
    }
}

/// Names that must differ and refer to each other: containers, volumes and what mounts them. An image is no matter of
/// chance, though the schema does not ask for it.
fn name_in_order(spec: &mut Value) {
    let rename = |list: &mut Value, prefix: &str| {
        for (index, it) in list.as_array_mut().into_iter().flatten().enumerate() {
            it["name"] = json!(format!("{prefix}{index}"));
            if prefix != "v" {
                it["image"] = json!(format!("localhost/fake:{index}"));
            }
        }
    };
    rename(&mut spec["containers"], "c");
    for (list, prefix) in [("initContainers", "i"), ("volumes", "v")] {
        if spec[list].is_array() {
            rename(&mut spec[list], prefix);
        }
    }
    let volumes = spec["volumes"].as_array().map_or(0, Vec::len);
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            for kind in ["volumeMounts", "volumeDevices"] {
                let Some(mounts) = container.get_mut(kind).and_then(Value::as_array_mut) else {
                    continue;
                };
                mounts.truncate(volumes);
                for (index, mount) in mounts.iter_mut().enumerate() {
                    mount["name"] = json!(format!("v{index}"));
                }
            }
        }
    }
}

fn is_structure(typed: Typed<'_>) -> bool {
    typed.schema["properties"].is_object()
        || (!typed.name.is_empty() && typed.schema["type"] == "object")
}

fn fields_of(schemas: &Schemas, name: &str) -> Vec<String> {
    let fields = schemas.named(name).and_then(|it| it.schema["properties"].as_object());
    fields.into_iter().flat_map(|it| it.keys().cloned()).collect()
}
