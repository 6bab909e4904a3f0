//! Messages that a canary works on again although it committed them are found; those that are read
//! again because they were not committed are not.

use siskin_analysis::observation::{Millis, Observation, Role};
use siskin_analysis::{Effect, Fault, Judge, Signal, Verdict};
use siskin_simulation::Shape;
use siskin_simulation::trial::{Trial, fault, settings};

const MINUTE: Millis = 60_000;

fn shape() -> Shape {
    Shape { metrics: true, pauses: false, load: 0.5, ..Shape::default() }
}

/// What a canary shows that consumes this part of its messages again, and so many more.
fn again(seen: &mut Observation, part: f64, more: f64) {
    let canary = seen.pods.iter_mut().filter(|pod| pod.role == Role::Canary);
    for metrics in canary.filter_map(|pod| pod.metrics.as_mut()) {
        let repeated = metrics.consumed.map(|it| (part * it).round() + more);
        for total in [&mut metrics.consumed, &mut metrics.processed] {
            *total = total.zip(repeated).map(|(total, repeated)| total + repeated);
        }
        if let Some(latency) = &mut metrics.latency {
            latency.counts.iter_mut().for_each(|count| *count *= 1.0 + part);
            latency.total *= 1.0 + part;
        }
    }
}

#[test]
fn a_third_that_is_worked_on_again_is_found_and_measured() {
    for seed in 0..5 {
        let mut trial = Trial::begin(shape(), seed);
        trial.run_edited(12 * MINUTE, |_, seen| again(seen, 0.3, 0.0));
        let at = trial.first(Verdict::Fail).unwrap_or_else(|| panic!("{}", trial.last()));
        let found = trial.assessments.iter().find_map(fault).expect("failed");
        let Fault::Worse { signal: Signal::Duplicates, effect, .. } = found else {
            panic!("{found}")
        };
        let Effect::Repeated { share } = *effect else { panic!("{effect}") };
        assert!(at <= 8 * 60 && (0.2..0.4).contains(&share), "seed {seed}, {at} s: {effect}");
        assert!(found.to_string().contains("were consumed again"), "{found}");
    }
}

#[test]
fn what_is_read_again_after_a_rebalance_is_no_duplicate() {
    for seed in 0..5 {
        let mut trial = Trial::begin(shape(), seed);
        let mut more = 0.0;
        for _ in 0..8 {
            trial.run_edited(90_000, |_, seen| again(seen, 0.0, more));
            // A tenth of what it consumes in that time.
            more += 0.1 * 90.0 * 150.0;
            trial.world.rebalance(4_000);
        }
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        let report = trial.last().signals.iter().find(|it| it.signal == Signal::Duplicates);
        assert!(report.is_some_and(|it| it.evidence < 2.0), "seed {seed}: {report:?}");
    }
}

#[test]
fn duplicates_are_saved() {
    let mut trial = Trial::begin(shape(), 6);
    trial.run_edited(4 * MINUTE, |_, seen| again(seen, 0.3, 0.0));
    let evidence = |judge: &Judge| {
        let signals = judge.assess(trial.world.now, true).signals;
        signals.into_iter().find(|it| it.signal == Signal::Duplicates).expect("available").evidence
    };
    let before = evidence(&trial.judge);
    let judge = Judge::resume(settings(trial.world.shape), &trial.judge.save()).expect("saved");
    let after = evidence(&judge);
    assert!(before > 2.0 && (0.98 * before..=before).contains(&after), "{before} {after}");
}
