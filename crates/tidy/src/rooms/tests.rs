//! What the table of rooms refuses, and how it is shown.
//! Small inputs only.

use crate::graph::arrows;
use crate::rooms::check::check;
use crate::rooms::render::with_table;
use crate::rooms::table::Table;
use crate::source::Source;
use crate::workspace::Workspace;

const TABLE: &str = "
# Comment.
crate analysis | !kube | Pure.
  numbers | | Small words.
  lag | numbers | Lag in seconds.
  engines | numbers | Numbers in, evidence out.
  lag/one lag/two | | Do not know each other.
  lib | all | The front door.
crate operator | analysis | Acts.
";

fn found(extra: &[(&str, &str)]) -> Vec<String> {
    found_by(TABLE, extra)
}

fn found_by(table: &str, extra: &[(&str, &str)]) -> Vec<String> {
    let mut files = vec![
        ("analysis/Cargo.toml", "[package]\nname = \"analysis\"\n[dependencies]\nserde = \"1\"\n"),
        ("analysis/src/lib.rs", "mod numbers; mod lag; mod engines;"),
        ("analysis/src/numbers.rs", "pub struct Millis;"),
        ("analysis/src/lag.rs", "mod column; mod one; mod two; pub use column::Column;"),
        ("analysis/src/lag/one.rs", "pub struct One;"),
        ("analysis/src/lag/two.rs", ""),
        ("analysis/src/lag/column.rs", "use crate::numbers::Millis; pub struct Column(Millis);"),
        ("analysis/src/engines.rs", "use crate::numbers::Millis;"),
        (
            "operator/Cargo.toml",
            "[package]\nname = \"operator\"\n[dependencies]\nanalysis.workspace = true\n",
        ),
    ];
    files.retain(|(path, _)| extra.iter().all(|(other, _)| other != path));
    files.extend(extra);
    let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let workspace = Workspace::new(&sources);
    let table = Table::read(table).expect("a table");
    check(&workspace, &table, &arrows(&workspace)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_tree_that_keeps_to_the_table_has_no_findings() {
    assert_eq!(found(&[]), [""; 0]);
}

#[test]
fn a_file_of_engines_that_imports_lag_is_refused() {
    let ways = [
        "\nuse crate::lag::Column;",
        "\nfn f(_: super::lag::column::Column) {}",
        "\nuse crate::{lag::{self, Column}};",
    ];
    for text in ways {
        let found = found(&[("analysis/src/engines.rs", text)]);
        let expected = "analysis/src/engines.rs:2: rooms: `engines` may not import `lag` (src/lag/column.rs): Numbers in, evidence out. ";
        assert!(found.len() == 1 && found[0].starts_with(expected), "{text}: {found:?}");
    }
}

#[test]
fn a_module_that_is_named_first_and_used_later_is_seen() {
    let found =
        found(&[("analysis/src/engines.rs", "use crate::lag;\nfn f() { lag::Column::new() }")]);
    assert!(found.len() == 1 && found[0].starts_with("analysis/src/engines.rs:2: "), "{found:?}");
}

#[test]
fn tests_of_a_room_may_import_any_room() {
    let text = "#[cfg(test)] mod tests { use crate::lag::Column; }";
    assert_eq!(found(&[("analysis/src/engines.rs", text)]), [""; 0]);
}

#[test]
fn rooms_within_a_room_keep_apart() {
    let two = "use crate::lag::one::One; pub struct Two;";
    let found = found(&[("analysis/src/lag/two.rs", two)]);
    assert!(
        found.len() == 1 && found[0].contains("`lag/two` may not import `lag/one`"),
        "{found:?}"
    );
}

#[test]
fn a_dependency_that_the_table_forbids_is_refused() {
    let manifest =
        "[package]\nname = \"analysis\"\n[dependencies]\nkube = \"1\"\noperator.workspace = true\n";
    let found = found(&[("analysis/Cargo.toml", manifest)]);
    assert!(found[0].contains("`analysis` may not depend on `kube`: Pure."), "{found:?}");
    assert!(found[1].contains("`analysis` may not depend on `operator`"), "{found:?}");
}

#[test]
fn a_room_without_a_row_and_a_row_without_a_room_are_refused() {
    let new = [
        ("analysis/src/lib.rs", "mod numbers; mod lag; mod engines; mod new;"),
        ("analysis/src/new.rs", ""),
    ];
    assert!(found(&new)[0].contains("room `new` has no row (crates/tidy/rooms.txt:3)"));
    let table = TABLE.replace("  engines | numbers |", "  engines | numbers words |");
    assert!(
        found_by(&table, &[])[0].contains("there is no room `words` (crates/tidy/rooms.txt:6)")
    );
}

#[test]
fn a_line_that_is_no_row_is_told() {
    assert!(Table::read("  lag | |").is_err_and(|why| why.contains("line 1")));
}

#[test]
fn the_page_shows_the_table_between_its_markers() {
    let table = Table::read(TABLE).expect("a table");
    let page = "# A\n<!-- rooms: written by `cargo tidy --write` from crates/tidy/rooms.txt -->\nold\n<!-- end of rooms -->\n# B\n";
    let shown = with_table(page, &table).expect("markers");
    assert!(shown.contains("| `engines` | `numbers` | Numbers in, evidence out. |\n"), "{shown}");
    assert!(
        shown.contains(
            "| `analysis` | never `kube` | Pure. |\n| `operator` | `analysis` | Acts. |\n"
        ),
        "{shown}"
    );
    assert!(!shown.contains("old") && shown.ends_with("<!-- end of rooms -->\n# B\n"));
    assert_eq!(with_table(&shown, &table).as_deref(), Some(shown.as_str()));
    assert_eq!(with_table("# A", &table), None);
}
