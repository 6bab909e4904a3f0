//! Scenarios run with all their seeds, on all cores. The same seeds give the same figures whatever
//! the number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::figures::Figures;
use crate::scenario::Scenario;
use crate::trial::{Field, TrialOutcome, run};

/// The judges of a field on each scenario.
pub fn figures(scenarios: &[Scenario], seeds: &[u64], field: Field) -> Vec<Figures> {
    let outcomes = outcomes(scenarios, seeds, field).into_iter().zip(scenarios);
    outcomes.map(|(outcomes, scenario)| Figures::of(scenario, &outcomes)).collect()
}

/// Runs every scenario with every seed, on all cores.
pub fn outcomes(scenarios: &[Scenario], seeds: &[u64], field: Field) -> Vec<Vec<TrialOutcome>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(task / seeds.len()) else { return done };
            done.push((task, run(scenario, seeds[task % seeds.len()], field)));
        }
    };
    let mut done: Vec<(usize, TrialOutcome)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a run ends")).collect()
    });
    done.sort_unstable_by_key(|(task, _)| *task);
    let mut outcomes = done.into_iter().map(|(_, outcome)| outcome);
    scenarios.iter().map(|_| outcomes.by_ref().take(seeds.len()).collect()).collect()
}
