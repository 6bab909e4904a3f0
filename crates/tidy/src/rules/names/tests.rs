//! When a bare name is refused.
//! Small inputs only.

use super::check;
use crate::source::Source;
use crate::workspace::Workspace;

fn found(a: &str, b: &str) -> Vec<String> {
    let sources = [
        Source::new("a/Cargo.toml", "[package]\nname = \"a\""),
        Source::new("a/src/a.rs", a),
        Source::new("a/src/b.rs", b),
    ];
    check(&Workspace::new(&sources)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_bare_name_that_is_taken_is_refused() {
    let found = found("pub struct Step;", "\nenum Step { A }");
    assert_eq!(
        found,
        [
            "a/src/b.rs:2: names: `Step` is defined at a/src/a.rs:1 as well; say in the name what it is of"
        ]
    );
}

#[test]
fn a_name_with_a_noun_is_free() {
    assert_eq!(found("pub struct Step;", "enum PlanStep { Step } use super::Step;"), [""; 0]);
}
