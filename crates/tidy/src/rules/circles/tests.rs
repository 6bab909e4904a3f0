//! Circles that are found, and how they are told.
//! Small inputs only.

use super::check;
use crate::graph::arrows;
use crate::source::Source;
use crate::workspace::Workspace;

fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let mut sources = vec![Source::new("a/Cargo.toml", "[package]\nname = \"a-b\"")];
    sources.extend(files.iter().map(|(path, text)| Source::new(&format!("a/{path}"), text)));
    let workspace = Workspace::new(&sources);
    check(&workspace, &arrows(&workspace)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_circle_is_refused_and_told_as_a_path() {
    let found = circles(&[
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::b::B;\npub struct A(B);"),
        ("src/b.rs", "\npub struct B(super::c::C);"),
        ("src/c.rs", "use crate::a;\npub struct C(Option<Box<a::A>>);"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("circle: src/a.rs:1 -> src/b.rs:2 -> src/c.rs:2 -> src/a.rs; "),
        "{found:?}"
    );
}

#[test]
fn a_parent_may_re_export_its_children() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "mod b; mod c; pub use b::B;"),
        ("src/a/b.rs", "use super::c::C; pub struct B(C);"),
        ("src/a/c.rs", "pub struct C;"),
    ];
    assert_eq!(circles(&files), [""; 0]);
}

#[test]
fn a_child_that_imports_what_its_parent_defines_makes_a_circle() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "mod b; pub use b::B; pub struct A;"),
        ("src/a/b.rs", "use super::A; pub struct B(A);"),
    ];
    assert!(circles(&files)[0].contains("src/a.rs:1 -> src/a/b.rs:1 -> src/a.rs; "));
}

#[test]
fn a_re_export_is_followed_to_the_file_that_defines() {
    let files = [
        ("src/lib.rs", "mod a; mod b; pub use a::{inner::A};"),
        ("src/a.rs", "pub mod inner; use crate::b::B; fn f(_: B) {}"),
        ("src/a/inner.rs", "pub struct A;"),
        ("src/b.rs", "use crate::A; pub struct B(A);"),
    ];
    assert_eq!(circles(&files), [""; 0]);
}

#[test]
fn tests_may_import_what_they_test() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "#[cfg(test)] mod tests; #[cfg(test)] use tests::given; pub struct A;"),
        ("src/a/tests.rs", "use super::*; use crate::a::A; pub fn given() {}"),
    ];
    assert_eq!(circles(&files), [""; 0]);
}

#[test]
fn a_knot_of_many_files_is_one_finding() {
    let found = circles(&[
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::b::B; pub struct A;"),
        ("src/b.rs", "use crate::{a::A, c::C}; pub struct B;"),
        ("src/c.rs", "use crate::a::A; pub struct C;"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("(3 files can reach each other)"));
}
