//! Canonical JSON (RFC 8785): one text per value, whatever the order of its fields. Pure.
//! Names no Kubernetes field.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// First 128 bits of the SHA-256 of the canonical JSON.
pub(crate) fn content_key(value: &Value) -> u128 {
    leading_bits(Sha256::digest(canonical(value)).as_slice())
}

/// First 128 bits of a digest.
pub(crate) fn leading_bits(digest: &[u8]) -> u128 {
    digest.iter().take(16).fold(0, |key, byte| (key << 8) | u128::from(*byte))
}

/// The canonical text.
///
/// Differs from RFC 8785 in one point: integers beyond 2^53 keep all their digits, where the RFC
/// would round them to a double and give two numbers one text.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => write_object(fields, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if 0 < index {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Number(number) => text.push_str(&number_text(number)),
        // `serde_json` escapes what ECMAScript escapes, and nothing else.
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

/// Fields in the order of the UTF-16 code units of their names.
fn write_object(fields: &Map<String, Value>, text: &mut String) {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    text.push('{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if 0 < index {
            text.push(',');
        }
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => ecmascript(float),
        Some(_) | None => number.to_string(),
    }
}

/// `Number::toString` of ECMAScript: the shortest digits that give the same double back, with an
/// exponent below 1e-6 and from 1e21 on.
fn ecmascript(float: f64) -> String {
    if float == 0.0 {
        return "0".into();
    }
    let sign = if float < 0.0 { "-" } else { "" };
    let shortest = format!("{:e}", float.abs());
    // Of several shortest texts the closest, and of two of these the even one.
    let places = shortest.split('e').next().map_or(0, |it| it.len().saturating_sub(2));
    let shortest = format!("{:.places$e}", float.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.replace('.', "");
    // The value is 0.digits times ten to the power of `point`.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let number = match point {
        1..=21 if length <= point => format!("{digits}{}", zeros(point - length)),
        1..=21 => {
            let (whole, part) = digits.split_at(usize::try_from(point).unwrap_or(0));
            format!("{whole}.{part}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{first}{dot}{rest}e{:+}", point - 1)
        }
    };
    format!("{sign}{number}")
}

#[cfg(test)]
mod tests;
