//! `cargo crds` writes the CRDs to `crds/` and their pages to `docs/reference/`; with `--check` it fails when a committed one differs.
//! Touches those files and nothing else, and no cluster.
#![expect(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use siskin_api::{Crd, Page, pages};

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        None => each(write),
        Some("--check") => each(check),
        Some("--print") => crds().map(|it| it.iter().for_each(|it| print!("{}", it.text))),
        Some(other) => Err(format!("unknown argument {other}: want --check, --print or nothing")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("crds: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn each(what: fn(&Page) -> Result<(), String>) -> Result<(), String> {
    crds()?.iter().chain(&pages::all()).try_for_each(what)
}

fn crds() -> Result<Vec<Page>, String> {
    let yaml = |crd: Crd| crd.yaml().map_err(|it| format!("write the CRD as YAML: {it}"));
    Crd::ALL.into_iter().map(|crd| Ok(Page { file: crd.file(), text: yaml(crd)? })).collect()
}

fn write(made: &Page) -> Result<(), String> {
    let file = made.file;
    std::fs::write(path(file), &made.text).map_err(|it| format!("write {file}: {it}"))?;
    println!("wrote {file}");
    Ok(())
}

fn check(made: &Page) -> Result<(), String> {
    let Page { file, text } = made;
    let committed =
        std::fs::read_to_string(path(file)).map_err(|it| format!("read {file}: {it}"))?;
    if committed == *text {
        return Ok(());
    }
    let differs = committed.lines().zip(text.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| committed.lines().count().min(text.lines().count()));
    Err(format!(
        "{file} is not what the types say; run `cargo crds` and commit it\n  line {}\n- {}\n+ {}",
        line + 1,
        committed.lines().nth(line).unwrap_or("<end of file>"),
        text.lines().nth(line).unwrap_or("<end of file>"),
    ))
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}
