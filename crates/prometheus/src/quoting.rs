//! Values as PromQL strings and patterns, so written that no value can leave its string.
//! Pure text; knows no label and no query.

use std::fmt::Write as _;
use std::sync::Arc;

/// A regular expression that matches exactly these names.
pub(crate) fn alternation(names: &[Arc<str>]) -> String {
    names.iter().map(|name| pattern_of(name)).collect::<Vec<_>>().join("|")
}

/// `value` in double quotes, as PromQL reads a string.
pub(crate) fn quoted(value: &str) -> String {
    format!("\"{}\"", escaped(value))
}

/// `value` for use inside a string of any kind: every quote in it is escaped by its number, every
/// backslash by another one.
pub(crate) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\'' | '`' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            control if control.is_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            plain => text.push(plain),
        }
    }
    text
}

/// `name` as a pattern for itself alone, escaped as by Go's `regexp.QuoteMeta`. `regex::escape`
/// also escapes `-` and `#`, which some RE2 front ends refuse.
fn pattern_of(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        if "\\.+*?()|[]{}^$".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}
