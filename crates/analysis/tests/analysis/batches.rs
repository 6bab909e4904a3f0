//! Pods that count what became of a batch when it is done: until then all of it is consumed and
//! neither processed nor failed, as if it was lost. Polls see that by chance.

use siskin_analysis::observation::{Millis, Observation, Role};
use siskin_analysis::{Fault, Judge, Signal, Verdict};
use siskin_simulation::Shape;
use siskin_simulation::pod::Work;
use siskin_simulation::trial::{Trial, fault, settings};

const MINUTE: Millis = 60_000;
/// Messages: six seconds of a pod's, and twice as many.
const BATCH: f64 = 1_200.0;
const LARGER: f64 = 2.0 * BATCH;

/// Shows of each pod what it had counted when its latest batch was done.
fn by_batches(seen: &mut Observation, of_canary: f64) {
    for pod in &mut seen.pods {
        let size = if pod.role == Role::Canary { of_canary } else { BATCH };
        if let Some(metrics) = &mut pod.metrics {
            metrics.processed = metrics.processed.map(|it| (it / size).floor() * size);
        }
    }
}

/// A trial whose pods all count by batches, from the record on.
fn trial(seed: u64) -> Trial {
    let shape = Shape { metrics: true, pauses: false, ..Shape::default() };
    let mut world = siskin_simulation::World::new(shape, seed);
    // Batches are whole numbers of processed messages: none may fail.
    world.pods.iter_mut().for_each(|pod| pod.work = Work { errors: 0.0, ..pod.work });
    let mut record = siskin_analysis::Record::new(600_000);
    world.run(600_000, |_, mut seen| {
        by_batches(&mut seen, BATCH);
        record.push(seen);
    });
    let mut trial = Trial::with_record(world, record);
    trial.world.start_trial(siskin_simulation::trial::HAND_OVER);
    trial
}

#[test]
fn a_healthy_canary_passes_also_across_a_restart_of_the_judge() {
    for seed in 0..10 {
        let mut trial = trial(seed);
        for _ in 0..2 {
            trial.run_edited(7 * MINUTE, |_, seen| by_batches(seen, BATCH));
            let saved = trial.judge.save();
            trial.judge = Judge::resume(settings(trial.world.shape), &saved).expect("saved");
        }
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        assert_eq!(trial.last().verdict, Verdict::Pass, "seed {seed}: {}", trial.last());
    }
}

#[test]
fn batches_twice_as_large_are_no_loss() {
    for seed in 0..20 {
        let mut trial = trial(seed);
        trial.run_edited(20 * MINUTE, |_, seen| by_batches(seen, LARGER));
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
    }
}

#[test]
fn what_is_lost_is_found_once_it_is_more_than_a_batch() {
    for seed in 0..10 {
        let mut trial = trial(seed);
        trial.run_edited(5 * MINUTE, |_, seen| by_batches(seen, BATCH));
        trial.world.canary().for_each(|pod| pod.work.lost = 0.05);
        trial.run_edited(10 * MINUTE, |_, seen| by_batches(seen, BATCH));
        let found = trial.first(Verdict::Fail).unwrap_or_else(|| panic!("{}", trial.last()));
        assert!(found > 300, "seed {seed}: {found} s");
        let cause = trial.assessments.iter().find_map(fault);
        let is_loss = matches!(cause, Some(Fault::Worse { signal: Signal::Loss, .. }));
        assert!(is_loss, "seed {seed}: {cause:?}");
    }
}
