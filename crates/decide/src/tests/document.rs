//! `docs/architecture/state-table.md` says what the code does: its blocks are rendered from the code.
//! Reads one file of the source tree and nothing else.

use std::fmt::Write as _;

use strum::IntoEnumIterator;

use crate::plan::Held;
use crate::revision::Cause;
use crate::tests::edges::EDGES;

/// The state table as people read it.
pub(super) const PAGE: &str = include_str!("../../../../docs/architecture/state-table.md");

/// What stands between the comments `name` and `/name`.
fn block(name: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("<!-- {name} -->\n")).expect("the block begins");
    let (block, _) = rest.split_once(&format!("<!-- /{name} -->")).expect("the block ends");
    block
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).expect("strings take everything");
    }
    text
}

fn yes(it: bool) -> String {
    if it { "yes".into() } else { String::new() }
}

#[test]
fn the_declared_edges_are_those_of_the_page() {
    let rows = EDGES.iter().map(|(from, to)| [format!("{from:?}"), format!("{to:?}")]);
    assert_eq!(block("edges"), table(["from", "to"], rows));
}

#[test]
fn the_reasons_that_hold_are_those_of_the_page() {
    let rows = Held::iter().map(|it| [format!("{it:?}"), yes(it.stalled())]);
    assert_eq!(block("held"), table(["reason", "stalled"], rows));
}

#[test]
fn the_causes_are_those_of_the_page() {
    let rows =
        Cause::iter().map(|it| [format!("{it:?}"), yes(it.rejects()), yes(it.is_immediate())]);
    assert_eq!(block("causes"), table(["cause", "rejects", "at once"], rows));
}
