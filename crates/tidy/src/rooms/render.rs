//! The table of rooms in `docs/architecture.md`, between two markers, held equal to `rooms.txt`.
//! Writes no file; the command does, when asked.

use crate::finding::Finding;
use crate::rooms::table::Table;
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

/// One table of crates, then a table of rooms for each crate that has some.
fn render(table: &Table<'_>) -> String {
    let mut page = head("crate", "depends on");
    for row in &table.crates {
        let never = if row.never.is_empty() { "" } else { "; never " };
        let uses = format!("{}{never}{}", quoted(&row.may_use), quoted(&row.never));
        page.push_str(&line(&quoted(&[row.name]), uses.trim_start_matches("; "), row.invariant));
    }
    for row in table.crates.iter().filter(|row| !row.rooms.is_empty()) {
        let title = format!("room of `{}`", row.name);
        page.push_str(&head(&title, "may import"));
        for room in &row.rooms {
            let uses = if room.all_above { "all above".to_owned() } else { quoted(&room.may_use) };
            page.push_str(&line(&quoted(&room.names), &uses, room.invariant));
        }
    }
    page
}

fn head(first: &str, second: &str) -> String {
    format!("\n| {first} | {second} | what it is and may not do |\n|---|---|---|\n")
}

fn line(names: &str, uses: &str, invariant: &str) -> String {
    format!("| {names} | {uses} | {invariant} |\n")
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
