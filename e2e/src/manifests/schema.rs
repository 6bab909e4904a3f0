//! Types of the API server as it publishes them, by their short names.
//! Read once; makes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Result, bail};
use kube::api::GetParams;
use kube::core::Request;
use serde_json::{Map, Value};

use super::dice::Dice;
use super::left_out::left_out;

/// Where the API server publishes the types of Deployments: the folder, and the document.
const PUBLISHED: (&str, &str) = ("/openapi/v3/apis/apps", "v1");

/// The types below Deployment as Kubernetes 1.36 publishes them, without descriptions: for tests without a cluster.
#[cfg(test)]
const RECORDED: &str = include_str!("deployment.schema.json");

/// Deeper than any type nests that does not hold itself.
const DEEPEST: usize = 16;

/// The types of an API group.
#[derive(Debug)]
pub struct Schemas {
    types: Map<String, Value>,
    /// The fields that lead to a type, by the type; those without a type of their own lead to the empty name.
    parents: BTreeMap<String, BTreeSet<Field>>,
}

/// A field, by the short name of its type and its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    pub(crate) owner: String,
    pub(crate) name: String,
}

/// A type, resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed<'a> {
    /// Short name, as `Container`; empty for one without a name.
    pub(super) name: &'a str,
    pub(super) schema: &'a Value,
}

impl Schemas {
    /// The types that Deployments are made of.
    pub async fn read(client: &kube::Client) -> Result<Self> {
        let request = Request::new(PUBLISHED.0).get(PUBLISHED.1, &GetParams::default())?;
        Self::of(client.request(request).await?)
    }

    /// The types that Kubernetes 1.36 publishes.
    #[cfg(test)]
    pub(super) fn recorded() -> Self {
        let document = serde_json::from_str(RECORDED).expect("the recorded document is JSON");
        Self::of(document).expect("the recorded document has types")
    }

    fn of(mut document: Value) -> Result<Self> {
        match document.pointer_mut("/components/schemas").map(Value::take) {
            Some(Value::Object(types)) => {
                let mut schemas = Self { types, parents: BTreeMap::new() };
                schemas.parents = schemas.parents();
                Ok(schemas)
            }
            _ => bail!("the API server publishes no types at {PUBLISHED:?}"),
        }
    }

    /// Every field of a Deployment that is not left out.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<Field> {
        self.parents.values().flatten().cloned().collect()
    }

    fn parents(&self) -> BTreeMap<String, BTreeSet<Field>> {
        let mut parents: BTreeMap<String, BTreeSet<Field>> = BTreeMap::new();
        let mut next: Vec<_> = self.named("Deployment").into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(typed) = next.pop() {
            if !seen.insert(typed.name) {
                continue;
            }
            for (name, schema) in typed.schema["properties"].as_object().into_iter().flatten() {
                if left_out(typed.name, name).is_some() {
                    continue;
                }
                let to = self.item(self.resolve(schema));
                let field = Field { owner: typed.name.to_owned(), name: name.clone() };
                parents.entry(to.name.to_owned()).or_default().insert(field);
                if !to.name.is_empty() {
                    next.push(to);
                }
            }
        }
        parents
    }

    /// Some way from a Deployment down to a field, its last element.
    pub(super) fn way_to(&self, field: &Field, dice: &mut Dice) -> Vec<Field> {
        let mut way = vec![field.clone()];
        while way.len() < DEEPEST {
            let first = &way[0];
            let to_it: Vec<_> = self.parents.get(&first.owner).into_iter().flatten().collect();
            // Other metadata has labels and annotations only.
            let whole = |it: &&&Field| {
                matches!(&*first.name, "labels" | "annotations") || it.owner == "PodTemplateSpec"
            };
            let of_pods: Vec<_> = to_it.iter().filter(whole).copied().collect();
            let to_it = if first.owner == "ObjectMeta" { of_pods } else { to_it };
            if to_it.is_empty() {
                break;
            }
            way.insert(0, (*dice.pick(&to_it)).clone());
        }
        way
    }

    /// The fields of a type that a value has, those below included.
    #[must_use]
    pub fn fields_of(&self, name: &str, value: &Value) -> BTreeSet<Field> {
        let mut found = BTreeSet::new();
        if let Some(typed) = self.named(name) {
            self.walk(typed, value, DEEPEST, &mut found);
        }
        found
    }

    fn walk(&self, typed: Typed<'_>, value: &Value, depth: usize, found: &mut BTreeSet<Field>) {
        let item = self.item(typed);
        for element in value.as_array().into_iter().flatten().filter(|_| 0 < depth) {
            self.walk(item, element, depth - 1, found);
        }
        for (field, value) in value.as_object().into_iter().flatten().filter(|_| 0 < depth) {
            let schema = &typed.schema["properties"][field];
            if schema.is_object() {
                found.insert(Field { owner: typed.name.to_owned(), name: field.clone() });
                self.walk(self.resolve(schema), value, depth - 1, found);
            }
        }
    }

    /// The type of the elements of an array, of anything else itself.
    fn item<'a>(&'a self, typed: Typed<'a>) -> Typed<'a> {
        let items = &typed.schema["items"];
        if items.is_object() { self.resolve(items) } else { typed }
    }

    /// A type by its short name.
    pub(super) fn named(&self, name: &str) -> Option<Typed<'_>> {
        let found = self.types.iter().find(|(key, _)| short(key) == name)?;
        Some(Typed { name: short(found.0), schema: found.1 })
    }

    /// What a field's schema stands for.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Value) -> Typed<'a> {
        let reference = schema["$ref"].as_str().or(schema["allOf"][0]["$ref"].as_str());
        let found = reference.and_then(|it| self.types.get_key_value(it.rsplit('/').next()?));
        found.map_or(Typed { name: "", schema }, |(key, schema)| Typed { name: short(key), schema })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.owner, self.name)
    }
}

fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
