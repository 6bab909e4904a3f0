//! `cargo crds` writes the CRD to `crds/`; with `--check` it fails when the committed one differs.
//! Touches that one file and nothing else, and no cluster.
#![expect(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;
use std::process::ExitCode;

const FILE: &str = "crds/siskin.dev_canaryrollouts.yaml";

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        None => write(),
        Some("--check") => check(),
        Some("--print") => print(),
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

fn write() -> Result<(), String> {
    let path = workspace_file();
    std::fs::write(&path, generated()?).map_err(|it| format!("write {FILE}: {it}"))?;
    println!("wrote {FILE}");
    Ok(())
}

fn print() -> Result<(), String> {
    print!("{}", generated()?);
    Ok(())
}

fn check() -> Result<(), String> {
    let committed =
        std::fs::read_to_string(workspace_file()).map_err(|it| format!("read {FILE}: {it}"))?;
    let generated = generated()?;
    if committed == generated {
        return Ok(());
    }
    let differs = committed.lines().zip(generated.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| committed.lines().count().min(generated.lines().count()));
    Err(format!(
        "{FILE} is not what the types say; run `cargo crds` and commit it\n  line {}\n- {}\n+ {}",
        line + 1,
        committed.lines().nth(line).unwrap_or("<end of file>"),
        generated.lines().nth(line).unwrap_or("<end of file>"),
    ))
}

fn generated() -> Result<String, String> {
    siskin_api::crd_yaml().map_err(|it| format!("write the CRD as YAML: {it}"))
}

fn workspace_file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FILE)
}
