//! Parts of a manifest that rules speak of: elements, containers, fields however deep.
//! Knows no rule.

use serde_json::{Map, Value, json};

/// The elements of a list that may be absent.
pub(super) fn each<'a>(of: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    of.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

/// The containers of a pod, of both kinds.
pub(super) fn each_container(spec: &mut Value) -> impl Iterator<Item = &mut Value> {
    let fields = spec.as_object_mut().into_iter().flat_map(Map::iter_mut);
    let lists = fields.filter(|(name, _)| matches!(&***name, "containers" | "initContainers"));
    lists.filter_map(|(_, list)| list.as_array_mut()).flatten()
}

/// Every value of a field of this name, however deep.
pub(super) fn everywhere(value: &mut Value, field: &str, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                everywhere(value, field, change);
                if name == field {
                    change(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| everywhere(it, field, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Takes fields out.
pub(super) fn remove(of: &mut Value, fields: &[&str]) {
    if let Some(all) = of.as_object_mut() {
        all.retain(|name, _| !fields.contains(&name.as_str()));
    }
}

/// Names elements by their place.
pub(super) fn number_names(list: &mut Value, prefix: &str) {
    for (index, it) in list.as_array_mut().into_iter().flatten().enumerate() {
        it["name"] = json!(format!("{prefix}{index}"));
    }
}

/// Keeps the first of those elements that are the same by something.
pub(super) fn keep_different(list: Option<&mut Value>, by: impl Fn(&Value) -> Value) {
    let mut seen = Vec::new();
    if let Some(list) = list.and_then(Value::as_array_mut) {
        list.retain(|it| {
            let new = !seen.contains(&by(it));
            seen.push(by(it));
            new
        });
    }
}
