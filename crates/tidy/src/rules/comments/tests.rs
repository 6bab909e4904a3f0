//! Comments that are refused, and those that are not.
//! Small inputs only.

use super::check;
use crate::source::Source;
use crate::workspace::Workspace;

fn found(text: &str) -> Vec<String> {
    let sources = [
        Source::new("a/Cargo.toml", "[package]\nname = \"a\""),
        Source::new("a/src/lag/column.rs", text),
    ];
    check(&Workspace::new(&sources)).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_comment_that_names_a_missing_file_is_refused() {
    assert_eq!(
        found("// See `lags.rs`."),
        ["the comment names `lags.rs`, which is not in the tree"]
    );
    assert_eq!(found("// See `column.rs`, lag/column.rs and https://docs.rs/a/x.rs."), [""; 0]);
}

#[test]
fn a_doc_comment_that_leans_on_its_neighbor_is_refused() {
    assert_eq!(found("/// A.\nfn a() {}\n/// The same for b.\nfn b() {}").len(), 1);
    assert_eq!(found("/// Of each pod.\nfn a() {}\n/// That one.\nfn b() {}").len(), 2);
    assert_eq!(
        found("/// The sameness\n/// Of it.\nfn a() {}\n// That is why.\n/// Offset."),
        [""; 0]
    );
}
