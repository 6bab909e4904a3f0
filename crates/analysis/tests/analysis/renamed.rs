//! A metric that a new version renamed reads as 0, or is missing: unknown, for every signal of
//! counts. Neither a Pass, nor a Fail by what the missing series leaves unaccounted for.

use siskin_analysis::observation::{Millis, Observation, PodMetrics, Role};
use siskin_analysis::{Doubt, Signal, Verdict};
use siskin_simulation::Shape;
use siskin_simulation::pod::Work;
use siskin_simulation::trial::{Trial, doubt};

const MINUTE: Millis = 60_000;
/// Every twentieth message is filtered.
const FILTERED: f64 = 0.05;

fn begin(seed: u64) -> Trial {
    Trial::begin(Shape { metrics: true, pauses: false, ..Shape::default() }, seed)
}

fn renamed(seed: u64, rename: fn(&mut PodMetrics)) -> Trial {
    let mut trial = begin(seed);
    trial.world.canary().for_each(|pod| pod.work = Work::default());
    trial.run_edited(14 * MINUTE, |_, seen| canary(seen).for_each(rename));
    assert!(trial.never(Verdict::Pass) && trial.never(Verdict::Fail), "{}", trial.last());
    trial
}

fn canary(seen: &mut Observation) -> impl Iterator<Item = &mut PodMetrics> {
    let pods = seen.pods.iter_mut().filter(|pod| pod.role == Role::Canary);
    pods.filter_map(|pod| pod.metrics.as_mut())
}

#[test]
fn errors() {
    // They are neither processed nor counted: not lost, for all that is known.
    let trial = renamed(1, |metrics| metrics.errors = None);
    assert_eq!(doubt(trial.last()), Some(&Doubt::SignalAbsent { signal: Signal::Errors }));
}

#[test]
fn processed() {
    let trial = renamed(2, |metrics| metrics.processed = None);
    assert!(matches!(doubt(trial.last()), Some(Doubt::SignalSilent { signal: Signal::Loss, .. })));
}

#[test]
fn latency() {
    let trial = renamed(3, |metrics| metrics.latency = None);
    let silent =
        matches!(doubt(trial.last()), Some(Doubt::SignalSilent { signal: Signal::Latency, .. }));
    assert!(silent, "{}", trial.last());
}

#[test]
fn consumed() {
    let trial = renamed(4, |metrics| metrics.consumed = None);
    let silent =
        matches!(doubt(trial.last()), Some(Doubt::SignalSilent { signal: Signal::Errors, .. }));
    assert!(silent, "{}", trial.last());
}

/// Filtered messages are no loss while their series is there, and no known loss without it.
#[test]
fn filtered() {
    let filter = |metrics: &mut PodMetrics| {
        let all = metrics.consumed.unwrap_or(0.0);
        metrics.filtered = Some((FILTERED * all).round());
        metrics.processed = metrics.processed.map(|it| it - (FILTERED * all).round());
    };
    for renames in [false, true] {
        let mut world = siskin_simulation::World::new(begin(5).world.shape, 5);
        let mut record = siskin_analysis::Record::new(600_000);
        world.run(600_000, |_, mut seen| {
            seen.pods.iter_mut().filter_map(|pod| pod.metrics.as_mut()).for_each(filter);
            record.push(seen);
        });
        let mut trial = Trial::with_record(world, record);
        trial.world.start_trial(6_000);
        trial.run_edited(14 * MINUTE, |_, seen| {
            seen.pods.iter_mut().filter_map(|pod| pod.metrics.as_mut()).for_each(filter);
            canary(seen).filter(|_| renames).for_each(|metrics| metrics.filtered = None);
        });
        assert!(trial.never(Verdict::Fail), "{}", trial.last());
        assert_eq!(trial.first(Verdict::Pass).is_none(), renames, "{}", trial.last());
    }
}

/// Many libraries create a series with the first event. (A user's ratio: `user_ratios.rs`.)
#[test]
fn a_series_that_begins_with_the_first_error_is_not_renamed() {
    let mut trial = begin(6);
    trial.run_edited(14 * MINUTE, |_, seen| {
        canary(seen).filter(|it| it.errors == Some(0.0)).for_each(|it| it.errors = None);
    });
    assert!(trial.first(Verdict::Pass).is_some(), "{}", trial.last());
}
