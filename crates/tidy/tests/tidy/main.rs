//! The rules of the house, over the whole tree.
//! Says what each rule refuses in one line per place; `cargo tidy` prints the same.

use std::path::Path;

use tidy::{ROOMS, Table, Workspace, findings, read_tree};

#[test]
fn the_tree_keeps_the_rules_of_the_house() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = read_tree(&root).expect("the tree is readable");
    let table = Table::read(ROOMS).expect("rows of three cells");
    let findings = findings(&Workspace::new(&sources), &table);
    let broken: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{} findings\n{}", broken.len(), broken.join("\n"));
}
