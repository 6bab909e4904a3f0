//! Lists that may be absent, and what their elements may not share.
//! Knows no field.

use std::collections::BTreeSet;

use serde_json::Value;

/// The elements of a list; none of one that is not there.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Says that two have one name, or some other thing that they may not share.
pub(super) fn differ<T: Ord>(
    what: &str,
    all: impl IntoIterator<Item = T>,
    found: &mut Vec<String>,
) {
    let mut seen = BTreeSet::new();
    if !all.into_iter().all(|it| seen.insert(it)) {
        found.push(format!("{what}: two are the same"));
    }
}
