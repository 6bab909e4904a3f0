//! Scenarios run with all their seeds, on all cores. The same seeds give the same figures whatever
//! the number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::catalogue::plans::PlanCase;
use crate::figures::Figures;
use crate::ours::Sight;
use crate::plan::{self, PlanOutcome};
use crate::plan_figures::PlanFigures;
use crate::scenario::Scenario;
use crate::trial::{Field, TrialOutcome, run};

/// The judges of a field on each scenario.
pub fn figures(scenarios: &[Scenario], seeds: &[u64], field: Field) -> Vec<Figures> {
    let outcomes = outcomes(scenarios, seeds, field).into_iter().zip(scenarios);
    outcomes.map(|(outcomes, scenario)| Figures::of(scenario, &outcomes)).collect()
}

/// Runs every scenario with every seed.
pub fn outcomes(scenarios: &[Scenario], seeds: &[u64], field: Field) -> Vec<Vec<TrialOutcome>> {
    each(scenarios, seeds, |scenario, seed| run(scenario, seed, field))
}

/// Siskin on each rollout, with metrics and without.
pub fn plans(cases: &[PlanCase], seeds: &[u64]) -> Vec<PlanFigures> {
    let tasks: Vec<(&PlanCase, Sight)> =
        cases.iter().flat_map(|case| Sight::ALL.map(|sight| (case, sight))).collect();
    let outcomes: Vec<Vec<PlanOutcome>> =
        each(&tasks, seeds, |(case, sight), seed| plan::run(&case.scenario, seed, *sight));
    let by_case = outcomes.chunks(Sight::ALL.len());
    cases.iter().zip(by_case).map(|(case, outcomes)| PlanFigures::of(case, outcomes)).collect()
}

/// Runs every task with every seed, on all cores.
fn each<T: Sync, O: Send>(
    tasks: &[T],
    seeds: &[u64],
    run: impl Fn(&T, u64) -> O + Sync,
) -> Vec<Vec<O>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(index / seeds.len()) else { return done };
            done.push((index, run(task, seeds[index % seeds.len()])));
        }
    };
    let mut done: Vec<(usize, O)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a run ends")).collect()
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    let mut outcomes = done.into_iter().map(|(_, outcome)| outcome);
    tasks.iter().map(|_| outcomes.by_ref().take(seeds.len()).collect()).collect()
}
