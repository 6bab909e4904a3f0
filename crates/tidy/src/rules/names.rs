//! Bare names that one type of the workspace has, and no other may take.
//! A second type says with a noun what it is of: `AttemptOutcome`, not `Outcome`.

#[cfg(test)]
mod tests;

use crate::finding::Finding;
use crate::workspace::{RustFile, Workspace};

/// Names that say so little that a reader must know which of several is meant.
const BARE: [&str; 14] = [
    "Kind", "Told", "Outcome", "Standing", "Counts", "Limits", "Step", "Record", "Reading",
    "Names", "Evidence", "Summary", "Question", "Pod",
];

/// Looks for bare names that are defined more than once.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in BARE {
        let places: Vec<_> = workspace
            .files
            .iter()
            .flat_map(|file| definitions(file, name).into_iter().map(move |line| (file.path, line)))
            .collect();
        let Some(((owner, at), rest)) = places.split_first() else { continue };
        for (path, line) in rest {
            let what = format!(
                "`{name}` is defined at {owner}:{at} as well; say in the name what it is of"
            );
            findings.push(Finding::new(path, *line, "names", what));
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
