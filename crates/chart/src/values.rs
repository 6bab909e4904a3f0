//! `values.yaml` as a table for people: each value with its default and the comment above it.
//! A key under a comment is a value; a key without one is a group of values.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

const BEGIN: &str = "<!-- values: written by `cargo chart` from values.yaml -->\n";
const END: &str = "<!-- /values -->";

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Documented {
    /// Keys from the root, joined by dots.
    pub path: String,
    /// What holds if nobody sets it.
    pub default: Value,
    /// What it is for.
    pub comment: String,
}

/// The values in the order of the file.
///
/// # Errors
/// If the text is no YAML, or a value has no comment.
pub fn documented(text: &str) -> Result<Vec<Documented>> {
    let all: Value = serde_yaml_ng::from_str(text)?;
    let mut found = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    // Keys of the groups that the line is in, and the depth below which everything belongs to a value.
    let (mut groups, mut inside): (Vec<&str>, Option<usize>) = (Vec::new(), None);
    for line in text.lines() {
        let content = line.trim_start();
        let depth = (line.len() - content.len()) / 2;
        if content.is_empty() {
            // A comment on the file, not on what follows.
            comment.clear();
            continue;
        }
        if inside.is_some_and(|it| it < depth || content.starts_with('-')) {
            continue;
        }
        inside = None;
        if let Some(words) = content.strip_prefix('#') {
            comment.push(words.trim());
            continue;
        }
        let (key, default) =
            content.split_once(':').with_context(|| format!("{line} has no key"))?;
        groups.truncate(depth);
        groups.push(key);
        if comment.is_empty() {
            if !default.trim().is_empty() {
                bail!("{} has no comment", groups.join("."));
            }
            continue;
        }
        inside = Some(depth);
        let pointer = format!("/{}", groups.join("/"));
        let default = all.pointer(&pointer).with_context(|| format!("{pointer} is no value"))?;
        found.push(Documented {
            path: groups.join("."),
            default: default.clone(),
            comment: std::mem::take(&mut comment).join(" "),
        });
    }
    Ok(found)
}

/// The table in Markdown.
///
/// # Errors
/// Those of [`documented`].
pub fn table(text: &str) -> Result<String> {
    let mut table = String::from("| value | default | |\n|---|---|---|\n");
    for it in documented(text)? {
        let default = serde_json::to_string(&it.default)?;
        let row = format!("| `{}` | `{default}` | {} |\n", it.path, it.comment.replace('|', "\\|"));
        table.push_str(&row);
    }
    Ok(table)
}

/// A page with the table between its marks.
///
/// # Errors
/// If the page lacks a mark.
pub(crate) fn filled_in(page: &str, table: &str) -> Result<String> {
    let (before, rest) =
        page.split_once(BEGIN).context("README.md lacks the mark of the values")?;
    let (_, after) = rest.split_once(END).context("README.md lacks the mark after the values")?;
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests;
