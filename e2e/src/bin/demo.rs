//! `cargo demo`: watch real consumers being rolled out, judged, promoted and rolled back.
//! It parses; what happens is in the library.

use std::process::ExitCode;

use clap::Parser;

/// Starts a real Kubernetes and a real Kafka, installs Siskin, and ships four versions of a consumer:
/// a good one, one that hangs on some records, one that crashes, and the good one again.
///
/// Ends with a summary, and successfully only if every outcome was the expected one and no message was
/// lost. Needs root on Linux; the first run builds Kubernetes and takes some ten minutes more.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", bin_name = "cargo demo")]
struct Cli {
    /// Leave everything running, and say how to look around.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match siskin_e2e::demo::run(cli.keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
