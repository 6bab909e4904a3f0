//! `judge-benchmark`: time to detect at a bounded rate of false rollbacks, against other judges.
//! Deterministic for its seeds; only the number of threads depends on the machine.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a simulation of small numbers"
)]

mod arguments;
mod catalogue;
mod figures;
mod latency;
mod plot;
mod pod;
mod report;
mod rivals;
mod runs;
mod scenario;
#[cfg(feature = "sensitivity")]
mod sensitivity;
mod show;
mod sweep;
mod targets;
mod trial;
mod view;
mod world;

use std::process::ExitCode;

use arguments::{Arguments, Command, HELP};
use figures::Figures;
use runs::{figures, outcomes};
use scenario::Scenario;
use trial::Field;

fn main() -> ExitCode {
    let result = Command::parse(std::env::args().skip(1)).and_then(|command| match command {
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Run(arguments) => run(&arguments),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("judge-benchmark: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    #[cfg(feature = "sensitivity")]
    if let Some(path) = &arguments.sensitivity {
        return sensitivity::run(arguments, path);
    }
    let scenarios = arguments.chosen(catalogue::usual::scenarios());
    let mut tables = figures(&scenarios, &arguments.seeds(), Field::All);
    look_longer(&mut tables, &scenarios, &arguments.more_seeds());
    print!("{}", report::summary(&tables));
    if let Some(path) = &arguments.json {
        report::json(path, &tables)?;
    }
    if let Some(directory) = &arguments.report {
        let swept = sweep::sort(figures(&sweep::scenarios(), &arguments.sweep_seeds(), Field::All));
        report::write(directory, arguments, &tables, &swept)?;
    }
    Ok(())
}

/// Runs Siskin on more seeds where a healthy scenario is neither clearly below nor above what may be.
fn look_longer(tables: &mut [Figures], scenarios: &[Scenario], seeds: &[u64]) {
    let open = tables.iter_mut().zip(scenarios).filter(|(one, _)| targets::leaves_open(one));
    for (one, scenario) in open {
        one.lengthen(&outcomes(&[*scenario], seeds, Field::Siskin).concat());
    }
}
