//! The chart, rendered by Helm 4 and Helm 3, against the overlays of `config/`, and the values that it refuses.
//! Needs the test bed's Helm and kubectl, and says so where they are not cached; speaks to no cluster.

mod objects;
mod refused;
mod rendered;
mod same;
mod tools;

use std::process::ExitCode;

use anyhow::Result;

use crate::tools::{Helm, Tools};

/// What is to be done about a tool that is missing.
const PROVISION: &str = "`cargo testbed provision --helm` builds what is missing";

/// One thing that is checked.
struct Check {
    name: String,
    run: Box<dyn FnOnce() -> Result<()>>,
}

impl Check {
    fn new(name: impl Into<String>, run: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

fn main() -> ExitCode {
    // As with libtest: words choose, flags are of the harness.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, words): (Vec<_>, Vec<_>) =
        arguments.iter().map(String::as_str).partition(|it| it.starts_with('-'));
    let tools = match Tools::cached() {
        Ok(tools) => tools,
        Err(missing) => {
            println!("chart: NOT RUN: {missing}; {PROVISION}");
            return ExitCode::SUCCESS;
        }
    };
    for absent in &tools.absent {
        println!("chart: NOT RUN with one Helm: {absent}; {PROVISION}");
    }
    let checks = tools.helms.iter().flat_map(|helm| checks(&tools, helm));
    let chosen = checks.filter(|it| words.is_empty() || words.iter().any(|w| it.name.contains(w)));
    let (mut passed, mut failed) = (0, 0);
    for check in chosen {
        if flags.contains(&"--list") {
            println!("{}: test", check.name);
            continue;
        }
        match (check.run)() {
            Ok(()) => passed += 1,
            Err(error) => {
                failed += 1;
                println!("FAILED {}\n{error:#}\n", check.name);
            }
        }
    }
    println!("chart: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn checks(tools: &Tools, helm: &Helm) -> Vec<Check> {
    let mut checks = same::checks(tools, helm);
    checks.extend(rendered::checks(helm));
    checks.extend(refused::checks(helm));
    checks
}
