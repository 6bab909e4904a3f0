//! Whether each value is of the type that is published for its field. Null is a field that is not there.

use serde_json::{Map, Value};

use super::quantity::amount;
use crate::manifests::schema::{Schemas, Typed};

pub(super) fn faults(schemas: &Schemas, deployment: &Value, found: &mut Vec<String>) {
    let typed = schemas.named("Deployment").expect("the type of Deployments is published");
    value(schemas, typed, &Place { path: String::new(), value: deployment }, found);
}

/// A value, and where it is.
struct Place<'a> {
    path: String,
    value: &'a Value,
}

fn value(schemas: &Schemas, typed: Typed<'_>, at: &Place<'_>, found: &mut Vec<String>) {
    let wrong = match (typed.name, typed.schema["type"].as_str()) {
        ("Quantity", _) => amount(at.value).is_none().then_some("no quantity"),
        ("IntOrString", _) => {
            (!at.value.is_i64() && !at.value.is_string()).then_some("neither number nor text")
        }
        (_, Some("object")) => match at.value.as_object() {
            Some(fields) => {
                object(schemas, typed, &at.path, fields, found);
                None
            }
            None => Some("no object"),
        },
        (_, Some("array")) => match at.value.as_array() {
            Some(items) => {
                let item = schemas.resolve(&typed.schema["items"]);
                for (index, it) in items.iter().enumerate() {
                    let at = Place { path: format!("{}[{index}]", at.path), value: it };
                    value(schemas, item, &at, found);
                }
                None
            }
            None => Some("no array"),
        },
        (_, Some("integer")) => (!at.value.is_i64()).then_some("no integer"),
        (_, Some("boolean")) => (!at.value.is_boolean()).then_some("no boolean"),
        (_, Some(_) | None) => (!at.value.is_string()).then_some("no text"),
    };
    found.extend(wrong.map(|wrong| format!("{}: {wrong}", at.path)));
}

fn object(
    schemas: &Schemas,
    typed: Typed<'_>,
    path: &str,
    fields: &Map<String, Value>,
    found: &mut Vec<String>,
) {
    for (name, it) in fields.iter().filter(|it| !it.1.is_null()) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let of_field = &typed.schema["properties"][name];
        let of_map = &typed.schema["additionalProperties"];
        let schema = if of_field.is_object() { of_field } else { of_map };
        if schema.is_object() {
            value(schemas, schemas.resolve(schema), &Place { path, value: it }, found);
        } else {
            found.push(format!("{path}: unknown"));
        }
    }
    let required = typed.schema["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if fields.get(name).is_none_or(Value::is_null) {
            found.push(format!("{path}.{name}: missing"));
        }
    }
}
