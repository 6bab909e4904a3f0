//! How comments and defaults of `values.yaml` are told apart, and that the chart's own files agree.
//! Renders nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::copies::FILES;
use crate::{CHART, made, repository};

const TEXT: &str = "\
# On the file.

# The first: one line
# and another.
first: a
group:
  # Inside | the group.
  list:
  - x: 1
    # On a part of a default.
    y: 2
  # The last.
  last: {}
";

#[test]
fn a_key_under_a_comment_is_a_value_with_all_that_is_below_it() {
    let row = |path: &str, default: Value, comment: &str| Documented {
        path: path.to_owned(),
        default,
        comment: comment.to_owned(),
    };
    let expected = [
        row("first", json!("a"), "The first: one line and another."),
        row("group.list", json!([{"x": 1, "y": 2}]), "Inside | the group."),
        row("group.last", json!({}), "The last."),
    ];
    assert_eq!(documented(TEXT).unwrap(), expected);
    assert!(table(TEXT).unwrap().contains("Inside \\| the group."));
}

#[test]
fn a_value_without_a_comment_is_an_error() {
    let error = documented("group:\n  bare: 1\n").unwrap_err().to_string();
    assert_eq!(error, "group.bare has no comment");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    entries.flat_map(|it| if it.is_dir() { files_below(&it) } else { vec![it] }).collect()
}

#[test]
fn what_is_committed_is_what_is_made() {
    let (repository, chart) = (repository(), repository().join(CHART));
    let made = made(&repository).unwrap();
    for (path, text) in &made {
        let committed = fs::read_to_string(chart.join(path)).unwrap_or_default();
        assert!(committed == *text, "run `cargo chart` and commit {}", path.display());
    }
    for file in files_below(&chart.join(FILES)) {
        let path = file.strip_prefix(&chart).unwrap();
        assert!(made.contains_key(path), "run `cargo chart`: {} is of nothing", path.display());
    }
}

/// Paths of the schema's properties, down to those that have none of their own.
fn properties(schema: &Value, path: &str) -> Vec<String> {
    let Some(inner) = schema["properties"].as_object() else { return vec![path.to_owned()] };
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    inner.iter().flat_map(|(key, inner)| properties(inner, &join(key))).collect()
}

#[test]
fn the_schema_knows_the_values_and_no_other() {
    let chart = repository().join(CHART);
    let schema = fs::read_to_string(chart.join("values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let values = documented(&fs::read_to_string(chart.join("values.yaml")).unwrap()).unwrap();
    let values: BTreeSet<String> = values.into_iter().map(|it| it.path).collect();
    let helms_own = |it: &String| it == "global";
    let known: BTreeSet<String> =
        properties(&schema, "").into_iter().filter(|it| !helms_own(it)).collect();
    assert_eq!(known, values);
}
