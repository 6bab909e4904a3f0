//! What an outline holds, on small files.
//! No path is resolved here.

use crate::lexer::lex;
use crate::outline::items::{Outline, Scope};
use crate::outline::outline;

fn imports(text: &str) -> Vec<String> {
    let read = outline(&lex(text).tokens);
    let shown = read.scopes[0].imports.iter();
    shown.map(|import| format!("{} as {}", import.path.join("::"), import.name)).collect()
}

fn paths(scope: &Scope<'_>) -> Vec<String> {
    scope.paths.iter().map(|path| path.path.join("::")).collect()
}

fn read(text: &str) -> Outline<'_> {
    outline(&lex(text).tokens)
}

#[test]
fn nested_use_trees_are_flat() {
    let text = "pub(crate) use crate::{a::{self, B, c::*}, super_x as d, e};";
    let flat = [
        "crate::a as a",
        "crate::a::B as B",
        "crate::a::c as *",
        "crate::super_x as d",
        "crate::e as e",
    ];
    assert_eq!(imports(text), flat);
    assert_eq!(imports("use self::x; use ::y::Z as _;"), ["self::x as x", "y::Z as _"]);
}

#[test]
fn inline_paths_and_paths_in_attributes_count() {
    let text = "#[serde(with = \"crate::time::ms\")] struct A; fn f() -> super::b::C { x.parse::<u8>(); crate::d::e::<u8>() }";
    let read = read(text);
    assert_eq!(paths(&read.scopes[0]), ["crate::time::ms", "super::b::C", "crate::d::e"]);
    assert_eq!(read.scopes[0].items, ["A", "f"]);
}

#[test]
fn test_code_is_left_out() {
    let text = "#[cfg(test)] use a::b;\n#[cfg(test)]\nfn f() { c::d() }\n#[cfg(any(test, feature = \"testing\"))] pub mod given;
        struct S { #[cfg(test)] g: h::I, j: k::L }\n#[cfg(test)]\nmod tests {\n use m::n;\n}\n#[cfg(not(test))] use o::p;\nfn q() -> impl R + use<> {}";
    let read = read(text);
    let scope = &read.scopes[0];
    assert_eq!(scope.imports.len(), 1, "{:?}", scope.imports);
    assert_eq!(paths(scope), ["k::L"]);
    assert!(scope.modules[0].test);
    assert_eq!((read.inline_tests[0].line, read.inline_tests[0].length), (7, 3));
}

#[test]
fn inline_modules_have_scopes_of_their_own() {
    let read = read(
        "mod a { pub mod b { use super::X; } fn c() {} } #[path = \"d_e.rs\"] mod d; fn f() {}",
    );
    let names: Vec<_> = read.scopes.iter().map(|scope| (scope.name, scope.parent)).collect();
    assert_eq!(names, [("", None), ("a", Some(0)), ("b", Some(1))]);
    assert_eq!(read.scopes[0].modules[0].path, Some("d_e.rs"));
    assert_eq!((&read.scopes[0].items[..], &read.scopes[1].items[..]), (&["f"][..], &["c"][..]));
}
