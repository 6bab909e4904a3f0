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
mod base;
mod catalogue;
mod cpu;
mod figures;
mod latency;
mod mechanism;
mod observed_group;
mod ours;
mod plan;
mod plan_figures;
mod plot;
mod pod;
mod report;
mod rivals;
mod runs;
mod scenario;
#[cfg(feature = "sensitivity")]
mod sensitivity;
mod set;
mod show;
mod sweep;
mod targets;
mod trial;
mod view;
mod world;

use std::process::ExitCode;

use arguments::{Arguments, Command, HELP};
use figures::Figures;
use report::Results;
use runs::{figures, outcomes, plans};
use scenario::Scenario;
use set::Set;
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
    let (scenarios, cases) = (arguments.trials(), arguments.plans());
    if arguments.list {
        for one in &scenarios {
            println!("{}: {}", one.set.name(), one.name);
        }
        for case in &cases {
            println!("{}: {}", Set::Plans.name(), case.name());
        }
        return Ok(());
    }
    let alike = scenarios.chunk_by(|a, b| (a.set, a.bad) == (b.set, b.bad));
    let run = |chunk: &[Scenario]| figures(chunk, &arguments.seeds(&chunk[0]), Field::All);
    let mut trials: Vec<Figures> = alike.flat_map(run).collect();
    look_longer(&mut trials, &scenarios, arguments);
    let results = Results { trials, plans: plans(&cases, &arguments.plan_seeds()) };
    print!("{}", report::summary(&results));
    if let Some(path) = &arguments.json {
        report::json(path, &results)?;
    }
    if let Some(directory) = &arguments.report {
        let swept = sweep::sort(figures(&sweep::scenarios(), &arguments.sweep_seeds(), Field::All));
        report::write(directory, arguments, &results, &swept)?;
    }
    Ok(())
}

/// Runs Siskin on more seeds where a healthy scenario is neither clearly below nor above what may be.
fn look_longer(trials: &mut [Figures], scenarios: &[Scenario], arguments: &Arguments) {
    for (one, scenario) in trials.iter_mut().zip(scenarios) {
        for seeds in arguments.more_seeds(scenario) {
            if targets::leaves_open(one) {
                one.lengthen(&outcomes(&[*scenario], &seeds, Field::Siskin).concat());
            }
        }
    }
}
