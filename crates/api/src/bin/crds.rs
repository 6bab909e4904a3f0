//! `cargo crds` writes the CRDs to `crds/`; with `--check` it fails when a committed one differs.
//! Touches those files and nothing else, and no cluster.
#![expect(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use siskin_api::Crd;

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        None => each(write),
        Some("--check") => each(check),
        Some("--print") => each(print),
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

fn each(what: fn(Crd) -> Result<(), String>) -> Result<(), String> {
    Crd::ALL.into_iter().try_for_each(what)
}

fn write(crd: Crd) -> Result<(), String> {
    let file = crd.file();
    std::fs::write(path(crd), generated(crd)?).map_err(|it| format!("write {file}: {it}"))?;
    println!("wrote {file}");
    Ok(())
}

fn print(crd: Crd) -> Result<(), String> {
    print!("{}", generated(crd)?);
    Ok(())
}

fn check(crd: Crd) -> Result<(), String> {
    let file = crd.file();
    let committed =
        std::fs::read_to_string(path(crd)).map_err(|it| format!("read {file}: {it}"))?;
    let generated = generated(crd)?;
    if committed == generated {
        return Ok(());
    }
    let differs = committed.lines().zip(generated.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| committed.lines().count().min(generated.lines().count()));
    Err(format!(
        "{file} is not what the types say; run `cargo crds` and commit it\n  line {}\n- {}\n+ {}",
        line + 1,
        committed.lines().nth(line).unwrap_or("<end of file>"),
        generated.lines().nth(line).unwrap_or("<end of file>"),
    ))
}

fn generated(crd: Crd) -> Result<String, String> {
    crd.yaml().map_err(|it| format!("write the CRD as YAML: {it}"))
}

fn path(crd: Crd) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(crd.file())
}
