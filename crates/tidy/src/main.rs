//! `cargo tidy`: prints what breaks a rule of the house; `--write` brings the table of rooms in the docs up to date.
//! Writes nothing else.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use tidy::{PAGE, ROOMS, Table, Workspace, findings, read_tree, with_table};

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("tidy: {why}");
            ExitCode::from(2)
        }
    }
}

/// Does what the arguments ask, and gives the number of findings.
fn run() -> Result<usize, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = Table::read(ROOMS)?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--write"] => write_page(&root, &table)?,
        _ => return Err("usage: cargo tidy [--write]".to_owned()),
    }
    let sources = read_tree(&root).map_err(|why| format!("the tree can't be read: {why}"))?;
    let findings = findings(&Workspace::new(&sources), &table);
    for finding in &findings {
        println!("{finding}");
    }
    eprintln!("{} findings", findings.len());
    Ok(findings.len())
}

fn write_page(root: &Path, table: &Table<'_>) -> Result<(), String> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).map_err(|why| format!("{PAGE} can't be read: {why}"))?;
    let page = with_table(&page, table).ok_or(format!("{PAGE} lacks the markers of the table"))?;
    fs::write(&path, page).map_err(|why| format!("{PAGE} can't be written: {why}"))
}
