//! Which file imports which: each path followed, through re-exports, to the file that defines what it names.
//! Knows no rule. Test code has no arrows.

pub mod modules;
mod resolve;

#[cfg(test)]
mod tests;

use crate::graph::modules::{ModuleTree, is_source_root};
use crate::graph::resolve::{Resolver, Target};
use crate::workspace::Workspace;

/// An import: a line of one file needs another file of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// Index of the file that imports.
    pub from: usize,
    /// Index of the file that is imported.
    pub to: usize,
    /// Line of the import.
    pub line: usize,
    /// Whether the first step of the path, from the crate's own root, is a re-export in that root.
    pub through_root: bool,
}

/// All arrows of the workspace's code, in order of files; one per pair of files and kind.
pub fn arrows(workspace: &Workspace<'_>) -> Vec<Arrow> {
    let tree = ModuleTree::new(workspace);
    let resolver = Resolver::new(workspace, &tree);
    let mut arrows = Vec::new();
    for (module, it) in tree.modules.iter().enumerate() {
        if it.test || !is_source_root(workspace, it.root) {
            continue;
        }
        let scope = &workspace.files[it.file].outline.scopes[it.scope];
        let imports =
            scope.imports.iter().map(|import| (&import.path, import.name == "*", import.line));
        let paths = scope.paths.iter().map(|path| (&path.path, false, path.line));
        for (path, glob, line) in imports.chain(paths) {
            let to = match resolver.resolve(module, path) {
                Target::Item(file) => file,
                Target::Module(target) if glob => tree.modules[target].file,
                Target::Module(_) | Target::Foreign => continue,
            };
            let through_root = resolver.leads_through_root(module, path);
            if to != it.file || through_root {
                arrows.push(Arrow { from: it.file, to, line, through_root });
            }
        }
    }
    arrows.sort_by_key(|arrow| (arrow.from, arrow.to, arrow.through_root, arrow.line));
    arrows.dedup_by_key(|arrow| (arrow.from, arrow.to, arrow.through_root));
    arrows
}
