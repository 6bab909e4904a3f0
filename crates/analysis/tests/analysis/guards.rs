//! The guards: stalls, poison records, crash loops and out-of-memory kills, and what excuses them.
//! Times are logical: seconds of the simulation, to the resolution of its polls.

use std::collections::BTreeMap;

use siskin_analysis::observation::{Millis, Observation, PodObservation, Role};
use siskin_analysis::{
    Doubt, Fault, Finding, Judge, Note, Record, Signal, Verdict, crash_guard, primary_steady,
};
use siskin_simulation::pod::Pod;
use siskin_simulation::trial::{HAND_OVER, Trial, doubt, fault};
use siskin_simulation::{Shape, World, healthy_pod};

const MINUTE: Millis = 60_000;

fn hang(world: &mut World) {
    world.canary().for_each(|pod| pod.health = 0.0);
}

fn poison(world: &mut World) {
    let first = world.canary_partitions()[0];
    let partition = &mut world.partitions[first];
    partition.poison = Some(partition.position);
}

fn shapes() -> [Shape; 4] {
    let base = Shape::default();
    [Shape::small(), Shape { poll: 5_000, ..base }, base, Shape { commit: 2_000, ..base }]
}

/// Seconds from a fault to the Fail.
fn found(mut trial: Trial, fault: fn(&mut World)) -> Millis {
    let since = trial.world.now - trial.begin;
    assert!(trial.never(Verdict::Fail));
    fault(&mut trial.world);
    trial.run(2 * MINUTE);
    trial.first(Verdict::Fail).expect("found within two minutes") - since / 1_000
}

#[test]
fn stalls_and_poison_are_found_within_a_minute() {
    let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for shape in shapes() {
        for seed in 0..2 {
            let fresh = Trial::begin(shape, seed);
            let mut later = fresh.clone();
            later.run(2 * MINUTE);
            times[0].push(found(fresh.clone(), hang));
            times[1].push(found(fresh, poison));
            times[2].push(found(later.clone(), hang));
            times[3].push(found(later, poison));
        }
    }
    let names = ["stall at the hand-over", "poison at the hand-over", "late stall", "late poison"];
    for (name, mut times) in names.into_iter().zip(times) {
        times.sort_unstable();
        let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{name}: median {median} s, slowest {slowest} s of {}", times.len());
        assert!(slowest <= 60, "{name}: {slowest} s");
    }
}

#[test]
fn the_finding_names_partition_and_pod() {
    let mut trial = Trial::begin(Shape::small(), 1);
    trial.run(2 * MINUTE);
    poison(&mut trial.world);
    let stuck = trial.world.canary_partitions()[0];
    trial.run(2 * MINUTE);
    let found = trial.assessments.iter().find_map(fault).expect("found");
    let Fault::Stalled { partition, pod, quiet, waiting } = found else { panic!("{found}") };
    assert_eq!(usize::try_from(partition.partition), Ok(stuck));
    assert_eq!(&**pod, "worker-canary-0");
    assert!((30_000..=34_000).contains(quiet) && *waiting > 50, "{found}");
}

/// A trial whose canary gets a partition that stood still for the last two minutes before it.
fn stuck_before() -> Trial {
    let trials = (0..20).map(|seed| {
        let mut world = World::new(Shape::small(), seed);
        let mut record = Record::new(20 * MINUTE);
        let mut show = |_: &mut World, seen| {
            record.push(seen);
        };
        world.run(10 * MINUTE, &mut show);
        world.partitions[0].poison = Some(world.partitions[0].position);
        world.run(2 * MINUTE, &mut show);
        let mut trial = Trial::with_record(world, record);
        trial.world.start_trial(HAND_OVER);
        trial
    });
    let mut owned = trials.filter(|it| it.world.canary_partitions().contains(&0));
    owned.next().expect("a canary that owns the partition")
}

