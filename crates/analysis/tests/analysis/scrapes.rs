//! Pods are looked at more often than Prometheus scrapes them: what is between two scrapes is no
//! evidence, and what is in them is not lost.

use siskin_analysis::observation::{Millis, Observation, PodMetrics};
use siskin_analysis::{Fault, Record, Signal, Verdict};
use siskin_simulation::pod::Work;
use siskin_simulation::trial::{HAND_OVER, Trial, fault};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;
/// Time between two observations.
const INTERVAL: Millis = 10_000;

/// Counters are there once a minute, at another second for each pod; in between a pod shows the
/// memory that somebody else reads, or nothing.
fn between_scrapes(seen: &mut Observation) {
    for (index, pod) in seen.pods.iter_mut().enumerate() {
        let offset = i64::try_from(index).expect("few pods") * 7_000;
        if (seen.at + offset) % MINUTE < INTERVAL {
            continue;
        }
        pod.metrics = pod.metrics.take().filter(|_| index % 2 == 0).map(|all| PodMetrics {
            working_set: all.working_set,
            memory_limit: all.memory_limit,
            ..PodMetrics::default()
        });
    }
}

fn trial(seed: u64) -> Trial {
    let shape = Shape { metrics: true, poll: INTERVAL, ..Shape::default() };
    let mut world = World::new(shape, seed);
    let mut record = Record::new(10 * MINUTE);
    world.run(10 * MINUTE, |_, mut seen| {
        between_scrapes(&mut seen);
        record.push(seen);
    });
    let mut trial = Trial::with_record(world, record);
    trial.world.start_trial(HAND_OVER);
    trial
}

#[test]
fn errors_are_found_when_pods_are_scraped_once_a_minute() {
    let mut trial = trial(1);
    trial.world.canary().for_each(|pod| pod.work = Work { errors: 0.1, ..Work::default() });
    trial.run_edited(6 * MINUTE, |_, seen| between_scrapes(seen));
    let found = trial.assessments.iter().find(|it| it.verdict == Verdict::Fail).expect("found");
    let Some(Fault::Worse { signal, .. }) = fault(found) else { panic!("{found}") };
    assert_eq!(signal, &Signal::Errors, "{found}");
}

#[test]
fn a_healthy_version_is_not_failed_by_the_pace_of_scrapes() {
    for seed in 0..5 {
        let mut trial = trial(seed);
        trial.run_edited(20 * MINUTE, |_, seen| between_scrapes(seen));
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        assert_eq!(trial.last().verdict, Verdict::Pass, "seed {seed}: {}", trial.last());
    }
}
