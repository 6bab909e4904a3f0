//! Canaries that are rolled back for what they did, and what the primary shows afterwards.
//! The pod that takes the canary's place keeps its partitions, as with sticky assignors.

use std::sync::Arc;

use siskin_analysis::observation::{Millis, Role};
use siskin_analysis::{Aftermath, Verdict};
use siskin_simulation::pod::Work;
use siskin_simulation::trial::{Trial, fault};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;

/// What to watch after a canary that worked like this was rolled back, and the group it leaves.
fn rolled_back(seed: u64, work: Work) -> (Option<Aftermath>, World) {
    let shape = Shape { metrics: true, pauses: false, ..Shape::default() };
    let mut trial = Trial::begin(shape, seed);
    trial.world.canary().for_each(|pod| pod.work = work);
    while trial.never(Verdict::Fail) {
        trial.run(MINUTE / 6);
        assert!(trial.assessments.len() < 200, "{}", trial.last());
    }
    let found = trial.assessments.iter().find_map(fault).expect("a fault");
    (trial.judge.aftermath(found), trial.world)
}

/// Has a new primary pod take the canary's place.
fn replace(world: &mut World, work: Work) {
    let now = world.now;
    for pod in world.canary() {
        pod.name = Arc::from("worker-primary-9");
        pod.role = Role::Primary;
        pod.created = now;
        pod.restart();
        pod.work = work;
    }
}

/// Watches for ten minutes; whether it stayed, and after how many seconds that was known.
fn watched(aftermath: &mut Aftermath, world: &mut World) -> Option<i64> {
    let begin = world.now;
    let mut known = None;
    world.run(11 * MINUTE, |_, seen| {
        aftermath.observe(&seen);
        if aftermath.stayed().is_some() {
            known = known.or(Some((seen.at - begin) / 1_000));
        }
    });
    assert!(known.is_some() || aftermath.is_over());
    known
}

#[test]
fn errors_of_the_data_stay_and_are_told_with_their_rates() {
    for seed in 0..20 {
        let bad = Work { errors: 0.05, ..Work::default() };
        let (aftermath, mut world) = rolled_back(seed, bad);
        let mut aftermath = aftermath.expect("errors may come of the data");
        replace(&mut world, bad);
        let known = watched(&mut aftermath, &mut world).expect("they stayed");
        assert!(known <= 180, "{known} s");
        let text = aftermath.stayed().expect("as before").to_string();
        assert!(text.starts_with("errors stayed with the partitions"), "{text}");
    }
}

#[test]
fn errors_of_the_version_are_gone_with_it() {
    let mut wrong = 0;
    for seed in 0..40 {
        let bad = Work { errors: 0.05, ..Work::default() };
        let (aftermath, mut world) = rolled_back(seed, bad);
        let mut aftermath = aftermath.expect("errors may come of the data");
        replace(&mut world, Work::default());
        wrong += u32::from(watched(&mut aftermath, &mut world).is_some());
    }
    assert!(wrong <= 2, "{wrong} of 40");
}

#[test]
fn slow_messages_stay_or_are_gone_as_errors_are() {
    for seed in 0..10 {
        let slow = Work { slow: 0.4, ..Work::default() };
        let (aftermath, mut world) = rolled_back(seed, slow);
        let aftermath = aftermath.expect("slow messages may come of the data");
        let mut gone = world.clone();
        replace(&mut world, slow);
        replace(&mut gone, Work::default());
        let known = watched(&mut aftermath.clone(), &mut world).expect("they stayed");
        assert!((180..=500).contains(&known), "compared once it is warm: {known} s");
        assert_eq!(watched(&mut aftermath.clone(), &mut gone), None);
    }
}

#[test]
fn what_is_lost_was_lost_by_the_version() {
    let (aftermath, _) = rolled_back(1, Work { lost: 0.05, ..Work::default() });
    assert!(aftermath.is_none());
}

#[test]
fn while_the_canary_is_there_nothing_is_said() {
    let bad = Work { errors: 0.05, ..Work::default() };
    let (aftermath, mut world) = rolled_back(3, bad);
    let mut aftermath = aftermath.expect("errors may come of the data");
    world.run(5 * MINUTE, |_, seen| aftermath.observe(&seen));
    assert!(aftermath.stayed().is_none() && !aftermath.is_over());
    replace(&mut world, bad);
    assert!(watched(&mut aftermath, &mut world).is_some());
}
