//! `cargo demo`, `cargo testbed` and `cargo image`: builds the program of that name, telling how that goes, and becomes it.
//! It knows no option of any of them.

use std::env;
use std::process::ExitCode;

use siskin_launch::cargo::Program;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let name = arguments.next().unwrap_or_default();
    let error = match Program::of(&name.to_string_lossy()) {
        Some(program) => program.launch(arguments),
        None => format!("{} is no program to launch", name.display()),
    };
    eprintln!("{error}");
    ExitCode::FAILURE
}
