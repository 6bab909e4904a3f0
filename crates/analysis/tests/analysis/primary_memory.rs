//! A memory of days at work: what it takes from a record, and what a judge makes of what it teaches.

use siskin_analysis::observation::{Millis, Role};
use siskin_analysis::{
    Judge, PrimaryMemory, Record, Remembered, RememberedCounts, Settings, Verdict,
};
use siskin_simulation::trial::{Trial, settings};
use siskin_simulation::{Shape, World};

const POLL: Millis = 10_000;
const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;

/// A record of a group for some minutes, and the group after it.
fn watched(world: &mut World, minutes: i64) -> Record {
    let mut record = Record::new(20 * 60_000);
    world.run(minutes * 60_000, |_, seen| {
        record.push(seen);
    });
    record
}

fn shape() -> Shape {
    Shape { metrics: true, poll: POLL, ..Shape::default() }
}

fn group(seed: u64) -> World {
    World::new(shape(), seed)
}

#[test]
fn a_record_counts_once_and_only_the_later_one_counts_again() {
    let mut world = group(1);
    let (short, record) = (watched(&mut world, 5), watched(&mut world, 20));
    let mut memory = PrimaryMemory::default();
    assert!(!memory.take(POLL, &short), "too short to teach anything");
    assert!(memory.take(POLL, &record));
    let once = memory.clone();
    assert!(!memory.take(POLL, &record), "the same record");
    let mut again = PrimaryMemory::read(&once.save(), memory.at());
    assert!(!again.take(POLL, &record), "after a restart as well");
    assert_eq!((&memory, &again), (&once, &once));
    assert!(again.take(POLL, &watched(&mut world, 20)));
    assert_ne!(again, once);
    let taught = once.teaches(once.at());
    assert!(taught.commit_gap.is_some() && taught.errors.is_some() && taught.latency.is_some());
    assert_eq!(taught.warm_up, None, "no pod started");
}

#[test]
fn a_clock_that_was_wrong_by_days_costs_the_memory_and_no_more() {
    let mut world = group(2);
    let (early, now) = (watched(&mut world, 20), world.now);
    let mut ahead = Record::new(20 * MINUTE);
    for mut seen in early.observations() {
        seen.at += 2 * DAY;
        ahead.push(seen);
    }
    let mut memory = PrimaryMemory::default();
    assert!(memory.take(POLL, &ahead) && now < memory.at());
    let record = watched(&mut world, 20);
    assert!(memory.take(POLL, &record));
    assert_eq!(memory.at(), record.latest().map_or(0, |seen| seen.at));
    let mut fresh = PrimaryMemory::default();
    assert!(fresh.take(POLL, &record));
    assert_eq!(memory, fresh, "nothing of it is left");
}

#[test]
fn of_a_record_with_a_canary_only_starts_of_the_primary_count() {
    let mut world = group(3);
    world.start_trial(6_000);
    world.canary().for_each(|pod| pod.work.errors = 0.5);
    let mut record = watched(&mut world, 2);
    let now = world.now;
    let primary = world.pods.iter_mut().find(|pod| pod.role == Role::Primary).expect("a pod");
    (primary.name, primary.created) = ("worker-primary-new".into(), now);
    for seen in watched(&mut world, 18).observations() {
        record.push(seen);
    }
    let mut memory = PrimaryMemory::default();
    assert!(memory.take(POLL, &record));
    let taught = memory.teaches(memory.at());
    assert!(taught.warm_up.is_some());
    assert_eq!(Remembered { warm_up: None, ..taught }, Remembered::default());
}

/// Settings that a memory made as lenient as it can.
fn at_the_caps() -> Settings {
    let most = RememberedCounts { ratio: f64::INFINITY, burst: u32::MAX };
    let remembered = Remembered {
        commit_gap: Some(Millis::MAX),
        warm_up: Some(Millis::MAX),
        errors: Some(most),
        loss: Some(most),
        latency: Some(most),
    };
    Settings { remembered, ..settings(shape()) }
}

/// Seconds after which a canary is failed that a memory did most for, from a time on when it was warm.
fn found(seed: u64, harm: fn(&mut siskin_simulation::pod::Pod)) -> Option<i64> {
    let mut trial = Trial::begin_by(&at_the_caps(), shape(), seed);
    trial.run(11 * MINUTE);
    trial.world.canary().for_each(harm);
    trial.run(19 * MINUTE);
    trial.first(Verdict::Fail).map(|second| second - 660)
}

#[test]
fn no_memory_hides_a_canary_that_fails_whole() {
    for seed in 0..4 {
        let stopped = found(seed, |pod| pod.health = 0.0);
        let failing = found(seed, |pod| pod.work.errors = 1.0);
        let losing = found(seed, |pod| pod.work.lost = 0.5);
        let slow = found(seed, |pod| pod.health = 0.5);
        println!("{stopped:?} {failing:?} {losing:?} {slow:?}");
        assert!(stopped.is_some_and(|it| it <= 170), "seed {seed}: {stopped:?}");
        assert!(failing.is_some_and(|it| it <= 140), "seed {seed}: {failing:?}");
        assert!(losing.is_some_and(|it| it <= 140), "seed {seed}: {losing:?}");
        assert!(slow.is_some_and(|it| it <= 300), "seed {seed}: {slow:?}");
    }
}

/// A memory of a spell in which a primary pod did nothing for a minute, and a trial of which the
/// record knows nothing of it.
fn after_a_block(seed: u64, is_remembered: bool) -> Trial {
    let mut world = group(seed);
    let mut spell = watched(&mut world, 8);
    world.pods[0].health = 0.0;
    let blocked = watched(&mut world, 1);
    world.pods[0].health = 1.0;
    let later = watched(&mut world, 11);
    for seen in blocked.observations().chain(later.observations()) {
        spell.push(seen);
    }
    let mut memory = PrimaryMemory::default();
    assert!(memory.take(POLL, &spell));
    let record = watched(&mut world, 20);
    let remembered = if is_remembered { memory.teaches(world.now) } else { Remembered::default() };
    let judge = Judge::new(Settings { remembered, ..settings(shape()) }, &record);
    let mut trial = Trial { judge, ..Trial::with_record(world, record) };
    trial.world.start_trial(6_000);
    trial
}

#[test]
fn a_canary_that_does_nothing_for_as_long_as_a_primary_pod_did_this_week_is_not_stalled() {
    for seed in 0..4 {
        let block = |trial: &mut Trial| {
            trial.run(10 * MINUTE);
            trial.world.canary().for_each(|pod| pod.health = 0.0);
            trial.run(MINUTE);
            trial.world.canary().for_each(|pod| pod.health = 1.0);
            trial.run(10 * MINUTE);
            trial.never(Verdict::Fail)
        };
        assert!(!block(&mut after_a_block(seed, false)), "seed {seed}: the record does not know");
        let mut knowing = after_a_block(seed, true);
        assert!((90_000..170_000).contains(&knowing.run(POLL).stall_wait));
        let mut again = knowing.clone();
        assert!(block(&mut knowing), "seed {seed}");
        again.judge = Judge::resume(settings(shape()), &again.judge.save()).expect("saved");
        assert!(block(&mut again), "seed {seed}: it is frozen with the trial");
    }
}
