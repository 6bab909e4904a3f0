//! The program that tests start as the process of a client: this binary, by a test that obeys orders.
//! What becomes of its reports, others test.

use std::env;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use siskin_kafka::{Program, serve};

pub(crate) const NOW: i64 = 1_700_000_000_000;

/// Name of the test that obeys.
const OBEYS: &str = "child::obeys_orders";

/// This binary as a client's process. The harness prints to standard output: that goes nowhere, and
/// reports go to the pipe by another number. `first` is run by the shell before.
pub(crate) fn program_after(first: &str) -> Program {
    let this = env::current_exe().expect("a path");
    let script = format!(
        "{first} exec \"$0\" --exact {OBEYS} --ignored --nocapture --test-threads 1 3>&1 >/dev/null"
    );
    Program { path: "/bin/sh".into(), arguments: vec!["-c".into(), script.into(), this.into()] }
}

pub(crate) fn program() -> Program {
    program_after("")
}

#[test]
#[ignore = "the process that other tests start"]
fn obeys_orders() {
    // Whoever runs all ignored tests starts no process.
    if env::args().any(|it| it == OBEYS) && Path::new("/dev/fd/3").exists() {
        let reports = OpenOptions::new().write(true).open("/dev/fd/3").expect("a pipe");
        panic!("{}", serve(io::stdin(), reports, || NOW));
    }
}
