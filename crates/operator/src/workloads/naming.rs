//! Names of pod templates among the templates of one target. Pure.
//! Two templates are one only when their JSON is equal; a name that another one has is never taken.

use serde_json::Value;
use sha2::{Digest, Sha256};
use siskin_api::PodIdentity;
use siskin_decide::Revision;

use crate::workloads::canonical::leading_bits;
use crate::workloads::identity::Injected;
use crate::workloads::template::PodTemplate;

/// Names tried for one template. Each is taken only by another template of the same target that
/// collides with it, of which some twenty are kept.
const MAX_NAMES: u32 = 64;

/// A template that has a name already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    pub(crate) revision: Revision,
    pub(crate) template: &'a PodTemplate,
}

/// The name of a template among those that have one: its own, or the first that is free.
pub(crate) fn name_of(template: &PodTemplate, known: &[Named<'_>]) -> Revision {
    if let Some(own) = known.iter().find(|it| it.template == template) {
        return own.revision;
    }
    let key = template.content_key();
    let free = |name: &Revision| known.iter().all(|it| it.revision != *name);
    (0..MAX_NAMES).map(|n| nth_name(key, n)).find(free).unwrap_or(nth_name(key, MAX_NAMES))
}

/// Whether this template may have this name. `raw` is the JSON from which it was read: the first
/// release made its names from that.
pub(crate) fn may_have(template: &PodTemplate, raw: &Value, name: Revision) -> bool {
    let key = template.content_key();
    nth_name(key, 0) == name
        || first_form(raw) == name
        || (1..=MAX_NAMES).any(|n| nth_name(key, n) == name)
}

/// The template that a child runs, if it is the one of this name. `recorded` says what was injected;
/// the first release recorded nothing.
pub(crate) fn running(raw: &Value, recorded: Option<&str>, name: Revision) -> Option<PodTemplate> {
    let recorded = recorded.and_then(|it| it.parse().ok());
    let nothing = Injected::into(raw, &PodIdentity::None.into());
    let ways = [recorded, Some(Injected::guessed(raw)), Some(nothing)];
    let versions = ways.into_iter().flatten().map(|it| PodTemplate::of_child(raw, &it));
    versions.into_iter().find(|it| may_have(it, it.json(), name))
}

/// The first 40 bits of the content key; where those are taken, 40 bits of its digest with a number.
fn nth_name(key: u128, n: u32) -> Revision {
    let bits = if n == 0 {
        key
    } else {
        let numbered = Sha256::new().chain_update(key.to_be_bytes()).chain_update(n.to_be_bytes());
        leading_bits(numbered.finalize().as_slice())
    };
    Revision(u64::try_from(bits >> 88).unwrap_or(0))
}

/// The name that the first release gave a template. It kept elements of arrays together, so that
/// `[{a, b}]` and `[{a}, {b}]` had one name: it is accepted for what is frozen, never given.
fn first_form(raw: &Value) -> Revision {
    let mut text = String::new();
    write_first_form(raw, &mut text);
    Revision(u64::try_from(leading_bits(Sha256::digest(text).as_slice()) >> 88).unwrap_or(0))
}

fn write_first_form(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                text.push('{');
                text.push_str(&Value::from(name.as_str()).to_string());
                write_first_form(value, text);
                text.push('}');
            }
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_first_form(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
            text.push(',');
        }
    }
}

#[cfg(test)]
mod tests;
