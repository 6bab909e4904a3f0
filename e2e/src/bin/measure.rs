//! `cargo testbed measure`: Siskin measured from outside.
//! It parses; what happens is in the library.

use std::process::ExitCode;

use clap::Parser;
use siskin_e2e::measure::{Options, run};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error:#}");
            ExitCode::FAILURE
        }
    }
}
