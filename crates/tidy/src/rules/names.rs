//! Bare names that one type of the workspace has, and no other may take.
//! A second type says with a noun what it is of: `AttemptOutcome`, not `Outcome`.

#[cfg(test)]
mod tests;

use crate::finding::Finding;
use crate::graph::modules::ModuleTree;
use crate::workspace::{RustFile, Workspace};

/// Names that say so little that a reader must know which type is meant, each with the file that
/// may define it. Without a file it is nobody's: none of its types was the obvious one.
const OWNERS: [(&str, &str); 14] = [
    ("Counts", "crates/decide/src/count.rs"),
    ("Evidence", "crates/decide/src/observed.rs"),
    ("Kind", "crates/analysis/src/counters/kind.rs"),
    ("Limits", "crates/decide/src/transfer.rs"),
    ("Names", "crates/decide/src/observed.rs"),
    ("Outcome", "crates/api/src/records.rs"),
    ("Pod", "crates/simulation/src/pod.rs"),
    ("Question", ""),
    ("Reading", "crates/prometheus/src/reading.rs"),
    ("Record", "crates/analysis/src/observation/record.rs"),
    ("Standing", ""),
    ("Step", "crates/api/src/strategy.rs"),
    ("Summary", "crates/analysis/src/summary.rs"),
    ("Told", ""),
];

/// Looks for bare names outside the file that owns them. Tests may call their types what they like.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let tree = ModuleTree::new(workspace);
    let mut findings = Vec::new();
    for at in tree.shipped_files(workspace) {
        let file = &workspace.files[at];
        for (name, owner) in OWNERS.iter().filter(|(_, owner)| *owner != file.path) {
            let whose =
                if owner.is_empty() { String::new() } else { format!(" and belongs to {owner}") };
            let what = format!("`{name}` says too little{whose}; say in the name what it is of");
            let lines = definitions(file, name).into_iter();
            findings.extend(lines.map(|line| Finding::new(file.path, line, "names", what.clone())));
        }
    }
    findings
}

/// Lines on which `file` defines a type of this name.
fn definitions(file: &RustFile<'_>, name: &str) -> Vec<usize> {
    let is_definition =
        |keyword: &str| ["struct", "enum", "union", "trait", "type"].contains(&keyword);
    let pairs = file.lexed.tokens.windows(2);
    let defined = pairs.filter(|pair| is_definition(pair[0].text) && pair[1].is_word(name));
    defined.map(|pair| pair[1].line).collect()
}
