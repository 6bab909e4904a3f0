//! The rules, one file each, over the whole workspace.
//! A rule looks and reports; it mends nothing.

pub mod changelog;
pub mod circles;
pub mod comments;
pub mod forms;
pub mod front_door;
pub mod length;
pub mod links;
pub mod names;
pub mod parameters;

use crate::finding::Finding;
use crate::graph::arrows;
use crate::rooms::check::check as check_rooms;
use crate::rooms::render;
use crate::rooms::table::Table;
use crate::workspace::Workspace;

/// What all rules find, sorted by place.
#[must_use]
pub fn findings(workspace: &Workspace<'_>, table: &Table<'_>) -> Vec<Finding> {
    let arrows = arrows(workspace);
    let mut findings = [
        check_rooms(workspace, table, &arrows),
        render::check(workspace, table),
        circles::check(workspace, &arrows),
        front_door::check(workspace, &arrows),
        length::check(workspace),
        parameters::check(workspace),
        names::check(workspace),
        comments::check(workspace),
        forms::check(workspace),
        changelog::check(workspace),
        links::check(workspace),
    ]
    .concat();
    findings.sort();
    findings
}
