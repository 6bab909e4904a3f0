//! `cargo demo`: watch real consumers being rolled out, judged, promoted and rolled back.
//! It parses; what happens is in the library.

use std::process::ExitCode;

use clap::Parser;

/// A real Kubernetes, a real Kafka, and Siskin between them: one version promoted, two rolled back.
///
/// Starts the test bed, installs the operator as a pod, and runs an orders worker: 6 pods, 12 partitions, 300 records
/// per second. Then it ships three versions of it, as a pipeline does: one that works, one that stalls on some records,
/// one that crashes. Ends with a summary and what each step took; succeeds only if every outcome was the expected one
/// and every record was processed by some version.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", bin_name = "cargo demo", after_help = NOTES)]
struct Cli {
    /// Leave everything running in the end, and say how to look around
    #[arg(long)]
    keep: bool,
}

const NOTES: &str = "It needs root on Linux. The first run builds Kubernetes and etcd with Go and fetches Kafka with Maven, into
~/.cache/siskin or $SISKIN_CACHE: some ten minutes; later ones take four to five minutes in all.
Ctrl-C ends it and clears up. Without a terminal it prints a line for each change.
`cargo testbed --help` tells of the test bed itself.";

fn main() -> ExitCode {
    match siskin_e2e::demo::run(Cli::parse().keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
