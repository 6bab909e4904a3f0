//! A canary that is overloaded is not broken: it works as fast as any primary pod has been seen to.
//! One that works slower under the same load is, unless a primary pod is as slow just then.

use siskin_analysis::{Doubt, Fault, Note, Record, Verdict};
use siskin_simulation::pod::Pod;
use siskin_simulation::trial::{HAND_OVER, Trial, doubt, fault};
use siskin_simulation::{Shape, World};

const MINUTE: i64 = 60_000;

/// A group whose primary pods have been seen at full speed, during a burst, and a canary that
/// gets half of all partitions: 1.35 times what a pod can take.
fn unfair_share(seed: u64) -> Trial {
    let mut world = World::new(Shape { load: 0.9, skew: 0.0, ..Shape::small() }, seed);
    let mut record = Record::new(600_000);
    for (minutes, traffic) in [(3, 1.0), (1, 1.6), (7, 0.7)] {
        world.traffic = traffic;
        world.run(minutes * MINUTE, |_, seen| {
            record.push(seen);
        });
    }
    world.traffic = 1.0;
    let mut trial = Trial::with_record(world, record);
    trial.world.start_trial(HAND_OVER);
    for (index, partition) in trial.world.partitions.iter_mut().enumerate() {
        partition.owner = if index % 2 == 0 { 2 } else { index / 2 % 2 };
    }
    trial
}

#[test]
fn a_canary_at_full_speed_is_overloaded_not_broken() {
    for seed in 0..3 {
        let mut trial = unfair_share(seed);
        trial.run(12 * MINUTE);
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        assert!(matches!(doubt(trial.last()), Some(Doubt::Overloaded { .. })), "{}", trial.last());
        let excused = |note: &Note| matches!(note, Note::Excused { excused } if *excused > 300_000);
        assert!(trial.last().notes.iter().any(excused));
    }
}

#[test]
fn a_slow_canary_under_the_same_load_is_not_excused() {
    for seed in 0..3 {
        let mut trial = unfair_share(seed);
        trial.world.canary().for_each(|pod| pod.health = 0.5);
        trial.run(12 * MINUTE);
        let drifting = trial.assessments.iter().find_map(fault);
        assert!(matches!(drifting, Some(Fault::Drifting { .. })), "seed {seed}: {}", trial.last());
    }
}

/// Nearly half of the speed is gone, and messages take accordingly longer.
fn slow_down(pod: &mut Pod) {
    pod.health = 0.55;
    pod.work.slow = 0.3;
}

/// A canary on a node that gets slow after four minutes, alone or with a primary pod.
fn slow_node(seed: u64, shared: bool) -> Trial {
    let small = Shape::small();
    let shape = Shape { partitions: 24, pods: 6, load: 0.75, skew: 0.0, metrics: true, ..small };
    let mut trial = Trial::begin(shape, seed);
    // That pod has fewer partitions than others, so that it keeps up.
    let own = trial.world.partitions.iter_mut().filter(|partition| partition.owner == 0);
    own.skip(2).zip([1, 2]).for_each(|(partition, other)| partition.owner = other);
    trial.run(4 * MINUTE);
    trial.world.canary().for_each(slow_down);
    if shared {
        slow_down(&mut trial.world.pods[0]);
    }
    trial.run(8 * MINUTE);
    trial
}

#[test]
fn a_canary_beside_a_primary_pod_that_is_as_slow_is_not_broken() {
    for seed in 0..3 {
        let trial = slow_node(seed, true);
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        let spared =
            |note: &Note| matches!(note, Note::BesideASlowPeer { spared } if *spared > 60_000);
        assert!(trial.last().notes.iter().any(spared), "seed {seed}: {:?}", trial.last().notes);
    }
}

#[test]
fn a_canary_that_alone_is_slow_is_broken() {
    for seed in 0..3 {
        let trial = slow_node(seed, false);
        assert!(!trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
    }
}

#[test]
fn lag_that_grows_while_a_pod_is_young_counts_but_does_not_decide() {
    for seed in 0..3 {
        let mut trial = Trial::begin(Shape { load: 0.85, ..Shape::small() }, seed);
        trial.world.canary().for_each(|pod| pod.health = 0.5);
        trial.run(3 * MINUTE);
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        assert!(trial.last().against.value > 50.0, "seed {seed}: {}", trial.last());
        trial.run(MINUTE);
        let found = trial.first(Verdict::Fail).expect("it goes on");
        assert!((200..=240).contains(&found), "seed {seed}: {found} s");
    }
}