#[test]
fn a_partition_that_stood_before_the_hand_over_is_told_and_not_held_against_the_canary() {
    let mut trial = stuck_before();
    trial.run(10 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    assert!(trial.never(Verdict::Pass), "nor does it pass");
    let told = |doubt: &Doubt| matches!(doubt, Doubt::StoodBefore { partition } if partition.partition == 0);
    assert!(doubt(trial.last()).is_some_and(told), "{}", trial.last());
    let noted = |it: &Note| matches!(it, Note::StoodBefore { more: 0, .. });
    assert!(trial.last().notes.iter().any(noted));
}

/// Takes every commit of partition 0 away: nobody ever committed there.
fn never_committed(seen: &mut Observation) {
    let partitions = seen.group.iter_mut().flat_map(|it| &mut it.partitions);
    partitions.filter(|it| it.partition == 0).for_each(|it| it.committed = None);
}

#[test]
fn a_partition_on_which_nobody_ever_committed_before_is_not_held_against_the_canary() {
    let mut owned = 0;
    for seed in 0..20 {
        let mut world = World::new(Shape::small(), seed);
        let mut record = Record::new(20 * MINUTE);
        world.partitions[0].poison = Some(world.partitions[0].position);
        world.run(3 * MINUTE, |_, mut seen| {
            never_committed(&mut seen);
            record.push(seen);
        });
        let mut trial = Trial::with_record(world, record);
        trial.world.start_trial(HAND_OVER);
        if !trial.world.canary_partitions().contains(&0) {
            continue;
        }
        owned += 1;
        trial.run_edited(4 * MINUTE, |_, seen| never_committed(seen));
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        assert!(trial.never(Verdict::Pass), "seed {seed}: nor does it pass");
    }
    assert!(0 < owned, "a canary that owns the partition");
}

/// Puts the marker of a transaction at the end of every log: it is never consumed. Nothing else arrives
/// on what is at rest, at the offset that it came to rest at.
fn marked(seen: &mut Observation, resting: &mut BTreeMap<i32, Option<i64>>) {
    let partitions = seen.group.iter_mut().flat_map(|it| &mut it.partitions);
    for partition in partitions {
        if let Some(rest) = resting.get_mut(&partition.partition) {
            let end = rest.or(partition.log_end);
            (*rest, partition.committed, partition.log_end) = (end, end, end);
        }
        partition.log_end = partition.log_end.map(|it| it + 1);
    }
}

#[test]
fn one_record_that_waits_for_ever_is_no_stall_and_holds_no_trial_back() {
    let mut world = World::new(Shape::small(), 3);
    let mut record = Record::new(20 * MINUTE);
    let mut resting = BTreeMap::new();
    for (minutes, rests) in [(10, 0), (3, 4)] {
        resting.extend((0..rests).map(|it| (it, None)));
        world.run(minutes * MINUTE, |_, mut seen| {
            marked(&mut seen, &mut resting);
            record.push(seen);
        });
    }
    assert_eq!(primary_steady(&record, world.now), Ok(()), "a marker is nothing to be behind with");
    let mut trial = Trial::with_record(world, record);
    trial.world.start_trial(HAND_OVER);
    trial.run_edited(2 * MINUTE, |_, seen| marked(seen, &mut resting));
    // From now on nothing arrives on the canary's partitions.
    let idle = trial.world.canary_partitions().into_iter().filter_map(|it| i32::try_from(it).ok());
    resting.extend(idle.map(|it| (it, None)));
    trial.run_edited(6 * MINUTE, |_, seen| marked(seen, &mut resting));
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    let stalled = trial.assessments.iter().filter(|it| {
        doubt(it)
            .is_some_and(|it| matches!(it, Doubt::SharedStall { .. } | Doubt::JustRecovered { .. }))
    });
    assert_eq!(stalled.count(), 0);
}

#[test]
fn a_judge_that_goes_on_after_a_restart_knows_what_stood_before() {
    let mut trial = stuck_before();
    trial.run(MINUTE);
    let settings = siskin_simulation::trial::settings(trial.world.shape);
    trial.judge = Judge::resume(settings, &trial.judge.save()).expect("what was saved");
    trial.run(10 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
}

#[test]
fn a_canary_that_stalls_another_partition_or_one_that_it_freed_is_found_all_the_same() {
    let mut other = stuck_before();
    assert!(
        found(other.clone(), |world| {
            let second = world.canary_partitions()[1];
            world.partitions[second].poison = Some(world.partitions[second].position);
        }) <= 60
    );
    other.run(MINUTE);
    other.world.partitions[0].poison = None;
    other.run(5 * MINUTE);
    assert!(other.never(Verdict::Fail), "{}", other.last());
    assert!(found(other, poison) <= 60, "it had moved on");
}

#[test]
fn sparse_messages_are_no_stall() {
    for (seed, commit) in [(2, 1_000), (3, 5_000), (4, 20_000)] {
        let mut trial = Trial::begin(Shape { load: 0.002, commit, ..Shape::small() }, seed);
        trial.run(60 * MINUTE);
        assert!(trial.never(Verdict::Fail), "commits every {commit} ms: {}", trial.last());
    }
}

#[test]
fn a_stall_of_everyone_is_shared() {
    let mut trial = Trial::begin(Shape::small(), 5);
    trial.run(2 * MINUTE);
    trial.world.pods.iter_mut().for_each(|pod| pod.health = 0.0);
    trial.run(3 * MINUTE);
    assert!(trial.never(Verdict::Fail));
    let shared = |doubt: &Doubt| matches!(doubt, Doubt::SharedStall { committing: 0, of: 8, .. });
    assert!(doubt(trial.last()).is_some_and(shared), "{}", trial.last());
}

#[test]
fn an_unhealthy_primary_takes_the_blame() {
    let mut trial = Trial::begin(Shape::small(), 6);
    trial.healthy = false;
    hang(&mut trial.world);
    trial.run(2 * MINUTE);
    assert!(trial.never(Verdict::Fail) && trial.never(Verdict::Pass));
    let Some(Doubt::PrimaryUnhealthy { suspicion: Some(fault) }) = doubt(trial.last()) else {
        panic!("{}", trial.last());
    };
    assert!(matches!(**fault, Fault::NoFirstCommit { .. }));
}

#[test]
fn rebalances_stop_the_clock() {
    let mut trial = Trial::begin(Shape::small(), 7);
    let begin = trial.begin;
    // Stable for 14 s at a time: never long enough to speak of 30 s of silence.
    hang(&mut trial.world);
    trial.run_edited(2 * MINUTE, |world, _| {
        if (world.now - begin) % 20_000 == 0 {
            world.rebalance(6_000);
        }
    });
    let early = trial.assessments.iter().take_while(|one| one.at < begin + 30_000);
    assert!(early.map(fault).all(|fault| fault.is_none()));
}

#[test]
fn silence_of_the_source_is_not_silence_of_the_canary() {
    let mut trial = Trial::begin(Shape::small(), 8);
    trial.run(2 * MINUTE);
    let silent = trial.world.now;
    hang(&mut trial.world);
    trial.run_edited(10 * MINUTE, |world, seen| {
        // One answer in ten polls: nobody knows what happened in between.
        if (world.now - silent) % 20_000 != 0 {
            seen.group = None;
        }
    });
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
}

#[test]
fn crashes_need_no_kafka_and_no_history() {
    let pod = |restarts| {
        let mut pod = healthy_pod("worker-canary-0", Role::Canary, 0);
        pod.restarts = restarts;
        pod
    };
    assert_eq!(crash_guard(0, &[pod(1)], true), None);
    let found = crash_guard(0, &[pod(1), pod(2)], true).map(|finding| finding.verdict());
    assert_eq!(found, Some(Verdict::Fail));
    let looping = [siskin_analysis::observation::PodObservation { crash_loop: true, ..pod(0) }];
    let found = crash_guard(0, &looping, true).expect("a crash loop");
    assert!(matches!(found, Finding::Fault(Fault::CrashLoop { .. })));
    let shared = crash_guard(0, &looping, false).expect("a crash loop");
    assert_eq!(shared.verdict(), Verdict::Inconclusive);
    assert!(shared.to_string().ends_with("unhealthy: CrashLoop"), "{shared}");
}

#[test]
fn two_kills_over_all_canary_pods_are_enough() {
    let pod = |role, oom_kills, terminating| {
        let pod = healthy_pod("worker", role, 0);
        siskin_analysis::observation::PodObservation { oom_kills, terminating, ..pod }
    };
    let (canary, primary) = (Role::Canary, Role::Primary);
    assert_eq!(crash_guard(0, &[pod(canary, 1, false), pod(primary, 9, false)], true), None);
    assert_eq!(crash_guard(0, &[pod(canary, 1, false), pod(canary, 1, true)], true), None);
    let found = crash_guard(0, &[pod(canary, 1, false), pod(canary, 1, false)], true);
    assert_eq!(found, Some(Finding::Fault(Fault::OutOfMemory { kills: 2 })));
}

#[test]
fn a_crash_loop_after_a_kill_is_told_as_what_it_is() {
    let pod = healthy_pod("worker", Role::Canary, 0);
    let killed = PodObservation { crash_loop: true, restarts: 1, oom_kills: 1, ..pod };
    let found = crash_guard(0, std::slice::from_ref(&killed), true);
    assert_eq!(found, Some(Finding::Fault(Fault::OutOfMemory { kills: 1 })));
    let told = found.map(|it| it.to_string());
    let expected = "canary containers were killed once for running out of memory";
    assert_eq!(told.as_deref(), Some(expected));
    // One kill alone can be bad luck, and another pod's loop says nothing of it.
    let unlucky = PodObservation { crash_loop: false, ..killed };
    assert_eq!(crash_guard(0, &[unlucky], true), None);
}

#[test]
fn crashes_count_from_the_first_second_also_while_kafka_is_silent() {
    let mut trial = Trial::begin(Shape::small(), 9);
    trial.run_edited(10_000, |world, seen| {
        seen.group = None;
        world.canary().for_each(|pod| pod.restarts += 1);
    });
    assert!(matches!(fault(trial.last()), Some(Fault::Crashes { .. })));
    assert!(trial.first(Verdict::Fail) <= Some(6));
}

#[test]
fn crashes_while_the_primary_was_unhealthy_are_nobodys_fault() {
    let crash_twice = |trial: &mut Trial| {
        for _ in 0..2 {
            trial.world.canary().for_each(Pod::restart);
            trial.run(10_000);
        }
    };
    let mut trial = Trial::begin(Shape::small(), 5);
    trial.run(MINUTE);
    trial.healthy = false;
    crash_twice(&mut trial);
    trial.healthy = true;
    trial.run(2 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    crash_twice(&mut trial);
    assert!(matches!(fault(trial.last()), Some(Fault::Crashes { .. })), "{}", trial.last());
}

#[test]
fn a_restart_that_primary_pods_have_as_well_is_no_evidence_against_a_canary() {
    let evidence = |restarts: fn(&Pod) -> bool| {
        let mut trial = Trial::begin(Shape::small(), 6);
        trial.run(2 * MINUTE);
        trial.world.pods.iter_mut().filter(|pod| restarts(pod)).for_each(Pod::restart);
        let signals = &trial.run(MINUTE).signals;
        signals.iter().find(|it| it.signal == Signal::Restarts).expect("available").evidence
    };
    let (own, shared) = (evidence(|pod| pod.role == Role::Canary), evidence(|_| true));
    assert!(1.0 < own && shared <= 1.0, "{own} and {shared}");
}
