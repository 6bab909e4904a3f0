//! One Deployment by chance, from the types: it has one field for sure, most fields of a few parts, few of all others, so
//! that what lies deep is reached as well. What the fields ask of each other, `rules` sets right.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::left_out::left_out;
use super::rules;
use super::schema::{Field, Schemas, Typed};
use super::{texts, words};

/// Types of which exactly one alternative is set.
const ALTERNATIVES: [&str; 6] =
    ["Volume", "EnvVarSource", "Probe", "LifecycleHandler", "VolumeProjection", "EnvFromSource"];

/// Deeper than any type nests.
const DEEPEST: usize = 14;

/// Makes one Deployment.
pub struct Shape<'a> {
    schemas: &'a Schemas,
    dice: Dice,
    /// The way down to the field that it has for sure.
    way: Vec<Field>,
    /// Fields that get most of what they can have.
    dense: BTreeSet<String>,
    size: Size,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// Only what must be.
    Empty,
    Usual,
    /// Hundreds of kilobytes in one place.
    Huge,
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
    /// The shape of this seed, with a field for sure: one that is not left out.
    #[must_use]
    pub fn of(schemas: &'a Schemas, seed: u64, sure: &Field) -> Self {
        let mut dice = Dice::new(seed);
        let fields = ["PodSpec", "Container"].iter().flat_map(|it| fields_of(schemas, it));
        let fields: Vec<_> = fields.collect();
        let dense = (0..4).map(|_| dice.pick(&fields).clone()).collect();
        let size = match dice.below(100) {
            0..2 => Size::Huge,
            2..5 => Size::Empty,
            _ => Size::Usual,
        };
        let way = schemas.way_to(sure, &mut dice);
        Self { schemas, dice, way, dense, size }
    }

    /// The Deployment of this name. Its one pod runs on this node.
    pub fn deployment(&mut self, name: &str, node: &str) -> Value {
        let Some(typed) = self.schemas.named("Deployment") else { return Value::Null };
        let density = if self.size == Size::Empty { 0 } else { 100 };
        let top = At { owner: "", field: "", depth: 0, density };
        let mut deployment = self.value(typed, top);
        rules::obey(&mut deployment, name, node);
        if self.size == Size::Huge {
            texts::blow_up(&mut deployment["spec"]["template"], &mut self.dice);
        }
        deployment
    }

    fn value(&mut self, typed: Typed<'_>, at: At<'_>) -> Value {
        match typed.name {
            "Quantity" => return texts::quantity(&mut self.dice),
            "IntOrString" => return words::int_or_string(at.field, &mut self.dice),
            _ => {}
        }
        let schema = typed.schema;
        match schema["type"].as_str() {
            Some("object") if schema["properties"].is_object() => self.object(typed, at),
            Some("object") => self.map(schema, at),
            Some("array") => self.array(schema, at),
            Some("integer") => json!(words::number(at.owner, at.field, &mut self.dice)),
            Some("boolean") => json!(self.dice.percent(50)),
            Some(_) | None => json!(words::of_field(at.owner, at.field, &mut self.dice)),
        }
    }

    fn object(&mut self, typed: Typed<'_>, at: At<'_>) -> Value {
        let mut made = Map::new();
        let Some(fields) = typed.schema["properties"].as_object() else { return json!({}) };
        let required = typed.schema["required"].as_array();
        let required = |name: &str| required.is_some_and(|it| it.iter().any(|it| it == name));
        let chosen = self.alternative(typed, fields);
        for (name, schema) in fields {
            if left_out(typed.name, name).is_some() || is_foreign_metadata(typed, name, at) {
                continue;
            }
            let field = self.schemas.resolve(schema);
            let is_alternative =
                ALTERNATIVES.contains(&typed.name) && is_structure(field) && !required(name);
            let is_set = match &chosen {
                Some(it) if is_alternative => it == name,
                Some(_) | None => {
                    required(name) || self.is_sure(typed.name, name) || self.is_set(name, at)
                }
            };
            // Fewer and fewer on the way down, but for what this one is about.
            let density = if self.dense.contains(name) { 85 } else { at.density * 3 / 4 };
            let density = if self.size == Size::Empty { 0 } else { density };
            if is_set && at.depth < DEEPEST {
                let at = At { owner: typed.name, field: name, depth: at.depth + 1, density };
                made.insert(name.clone(), self.value(field, at));
            }
        }
        Value::Object(made)
    }

    fn is_sure(&self, owner: &str, name: &str) -> bool {
        self.way.iter().any(|it| it.owner == owner && it.name == name)
    }

    fn is_set(&mut self, name: &str, at: At<'_>) -> bool {
        if at.owner.is_empty() || at.field == "template" {
            return true;
        }
        if self.size == Size::Empty {
            return false;
        }
        let percent = if at.depth < 3 { 50 } else { at.density.min(60) };
        self.dense.contains(name) || self.dice.percent(percent)
    }

    /// The one alternative of a type that has some.
    fn alternative(&mut self, typed: Typed<'_>, fields: &Map<String, Value>) -> Option<String> {
        if !ALTERNATIVES.contains(&typed.name) {
            return None;
        }
        let schemas = self.schemas;
        let some = fields.iter().filter(|(name, schema)| {
            is_structure(schemas.resolve(schema)) && left_out(typed.name, name).is_none()
        });
        let some: Vec<_> = some.map(|(name, _)| name.clone()).collect();
        let sure = some.iter().find(|it| self.is_sure(typed.name, it)).cloned();
        sure.or_else(|| (!some.is_empty()).then(|| self.dice.pick(&some).clone()))
    }

    fn array(&mut self, schema: &Value, at: At<'_>) -> Value {
        let item = self.schemas.resolve(&schema["items"]);
        let least = at.field == "containers" || 3 < at.depth || self.is_sure(at.owner, at.field);
        let more = if self.size == Size::Empty { 0 } else { self.dice.below(3) };
        let at = At { depth: at.depth + 1, ..at };
        let items = (0..usize::from(least) + more).map(|_| self.value(item, at));
        json!(items.collect::<Vec<_>>())
    }

    fn map(&mut self, schema: &Value, at: At<'_>) -> Value {
        let item = self.schemas.resolve(&schema["additionalProperties"]);
        let count = if self.size == Size::Empty { 0 } else { self.dice.below(4) };
        let entries = (0..count).map(|_| {
            let value = match item.name {
                "Quantity" => texts::quantity(&mut self.dice),
                _ => json!(words::of_map(at.field, &mut self.dice)),
            };
            (words::key(at.field, &mut self.dice), value)
        });
        Value::Object(entries.collect())
    }
}

/// Whether a field of metadata is not a person's to write: outside of pod templates all but labels and annotations.
fn is_foreign_metadata(typed: Typed<'_>, name: &str, at: At<'_>) -> bool {
    let open = at.owner == "PodTemplateSpec" || matches!(name, "labels" | "annotations");
    typed.name == "ObjectMeta" && !open
}

fn is_structure(typed: Typed<'_>) -> bool {
    typed.schema["properties"].is_object()
        || (!typed.name.is_empty() && typed.schema["type"] == "object")
}

fn fields_of(schemas: &Schemas, name: &str) -> Vec<String> {
    let fields = schemas.named(name).and_then(|it| it.schema["properties"].as_object());
    fields.into_iter().flat_map(|it| it.keys().cloned()).collect()
}
