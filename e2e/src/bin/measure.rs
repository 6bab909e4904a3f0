//! `cargo testbed measure`: Siskin measured from outside.
//! It parses; what happens is in the library.

use std::process::ExitCode;

use clap::Parser;
use siskin_e2e::measure::{Options, run};

/// Measure Siskin from outside: how soon it reacts, what it costs at rest
#[derive(Debug, Parser)]
#[command(name = "cargo testbed measure", bin_name = "cargo testbed measure")]
struct Cli {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Cli::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error:#}");
            ExitCode::FAILURE
        }
    }
}
