//! JSON as the API server writes it: what it is given in this form it gives back unchanged.
//! Pure: sends nothing.

use serde::Serialize;
use serde_json::{Map, Value};

/// Characters that Go's encoder escapes, and with it the API server, whenever it writes JSON.
const ESCAPED: [(char, &str); 5] = [
    ('<', "\\u003c"),
    ('>', "\\u003e"),
    ('&', "\\u0026"),
    ('\u{2028}', "\\u2028"),
    ('\u{2029}', "\\u2029"),
];

/// The bytes of an object as the API server would write them: no space, fields of free-form parts
/// in the order of their names, `<`, `>`, `&`, U+2028 and U+2029 escaped.
///
/// Free-form parts (the data of a `ControllerRevision`) are kept byte by byte as they were sent,
/// compared byte by byte, and escaped by every patch: sent in any other form, they would change by
/// the first patch of something else, which the API server refuses.
pub(crate) fn as_written_by_the_server(object: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let text = sorted(serde_json::to_value(object)?).to_string();
    let mut written = String::with_capacity(text.len());
    for it in text.chars() {
        match ESCAPED.iter().find(|(char, _)| *char == it) {
            // Outside of texts no such character stands in JSON.
            Some((_, escape)) => written.push_str(escape),
            None => written.push(it),
        }
    }
    Ok(written.into_bytes())
}

/// Fields in the order of their bytes, whatever order `serde_json` was built to keep.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let fields = fields.into_iter().map(|(name, value)| (name, sorted(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_go_escapes_is_escaped_and_means_the_same() {
        let value = json!({"b<": "a && b > c \u{2028}\u{2029}\u{7f}é😀\u{1}\n\"\\", "a&": [1, {"z": 1, "y": -2}]});
        let bytes = as_written_by_the_server(&value).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let expected = "{\"a\\u0026\":[1,{\"y\":-2,\"z\":1}],\
            \"b\\u003c\":\"a \\u0026\\u0026 b \\u003e c \\u2028\\u2029\u{7f}é😀\\u0001\\n\\\"\\\\\"}";
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(as_written_by_the_server(&value).unwrap(), text.as_bytes(), "and stays so");
    }
}
