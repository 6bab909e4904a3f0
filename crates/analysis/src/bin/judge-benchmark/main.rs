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
mod chance;
mod figures;
mod plot;
mod pod;
mod report;
mod rivals;
mod scenario;
mod show;
mod targets;
mod trial;
mod view;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use arguments::Arguments;
use figures::Figures;
use scenario::Scenario;
use trial::Outcome;

fn main() -> ExitCode {
    let result = Arguments::parse(std::env::args().skip(1)).and_then(|arguments| {
        let scenarios = arguments.chosen(catalogue::scenarios());
        let seeds = arguments.seeds();
        let figures: Vec<Figures> = outcomes(&scenarios, &seeds)
            .into_iter()
            .zip(&scenarios)
            .map(|(outcomes, scenario)| Figures::of(scenario, &outcomes))
            .collect();
        report::write(&arguments, &figures)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("judge-benchmark: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every scenario with every seed, on all cores.
fn outcomes(scenarios: &[Scenario], seeds: &[u64]) -> Vec<Vec<Outcome>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(task / seeds.len()) else { return done };
            done.push((task, trial::run(scenario, seeds[task % seeds.len()])));
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
