//! Healthy versions of small and quiet groups, and of large ones with little traffic each, pass in
//! their holds; faults there don't.

use siskin_analysis::observation::Millis;
use siskin_analysis::{Finding, KeepsUp, MinimumEvidence, Settings, Verdict};
use siskin_simulation::pod::Work;
use siskin_simulation::trial::{Trial, settings};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;
/// The hold of the first step of the usual plan, and its maxHold.
const HOLD: Millis = 10 * MINUTE;
const MOST: Millis = 3 * HOLD;

/// A group of these consumers and partitions, with so many messages a second of the canary.
fn group(pods: usize, partitions: usize, rate: f64, metrics: bool) -> Shape {
    let load = 0.7;
    Shape { pods, partitions, capacity: rate / load, load, metrics, ..Shape::default() }
}

fn judged(shape: Shape, minimum_evidence: MinimumEvidence) -> Settings {
    Settings { minimum_evidence, ..settings(shape) }
}

/// What became of one rollout: when the step could be left, and by which kind of Pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Proven(i64),
    Observed(i64),
    RolledBack(i64),
    Never,
}

/// Watches a step from the end of its hold on until it can be left, at most for `MOST`.
fn outcome(shape: Shape, least: MinimumEvidence, seed: u64, change: fn(&mut World)) -> Outcome {
    let mut trial = Trial::begin_by(&judged(shape, least), shape, seed);
    change(&mut trial.world);
    trial.run(HOLD);
    while trial.world.now - trial.begin < MOST && trial.last().verdict == Verdict::Inconclusive {
        trial.run(shape.poll);
    }
    if let Some(at) = trial.first(Verdict::Fail) {
        return Outcome::RolledBack(at);
    }
    let at = (trial.world.now - trial.begin) / 1_000;
    match &trial.last().finding {
        Finding::KeepsUp(KeepsUp { observed: None, .. }) => Outcome::Proven(at),
        Finding::KeepsUp(KeepsUp { observed: Some(_), .. }) => Outcome::Observed(at),
        Finding::Fault(_) | Finding::Doubt(_) => Outcome::Never,
    }
}

fn outcomes(
    shape: Shape,
    least: MinimumEvidence,
    seeds: u64,
    change: fn(&mut World),
) -> Vec<Outcome> {
    (0..seeds).map(|seed| outcome(shape, least, seed, change)).collect()
}

/// What happens to a canary, and its name.
type Change = (&'static str, fn(&mut World));

fn healthy(_: &mut World) {}

#[test]
fn a_quiet_group_passes_in_its_hold_and_says_what_it_observed() {
    for (pods, partitions) in [(6, 12), (6, 200), (2, 3)] {
        let shape = group(pods, partitions, 2.0, true);
        let all = outcomes(shape, MinimumEvidence::Observed, 4, healthy);
        let in_time =
            |it: &&Outcome| matches!(it, Outcome::Observed(..=600) | Outcome::Proven(..=600));
        assert_eq!(all.iter().filter(in_time).count(), 4, "{pods} pods, {partitions}: {all:?}");
    }
}

#[test]
fn two_hundred_partitions_are_proven_in_the_hold() {
    let all = outcomes(group(2, 200, 100.0, false), MinimumEvidence::Proven, 4, healthy);
    assert!(all.iter().all(|it| matches!(it, Outcome::Proven(..=600))), "{all:?}");
}

/// Mostly in the hold: where a message waits for longer than is normal the count begins anew.
#[test]
fn by_kafka_alone_a_message_a_second_proves() {
    for partitions in [12, 200] {
        let shape = group(6, partitions, 1.0, false);
        let all = outcomes(shape, MinimumEvidence::Proven, 4, healthy);
        let in_hold = all.iter().filter(|it| matches!(it, Outcome::Proven(..=600))).count();
        assert!(in_hold >= 3, "{partitions}: {all:?}");
        assert!(
            all.iter().all(|it| matches!(it, Outcome::Proven(..=1_200))),
            "{partitions}: {all:?}"
        );
    }
}

#[test]
fn what_is_asked_to_be_proven_is_not_passed_on_what_was_observed() {
    let shape = group(6, 12, 2.0, true);
    let all = outcomes(shape, MinimumEvidence::Proven, 2, healthy);
    assert!(all.iter().all(|it| *it == Outcome::Never), "{all:?}");
}

#[test]
fn a_canary_that_fails_a_tenth_of_few_messages_is_not_passed() {
    let change = |world: &mut World| {
        let work = Work { errors: 0.1, ..Work::default() };
        world.canary().for_each(|pod| pod.work = work);
    };
    let shape = group(6, 12, 2.0, true);
    let all = outcomes(shape, MinimumEvidence::Observed, 8, change);
    assert!(all.iter().all(|it| matches!(it, Outcome::RolledBack(_) | Outcome::Never)), "{all:?}");
}

/// Prints how each group fares: `cargo test --release -p siskin-analysis --test analysis completes -- --ignored --nocapture`.
#[test]
#[ignore = "prints a table, for whoever changes what a Pass rests on"]
fn table_of_groups() {
    let faults: [Change; 5] = [
        ("healthy", healthy),
        ("errors x2", |world| world.canary().for_each(|pod| pod.work.errors = 0.02)),
        ("errors x3", |world| world.canary().for_each(|pod| pod.work.errors = 0.03)),
        ("2 % lost", |world| world.canary().for_each(|pod| pod.work.lost = 0.02)),
        ("a third slower", |world| {
            world.canary().for_each(|pod| (pod.health, pod.work.slow) = (0.7, 0.2));
        }),
    ];
    let seeds = 20;
    for least in [MinimumEvidence::Observed, MinimumEvidence::Proven] {
        for metrics in [true, false] {
            for (pods, partitions) in [(10, 200), (6, 12), (6, 200), (2, 3), (2, 200), (1, 4)] {
                for rate in [1.0, 10.0, 100.0] {
                    for (name, change) in faults {
                        if !metrics && name != "healthy" {
                            continue;
                        }
                        let shape = group(pods, partitions, rate, metrics);
                        let all = outcomes(shape, least, seeds, change);
                        let part =
                            |some: fn(&Outcome) -> bool| all.iter().filter(|it| some(it)).count();
                        println!(
                            "{least:?} metrics {metrics} {pods} pods {partitions} partitions {rate}/s {name}: in hold {} ({} proven), later {}, never {}, rolled back {}",
                            part(|it| matches!(
                                it,
                                Outcome::Proven(..=600) | Outcome::Observed(..=600)
                            )),
                            part(|it| matches!(it, Outcome::Proven(..=600))),
                            part(|it| matches!(
                                it,
                                Outcome::Proven(601..) | Outcome::Observed(601..)
                            )),
                            part(|it| *it == Outcome::Never),
                            part(|it| matches!(it, Outcome::RolledBack(_))),
                        );
                    }
                }
            }
        }
    }
}
