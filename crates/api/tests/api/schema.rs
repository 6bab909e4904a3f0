//! The checks of an API server, in process: bounds by the committed schema, CEL rules by `kube`.
//! Knows the keywords that this CRD uses; panics on an unknown field, as strict validation does.

use std::sync::LazyLock;

use kube::core::cel::Validator;
use serde_json::{Value, json};

/// A valid spec to start from: two steps and nothing optional.
pub(crate) fn minimal() -> Value {
    json!({
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"},
        "strategy": {"steps": [{"weight": 10}, {"weight": 50}]},
        "analysis": {"kafka": {"bootstrapServers": ["kafka:9092"], "consumerGroup": "orders"}},
    })
}

/// What the API server would say about an object with this spec; nothing if it would take it.
pub(crate) fn violations(spec: &Value, old: Option<&Value>) -> Vec<String> {
    let schema = &*SPEC;
    let defaulted = with_defaults(schema, spec);
    let mut found = Vec::new();
    bounds(schema, &defaulted, "spec", &mut found);
    let old = old.map(|it| with_defaults(schema, it));
    if let Err(broken) = Validator::new().validate(schema, &defaulted, old.as_ref()) {
        found.extend(broken.iter().map(|it| format!("spec.{}: {}", it.field_path, it.message)));
    }
    found
}

/// Schema of `spec`, from the CRD that is installed. Made once: hundreds of cases are held against it.
static SPEC: LazyLock<Value> = LazyLock::new(|| {
    let crd = serde_json::to_value(siskin_api::crd()).expect("the CRD is JSON");
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    crd.pointer(path).expect("the CRD has a schema of spec").clone()
});

fn with_defaults(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut filled = fields.clone();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if let (false, Some(default)) = (filled.contains_key(name), property.get("default"))
                {
                    filled.insert(name.clone(), default.clone());
                } else if let Some(field) = filled.get_mut(name) {
                    *field = with_defaults(property, field);
                }
            }
            Value::Object(filled)
        }
        Value::Array(items) => items.iter().map(|it| with_defaults(&schema["items"], it)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn bounds(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let mut refuse = |broken: bool, keyword: &str| {
        if broken {
            found.push(format!("{path}: {keyword} {}", schema[keyword]));
        }
    };
    let limit = |keyword: &str| schema[keyword].as_f64();
    match value {
        Value::Number(number) => {
            refuse(schema["type"] != "integer", "type");
            let number = number.as_f64().unwrap_or(f64::NAN);
            refuse(limit("minimum").is_some_and(|it| number < it), "minimum");
            refuse(limit("maximum").is_some_and(|it| it < number), "maximum");
        }
        Value::String(text) => {
            refuse(schema["type"] != "string", "type");
            let chars = f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
            refuse(limit("minLength").is_some_and(|it| chars < it), "minLength");
            refuse(limit("maxLength").is_some_and(|it| it < chars), "maxLength");
            let listed = schema["enum"].as_array().is_none_or(|it| it.contains(value));
            refuse(!listed, "enum");
            let pattern = schema["pattern"].as_str().map(regex::Regex::new);
            refuse(pattern.is_some_and(|it| it.is_ok_and(|it| !it.is_match(text))), "pattern");
        }
        Value::Array(items) => {
            refuse(schema["type"] != "array", "type");
            let count = f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
            refuse(limit("minItems").is_some_and(|it| count < it), "minItems");
            refuse(limit("maxItems").is_some_and(|it| it < count), "maxItems");
            for (index, item) in items.iter().enumerate() {
                bounds(&schema["items"], item, &format!("{path}[{index}]"), found);
            }
        }
        Value::Object(fields) => {
            refuse(schema["type"] != "object", "type");
            let required = schema["required"].as_array().into_iter().flatten();
            let missing = required.filter_map(Value::as_str).any(|it| !fields.contains_key(it));
            refuse(missing, "required");
            for (name, field) in fields {
                let property = &schema["properties"][name];
                assert!(property.is_object(), "{path}.{name} is not in the schema");
                bounds(property, field, &format!("{path}.{name}"), found);
            }
        }
        Value::Bool(_) => refuse(schema["type"] != "boolean", "type"),
        Value::Null => refuse(true, "nullable"),
    }
}
