//! Types of the API server as it publishes them, by their short names.
//! Read once; makes nothing.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use kube::api::GetParams;
use kube::core::Request;
use serde_json::{Map, Value};

/// Where the API server publishes the types of Deployments: the folder, and the document.
const PUBLISHED: (&str, &str) = ("/openapi/v3/apis/apps", "v1");

/// Deeper than any type nests that does not hold itself.
const DEEPEST: usize = 16;

/// The types of an API group.
#[derive(Debug)]
pub struct Schemas(Map<String, Value>);

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
        let mut document: Value = client.request(request).await?;
        match document.pointer_mut("/components/schemas").map(Value::take) {
            Some(Value::Object(schemas)) => Ok(Self(schemas)),
            _ => bail!("the API server publishes no types at {PUBLISHED:?}"),
        }
    }

    /// Every field of a type and of those below it, as `Type.field`.
    #[must_use]
    pub fn fields_below(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next: Vec<_> = self.named(name).into_iter().collect();
        while let Some(typed) = next.pop() {
            for (field, schema) in typed.schema["properties"].as_object().into_iter().flatten() {
                if found.insert(format!("{}.{field}", typed.name)) {
                    next.push(self.item(self.resolve(schema)));
                }
            }
        }
        found
    }

    /// The fields of a type that a value has, those below included.
    #[must_use]
    pub fn fields_of(&self, name: &str, value: &Value) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        if let Some(typed) = self.named(name) {
            self.walk(typed, value, DEEPEST, &mut found);
        }
        found
    }

    fn walk(&self, typed: Typed<'_>, value: &Value, depth: usize, found: &mut BTreeSet<String>) {
        let item = self.item(typed);
        for element in value.as_array().into_iter().flatten().filter(|_| 0 < depth) {
            self.walk(item, element, depth - 1, found);
        }
        for (field, value) in value.as_object().into_iter().flatten().filter(|_| 0 < depth) {
            let schema = &typed.schema["properties"][field];
            if schema.is_object() {
                found.insert(format!("{}.{field}", typed.name));
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
        let found = self.0.iter().find(|(key, _)| short(key) == name)?;
        Some(Typed { name: short(found.0), schema: found.1 })
    }

    /// What a field's schema stands for.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Value) -> Typed<'a> {
        let reference = schema["$ref"].as_str().or(schema["allOf"][0]["$ref"].as_str());
        let found = reference.and_then(|it| self.0.get_key_value(it.rsplit('/').next()?));
        found.map_or(Typed { name: "", schema }, |(key, schema)| Typed { name: short(key), schema })
    }
}

fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
