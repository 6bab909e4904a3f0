//! Holds the tree to the table of rooms: crates by their manifests, rooms by the arrows between files.
//! Test code may import anything, and a crate without rooms in the table is one room.

use std::collections::HashSet;

use crate::finding::Finding;
use crate::graph::Arrow;
use crate::rooms::table::{CrateRow, Table};
use crate::workspace::{Package, Workspace};

const RULE: &str = "rooms";
const TABLE: &str = "crates/tidy/rooms.txt";

/// Looks for what the table does not allow, and for rows that the tree does not have.
pub fn check(workspace: &Workspace<'_>, table: &Table<'_>, arrows: &[Arrow]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        if let Some(row) = table.crates.iter().find(|row| row.name == package.name) {
            findings.extend(dependencies(workspace, package, row));
            findings.extend(imports(workspace, row, arrows));
            findings.extend(rows(workspace, package, row));
        } else {
            let manifest = format!("{}Cargo.toml", package.folder);
            let name = package.name;
            let what =
                format!("`{name}` has no row in {TABLE}; say there what it is and may not do");
            findings.push(Finding::new(&manifest, 0, RULE, what));
        }
    }
    let gone =
        table.crates.iter().filter(|row| workspace.packages.iter().all(|it| it.name != row.name));
    let gone = gone.map(|row| {
        Finding::new(TABLE, row.line, RULE, format!("no package is named `{}`", row.name))
    });
    findings.extend(gone);
    findings
}

fn dependencies(
    workspace: &Workspace<'_>,
    package: &Package<'_>,
    row: &CrateRow<'_>,
) -> Vec<Finding> {
    let ours = |name: &str| workspace.packages.iter().any(|package| package.name == name);
    let refused =
        |name: &&&str| row.never.contains(*name) || (ours(name) && !row.may_use.contains(*name));
    let refused = package.manifest.dependencies.iter().filter(refused);
    let finding = |name: &&str| {
        let what = format!("`{}` may not depend on `{name}`: {}", row.name, row.invariant);
        Finding::new(&format!("{}Cargo.toml", package.folder), 0, RULE, what)
    };
    refused.map(finding).collect()
}

/// The room of a file: the longest name in the table that its path below `src` starts with, or the first step of that path.
fn room<'a>(workspace: &Workspace<'a>, row: &CrateRow<'a>, file: usize) -> Option<&'a str> {
    let below = workspace.within_package(&workspace.files[file]).strip_prefix("src/")?;
    let below = below.strip_suffix(".rs").unwrap_or(below);
    let holds = |name: &&str| {
        below.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let named = row.rooms.iter().flat_map(|room| room.names.iter().copied()).filter(holds);
    named.max_by_key(|name| name.len()).or_else(|| below.split('/').next())
}

fn is_of(workspace: &Workspace<'_>, file: usize, row: &CrateRow<'_>) -> bool {
    workspace.package_of(&workspace.files[file]).name == row.name
}

fn imports(workspace: &Workspace<'_>, row: &CrateRow<'_>, arrows: &[Arrow]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for arrow in arrows {
        if !is_of(workspace, arrow.from, row) || !is_of(workspace, arrow.to, row) {
            continue;
        }
        let (Some(from), Some(to)) =
            (room(workspace, row, arrow.from), room(workspace, row, arrow.to))
        else {
            continue;
        };
        let Some(rights) = row.rooms.iter().find(|it| it.names.contains(&from)) else { continue };
        if from == to || rights.may_use.contains(&to) {
            continue;
        }
        let file = &workspace.files[arrow.from];
        let imported = workspace.within_package(&workspace.files[arrow.to]);
        let what = format!(
            "`{from}` may not import `{to}` ({imported}): {} Move the item down, or pass what is needed as a parameter",
            rights.invariant
        );
        findings.push(Finding::new(file.path, arrow.line, RULE, what));
    }
    findings
}

/// Rooms without a row, rows without a room, and rights to rooms that are not there.
fn rows(workspace: &Workspace<'_>, package: &Package<'_>, row: &CrateRow<'_>) -> Vec<Finding> {
    if row.rooms.is_empty() {
        return Vec::new();
    }
    let files = (0..workspace.files.len()).filter(|file| is_of(workspace, *file, row));
    let rooms: HashSet<&str> = files.filter_map(|file| room(workspace, row, file)).collect();
    let named =
        || row.rooms.iter().flat_map(|it| it.names.iter().map(move |name| (*name, it.line)));
    let uses = row.rooms.iter().flat_map(|it| it.may_use.iter().map(move |name| (*name, it.line)));
    let known: HashSet<&str> = named().map(|(name, _)| name).collect();
    let mut missing: Vec<_> = rooms.iter().filter(|room| !known.contains(*room)).collect();
    missing.sort_unstable();
    let missing = missing.into_iter().map(|room| (row.line, format!("room `{room}` has no row")));
    let gone = named().chain(uses).filter(|(name, _)| !rooms.contains(name));
    let gone = gone.map(|(name, line)| (line, format!("there is no room `{name}`")));
    let manifest = format!("{}Cargo.toml", package.folder);
    let finding =
        |(line, what)| Finding::new(&manifest, 0, RULE, format!("{what} ({TABLE}:{line})"));
    missing.chain(gone).map(finding).collect()
}
