//! Arrows of small trees: which file a path leads to.
//! No rule is asked.

use super::arrows;
use crate::source::Source;
use crate::workspace::Workspace;

fn shown(files: &[(&str, &str)]) -> Vec<String> {
    let mut sources = vec![
        Source::new("a/Cargo.toml", "[package]\nname = \"a-b\""),
        Source::new("c/Cargo.toml", "[package]\nname = \"c\""),
    ];
    sources.extend(files.iter().map(|(path, text)| Source::new(path, text)));
    let workspace = Workspace::new(&sources);
    let name = |file: usize| workspace.files[file].path;
    arrows(&workspace)
        .iter()
        .map(|it| format!("{}:{} {}", name(it.from), it.line, name(it.to)))
        .collect()
}

#[test]
fn another_crate_is_entered_by_its_library_and_followed_to_the_file() {
    let files = [
        ("a/src/lib.rs", "pub mod x; pub use x::y::Y as Z;"),
        ("a/src/x.rs", "pub mod y;"),
        ("a/src/x/y.rs", "pub struct Y;"),
        ("c/src/main.rs", "use a_b::Z; use serde::A;"),
    ];
    assert_eq!(shown(&files), ["a/src/lib.rs:1 a/src/x/y.rs", "c/src/main.rs:1 a/src/x/y.rs"]);
}

#[test]
fn a_name_that_a_glob_brings_in_is_followed() {
    let files = [
        ("a/src/lib.rs", "mod x; mod z; mod w;"),
        ("a/src/x.rs", "pub use crate::z::*;"),
        ("a/src/z.rs", "pub struct Z;"),
        ("a/src/w.rs", "\nuse crate::x::Z; use kube::*; use strum::*; fn f() { foreign::g() }"),
    ];
    assert_eq!(shown(&files), ["a/src/x.rs:1 a/src/z.rs", "a/src/w.rs:2 a/src/z.rs"]);
}

#[test]
fn an_item_and_a_module_of_one_name_keep_apart() {
    let files = [
        ("a/src/lib.rs", "mod x; mod z;"),
        ("a/src/x.rs", "mod explain; mod other; pub use other::explain;"),
        ("a/src/x/explain.rs", "pub struct E;"),
        ("a/src/x/other.rs", "pub fn explain() {}"),
        ("a/src/z.rs", "use crate::x::explain;\nuse crate::x::explain::E;"),
    ];
    assert_eq!(
        shown(&files)[1..],
        ["a/src/z.rs:2 a/src/x/explain.rs", "a/src/z.rs:1 a/src/x/other.rs"]
    );
}

#[test]
fn inline_modules_and_binaries_have_their_own_roots() {
    let files = [
        ("a/src/bin/d/main.rs", "mod e; mod f { use super::e::E; }"),
        ("a/src/bin/d/e.rs", "pub struct E; fn g() { crate::f::h() }"),
        ("a/tests/t.rs", "use a_b::x;"),
    ];
    let arrows =
        ["a/src/bin/d/e.rs:1 a/src/bin/d/main.rs", "a/src/bin/d/main.rs:1 a/src/bin/d/e.rs"];
    let mut found = shown(&files);
    found.sort();
    assert_eq!(found, arrows);
}
