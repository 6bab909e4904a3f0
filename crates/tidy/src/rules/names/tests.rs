//! When a bare name is refused.
//! Small inputs only.

use super::check;
use crate::source::Source;
use crate::workspace::Workspace;

fn found(root: &str, path: &str, text: &str) -> Vec<String> {
    let sources = [
        Source::new("crates/api/Cargo.toml", "[package]\nname = \"api\""),
        Source::new("crates/api/src/lib.rs", root),
        Source::new(path, text),
    ];
    check(&Workspace::new(&sources)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_bare_name_that_is_taken_is_refused() {
    let found = found("mod a;", "crates/api/src/a.rs", "\nenum Step { A }");
    let expected = "crates/api/src/a.rs:2: names: `Step` says too little and belongs to ";
    assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
}

#[test]
fn its_owner_has_a_bare_name() {
    assert_eq!(found("mod strategy;", "crates/api/src/strategy.rs", "pub struct Step;"), [""; 0]);
}

#[test]
fn a_name_with_a_noun_is_free() {
    let text = "enum PlanStep { Step } use super::Step;";
    assert_eq!(found("mod a;", "crates/api/src/a.rs", text), [""; 0]);
}

#[test]
fn tests_may_use_a_bare_name() {
    let root = "#[cfg(test)] mod a;";
    assert_eq!(found(root, "crates/api/src/a.rs", "struct Step;"), [""; 0]);
}
