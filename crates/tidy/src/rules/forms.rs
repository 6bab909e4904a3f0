//! One form for modules, one for tests: the file beside its folder, and tests in a file `tests` below what they test.
//! Looks at names and places of files, not at what they do.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::finding::Finding;
use crate::graph::modules::{ModuleTree, is_root};
use crate::workspace::{Package, Workspace};

/// Inline tests of more lines hide the code above them.
const LONGEST_INLINE_TESTS: usize = 60;

/// Looks at every file and every package.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let tree = ModuleTree::new(workspace);
    let reached: HashSet<usize> = tree.modules.iter().map(|module| module.file).collect();
    let mut findings = Vec::new();
    for (at, file) in workspace.files.iter().enumerate() {
        let mut find =
            |line, what: String| findings.push(Finding::new(file.path, line, "forms", what));
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if name == "mod.rs" {
            find(
                0,
                "a module's file stands beside its folder: name it as the folder, with `.rs`"
                    .to_owned(),
            );
        }
        if name.ends_with("_tests.rs") {
            find(0, "tests of a file stand in its folder, as `tests`".to_owned());
        }
        if !reached.contains(&at) {
            find(0, "no `mod` leads to this file; declare it or delete it".to_owned());
        }
        for tests in &file.outline.inline_tests {
            if tests.length > LONGEST_INLINE_TESTS {
                let what = format!(
                    "inline tests of {} lines, at most {LONGEST_INLINE_TESTS}; move them to a file `tests` in its folder",
                    tests.length
                );
                find(tests.line, what);
            }
        }
    }
    findings
        .extend(workspace.packages.iter().filter_map(|package| many_binaries(workspace, package)));
    findings
}

/// Each test binary is linked on its own, which takes seconds: a package has one, besides those that no test run starts.
fn many_binaries(workspace: &Workspace<'_>, package: &Package<'_>) -> Option<Finding> {
    let files =
        workspace.files.iter().filter(|file| workspace.package_of(file).folder == package.folder);
    let tests = files.map(|file| workspace.within_package(file));
    let tests = tests.filter(|path| path.starts_with("tests/") && is_root(path));
    let tests: Vec<_> =
        tests.filter(|path| !package.manifest.unstarted_tests.contains(path)).collect();
    let what = format!(
        "{} test binaries ({}); one `main` with modules is enough",
        tests.len(),
        tests.join(", ")
    );
    (tests.len() > 1)
        .then(|| Finding::new(&format!("{}Cargo.toml", package.folder), 0, "forms", what))
}
