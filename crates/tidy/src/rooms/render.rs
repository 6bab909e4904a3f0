//! The table of rooms in `docs/architecture.md`, between two markers, held equal to `rooms.txt`.
//! Writes no file; the command does, when asked.

use crate::finding::Finding;
use crate::rooms::table::{CrateRow, Table};
use crate::workspace::Workspace;

/// The page that shows the table.
pub const PAGE: &str = "docs/architecture.md";

const START: &str = "<!-- rooms: written by `cargo tidy --write` from crates/tidy/rooms.txt -->\n";
const END: &str = "<!-- end of rooms -->\n";

/// Compares the page with the table; a tree without the page has nothing to compare.
pub fn check(workspace: &Workspace<'_>, table: &Table<'_>) -> Vec<Finding> {
    let Some(page) = workspace.sources.iter().find(|source| source.path == PAGE) else {
        return Vec::new();
    };
    let what = match with_table(&page.text, table) {
        Some(text) if text == page.text => return Vec::new(),
        Some(_) => {
            "the rooms differ from crates/tidy/rooms.txt; run `cargo tidy --write`".to_owned()
        }
        None => format!("lacks the lines `{}` and `{}`", START.trim(), END.trim()),
    };
    vec![Finding::new(PAGE, 0, "rooms", what)]
}

/// The page's text with `table` between its markers; none if it lacks them.
#[must_use]
pub fn with_table(page: &str, table: &Table<'_>) -> Option<String> {
    let start = page.find(START)? + START.len();
    let end = start + page[start..].find(END)?;
    Some(format!("{}{}{}", &page[..start], render(table), &page[end..]))
}

fn render(table: &Table<'_>) -> String {
    table.crates.iter().map(render_crate).collect()
}

fn render_crate(row: &CrateRow<'_>) -> String {
    let mut uses = vec![if row.may_use.is_empty() {
        "Depends on no other crate of ours".to_owned()
    } else {
        format!("Depends on {}", quoted(&row.may_use))
    }];
    if !row.never.is_empty() {
        uses.push(format!("never on {}", quoted(&row.never)));
    }
    let head = format!("\n**{}**: {} {}.\n", row.name, row.invariant, uses.join(", "));
    if row.rooms.is_empty() {
        return head;
    }
    let rows = row.rooms.iter().map(|room| {
        format!("| {} | {} | {} |\n", quoted(&room.names), quoted(&room.may_use), room.invariant)
    });
    let titles = "\n| room | may import | what it is and may not do |\n|---|---|---|\n".to_owned();
    [head, titles].into_iter().chain(rows).collect()
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
