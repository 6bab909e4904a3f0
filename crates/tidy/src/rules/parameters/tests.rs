//! Parameter lists that are refused, and those that are not.
//! Small inputs only.

use super::check;
use crate::source::Source;
use crate::workspace::Workspace;

fn lines(text: &str) -> Vec<usize> {
    let sources =
        [Source::new("a/Cargo.toml", "[package]\nname = \"a\""), Source::new("a/src/lib.rs", text)];
    check(&Workspace::new(&sources)).iter().map(|finding| finding.line).collect()
}

#[test]
fn a_tuple_pattern_in_a_parameter_list_is_refused() {
    assert_eq!(lines("fn f((a, b): (u8, u8)) {}"), [1]);
    assert_eq!(lines("impl A { fn f<T: Fn(u8) -> u8>(\n&self,\n&(a, b): &(T, u8)) {} }"), [3]);
    assert_eq!(lines("fn f(#[allow(x)] mut (a, b): (u8, u8)) {}"), [1]);
}

#[test]
fn a_closure_may_take_a_tuple_apart() {
    assert_eq!(lines("fn f(x: (u8, u8), g: fn((u8, u8))) { v.map(|(a, b)| a + b); }"), [0; 0]);
}

#[test]
fn a_named_pattern_may_be_taken_apart() {
    assert_eq!(lines("async fn f(State(a): State<A>, Point { x, y }: Point) {}"), [0; 0]);
}

#[test]
fn six_parameters_are_refused() {
    assert_eq!(
        lines("fn f(&self, a: A<B, C>, b: (A, B), c: [u8; 2], d: impl Fn(A, B) -> C) {}"),
        [0; 0]
    );
    assert_eq!(lines("fn f(&self, a: A, b: B, c: C, d: D, e: E) {}"), [1]);
}
