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
mod scenario;
#[cfg(feature = "sensitivity")]
mod sensitivity;
mod show;
mod sizes;
mod sweep;
mod targets;
mod trial;
mod view;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use arguments::{Arguments, Command, HELP};
use figures::Figures;
use scenario::Scenario;
use trial::{Field, Outcome};

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
    let scenarios = arguments.chosen(catalogue::scenarios());
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

/// The judges of a field on each scenario.
fn figures(scenarios: &[Scenario], seeds: &[u64], field: Field) -> Vec<Figures> {
    let outcomes = outcomes(scenarios, seeds, field).into_iter().zip(scenarios);
    outcomes.map(|(outcomes, scenario)| Figures::of(scenario, &outcomes)).collect()
}

/// Runs every scenario with every seed, on all cores.
fn outcomes(scenarios: &[Scenario], seeds: &[u64], field: Field) -> Vec<Vec<Outcome>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(task / seeds.len()) else { return done };
            done.push((task, trial::run(scenario, seeds[task % seeds.len()], field)));
        }
    };
    let mut done: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a run ends")).collect()
    });
    done.sort_unstable_by_key(|(task, _)| *task);
    let mut outcomes = done.into_iter().map(|(_, outcome)| outcome);
    scenarios.iter().map(|_| outcomes.by_ref().take(seeds.len()).collect()).collect()
}
