//! Pods that take long to get to work: what the user, or the primary's own starts, say of it is
//! waited for, and no longer.

use siskin_analysis::observation::Millis;
use siskin_analysis::{Fault, Note, Record, Settings, Verdict};
use siskin_simulation::trial::{HAND_OVER, Trial, fault, settings};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;

fn shape() -> Shape {
    Shape { metrics: true, load: 0.85, ..Shape::default() }
}

fn warm_after(warm_up: Millis) -> Settings {
    Settings { warm_up, ..settings(shape()) }
}

/// A canary at 75 % of its speed, with three times the slow messages, or as well as any other.
fn set_warm(world: &mut World, warm: bool) {
    world.canary().for_each(|pod| {
        pod.health = if warm { 1.0 } else { 0.75 };
        pod.work.slow = if warm { 0.1 } else { 0.3 };
    });
}

#[test]
fn a_plateau_of_five_minutes_under_a_warm_up_of_six_is_no_fault() {
    for seed in 0..8 {
        let mut trial = Trial::begin_by(&warm_after(6 * MINUTE), shape(), seed);
        set_warm(&mut trial.world, false);
        trial.run(5 * MINUTE);
        set_warm(&mut trial.world, true);
        trial.run(15 * MINUTE);
        assert!(trial.never(Verdict::Fail), "seed {seed}: {:?}", first_fault(&trial));
    }
}

#[test]
fn a_canary_that_stays_slow_is_found_after_its_warm_up() {
    for seed in 0..4 {
        let mut trial = Trial::begin_by(&warm_after(6 * MINUTE), shape(), seed);
        set_warm(&mut trial.world, false);
        trial.run(15 * MINUTE);
        let found = trial.first(Verdict::Fail).expect("it is slow");
        assert!((360..600).contains(&found), "seed {seed}: {found} s");
    }
}

#[test]
fn a_first_commit_is_waited_for_until_the_pod_is_warm() {
    for seed in 0..4 {
        let mut trial = Trial::begin_by(&warm_after(2 * MINUTE), shape(), seed);
        trial.world.canary().for_each(|pod| pod.health = 0.0);
        let mut loading = trial.clone();
        trial.run(4 * MINUTE);
        let found = trial.first(Verdict::Fail).expect("it never commits");
        assert!((120..=130).contains(&found), "seed {seed}: {found} s");
        assert!(matches!(first_fault(&trial), Some(Fault::NoFirstCommit { .. })));
        loading.run(100_000);
        loading.world.canary().for_each(|pod| pod.health = 1.0);
        loading.run(4 * MINUTE);
        assert!(loading.never(Verdict::Fail), "seed {seed}: {:?}", first_fault(&loading));
    }
}

/// A trial whose record has the start of a primary pod that took four minutes, and whose canary
/// takes as long.
fn with_a_start_in_the_record(seed: u64) -> Trial {
    let mut world = World::new(shape(), seed);
    let mut record = Record::new(1_200_000);
    let mut keep = |world: &mut World, span| {
        world.run(span, |_, seen| {
            record.push(seen);
        });
    };
    keep(&mut world, 5 * MINUTE);
    let now = world.now;
    let young = &mut world.pods[0];
    (young.name, young.created) = ("worker-primary-new".into(), now);
    (young.health, young.work.slow) = (0.75, 0.3);
    keep(&mut world, 4 * MINUTE);
    let young = &mut world.pods[0];
    (young.health, young.work.slow) = (1.0, 0.1);
    keep(&mut world, 8 * MINUTE);
    let mut trial = Trial::with_record(world, record);
    trial.world.start_trial(HAND_OVER);
    set_warm(&mut trial.world, false);
    trial
}

#[test]
fn how_long_a_primary_pod_took_to_start_is_learned_from_the_record() {
    for seed in 0..6 {
        let mut trial = with_a_start_in_the_record(seed);
        trial.run(4 * MINUTE);
        set_warm(&mut trial.world, true);
        trial.run(16 * MINUTE);
        assert!(trial.never(Verdict::Fail), "seed {seed}: {:?}", first_fault(&trial));
        let learned = trial.last().notes.iter().find_map(|note| {
            if let Note::LongWarmUp { warm_up } = note { Some(*warm_up) } else { None }
        });
        let learned = learned.expect("a note of it");
        assert!((4 * MINUTE..6 * MINUTE).contains(&learned), "seed {seed}: {learned}");
        let again = siskin_analysis::Judge::resume(settings(shape()), &trial.judge.save());
        let notes = again.expect("saved").assess(trial.world.now, true).notes;
        assert!(notes.contains(&Note::LongWarmUp { warm_up: learned }), "after a restart");
    }
}

fn first_fault(trial: &Trial) -> Option<&Fault> {
    trial.assessments.iter().find_map(fault)
}
