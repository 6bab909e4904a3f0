//! Inside a crate nobody imports through its root: a path names the file that defines the item.
//! Other crates come in by that door, and are not looked at here.

use crate::finding::Finding;
use crate::graph::Arrow;
use crate::workspace::Workspace;

/// Looks for imports by way of a re-export in the crate's own root.
pub fn check(workspace: &Workspace<'_>, arrows: &[Arrow]) -> Vec<Finding> {
    let through = arrows.iter().filter(|arrow| arrow.through_root);
    let finding = |arrow: &Arrow| {
        let defined = workspace.within_package(&workspace.files[arrow.to]);
        let what = format!(
            "imports through the crate's root; name the item where it is defined, in {defined}"
        );
        Finding::new(workspace.files[arrow.from].path, arrow.line, "front door", what)
    };
    through.map(finding).collect()
}
