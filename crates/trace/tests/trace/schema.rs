//! `docs/trace.schema.json`, and as much of JSON Schema as it uses.
//! Checks lines; reads no trace.

const SCHEMA: &str = include_str!("../../../../docs/trace.schema.json");

/// Whether a line is one by the schema.
pub(crate) fn in_schema(line: &str) -> bool {
    let schema = serde_json::from_str(SCHEMA).expect("JSON");
    check(&schema, &schema, &serde_json::from_str(line).expect("JSON"))
}

/// The keywords of JSON Schema that `docs/trace.schema.json` uses, and no others.
fn check(root: &serde_json::Value, schema: &serde_json::Value, value: &serde_json::Value) -> bool {
    let all = |rule: &serde_json::Value, holds: &dyn Fn(&serde_json::Value) -> bool| {
        rule.as_array().is_some_and(|list| list.iter().any(holds))
    };
    schema.as_object().expect("a schema").iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "$id" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let path = rule.as_str().and_then(|it| it.strip_prefix('#')).expect("local");
            check(root, root.pointer(path).expect("defined"), value)
        }
        "type" => all(&serde_json::json!([rule]), &|rule| is_of_type(rule, value)),
        "const" => rule == value,
        "enum" => all(rule, &|allowed| allowed == value),
        "oneOf" => {
            let options = rule.as_array().expect("a list").iter();
            options.filter(|option| check(root, option, value)).count() == 1
        }
        "required" => all_of(rule, |name| value.get(name).is_some()),
        "not" => !check(root, rule, value),
        "properties" => rule
            .as_object()
            .expect("fields")
            .iter()
            .all(|(name, rule)| value.get(name).is_none_or(|value| check(root, rule, value))),
        "items" => value.as_array().is_none_or(|list| list.iter().all(|it| check(root, rule, it))),
        "additionalProperties" => {
            value.as_object().is_none_or(|map| map.values().all(|it| check(root, rule, it)))
        }
        "minimum" => value.as_f64().is_none_or(|it| it >= rule.as_f64().expect("a number")),
        "maximum" => value.as_f64().is_none_or(|it| it <= rule.as_f64().expect("a number")),
        "exclusiveMinimum" => value.as_f64().is_none_or(|it| it > rule.as_f64().expect("number")),
        other => panic!("the test knows no {other}"),
    })
}

fn all_of(rule: &serde_json::Value, mut holds: impl FnMut(&str) -> bool) -> bool {
    rule.as_array().expect("a list").iter().all(|it| holds(it.as_str().expect("a name")))
}

fn is_of_type(rule: &serde_json::Value, value: &serde_json::Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    };
    rule.as_str().map_or_else(
        || rule.as_array().expect("types").iter().any(|it| is(it.as_str().expect("a name"))),
        is,
    )
}
