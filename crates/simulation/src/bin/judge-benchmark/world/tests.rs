//! Whether the generator does what its scenarios say, measured on the group itself.
//! No judge takes part.

use super::*;
use crate::base::BASE;
use crate::catalogue::trials;
use crate::latency::shares_below;
use crate::scenario::{Counting, Dependency, HealthyTrouble, Node, Offsets, Start};
use crate::set::Set;

const SEED: u64 = 11;
const PODS: usize = BASE.pods;
const CANARY: usize = BASE.canary();

/// A group after so many seconds of its trial.
fn after(scenario: &Scenario, seconds: i64) -> World {
    let mut world = World::new(scenario, SEED);
    while world.now < seconds {
        world.step();
    }
    world
}

fn positions(world: &World) -> Vec<f64> {
    world.partitions.iter().map(|it| it.position).collect()
}

/// Messages that the canary consumed for one that was committed since the trial began.
fn consumed_per_committed(fault: Fault) -> f64 {
    let begin = after(&Scenario { fault, bad: true, ..BASE }, 1);
    let end = after(&Scenario { fault, bad: true, ..BASE }, 601);
    let committed = |world: &World| -> f64 {
        let owned = world.partitions.iter().filter(|it| it.owner == CANARY);
        owned.map(|it| it.committed).sum()
    };
    let consumed = end.pods[CANARY].consumed - begin.pods[CANARY].consumed;
    consumed / (committed(&end) - committed(&begin))
}

#[test]
fn what_only_some_have_changes_no_draw_of_the_others() {
    let plain = positions(&after(&BASE, 300));
    assert_eq!(plain, positions(&after(&Scenario { offsets: Offsets::Compacted, ..BASE }, 300)));
    assert_ne!(plain, positions(&after(&Scenario { skew: 0.5, ..BASE }, 300)));
}

#[test]
fn retries_double_what_is_consumed_and_duplicates_add_their_part() {
    let (plain, twice) =
        (consumed_per_committed(Fault::None), consumed_per_committed(Fault::Retries));
    let more = consumed_per_committed(Fault::Reprocesses(0.3));
    assert!((0.97..1.03).contains(&plain), "{plain}");
    assert!((1.9..2.1).contains(&twice), "{twice}");
    assert!((1.25..1.35).contains(&more), "{more}");
}

#[test]
fn aborted_transactions_commit_nothing_and_work_all_the_same() {
    let scenario = Scenario { fault: Fault::Aborts, ..BASE };
    let (before, later) = (after(&scenario, 10), after(&scenario, 310));
    let committed = |world: &World| -> Vec<f64> {
        world.partitions.iter().filter(|it| it.owner == CANARY).map(|it| it.committed).collect()
    };
    assert_eq!(committed(&before), committed(&later));
    assert!(later.pods[CANARY].processed > before.pods[CANARY].processed + 10_000.0);
}

#[test]
fn batches_commit_once_in_60_to_120_seconds() {
    let mut world = World::new(&Scenario { commit: 60, commit_spread: 60, ..BASE }, SEED);
    let (mut commits, mut before) = (Vec::new(), world.partitions[0].committed);
    while world.now < 0 {
        world.step();
        let now = world.partitions[0].committed;
        if now > before {
            commits.push(world.now);
            before = now;
        }
    }
    let gaps: Vec<i64> = commits.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() >= 4, "{gaps:?}");
    // A garbage collection may put one off by its three seconds.
    assert!(gaps.iter().all(|gap| (57..=123).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap != gaps[0]), "{gaps:?}");
}

#[test]
fn what_is_counted_by_the_batch_looks_lost_until_it_ends() {
    let scenario = Scenario {
        counting: Counting::Batch,
        fault: Fault::LargerBatches,
        commit: 3,
        commit_spread: 6,
        ..BASE
    };
    let mut world = World::new(&scenario, SEED);
    let mut most = [0.0; PODS];
    let mut ends = [0; PODS];
    while world.now < 600 {
        world.step();
        for (index, pod) in world.pods.iter().enumerate() {
            let missing = pod.consumed - pod.at_batch_end.0 - pod.at_batch_end.1;
            assert!(missing >= 0.0, "second {} of pod {index}", world.now);
            most[index] = missing.max(most[index]);
            ends[index] += u32::from(missing < 1.0);
        }
    }
    // Nine seconds of some 210 messages, and the canary's fourteen; a garbage collection may put
    // the end of a batch off by three.
    assert!(most[..CANARY].iter().all(|most| (1_400.0..2_800.0).contains(most)), "{most:?}");
    assert!((2_500.0..3_900.0).contains(&most[CANARY]), "{most:?}");
    assert!(ends.iter().all(|ends| *ends > 50), "{ends:?}");
}

#[test]
fn a_shared_node_slows_both_of_its_pods_and_no_other() {
    let mut world = World::new(&Scenario { node: Node::Shared, ..BASE }, SEED);
    let mut busy = 0;
    while world.now < 1_800 {
        world.step();
        let slow = |index: usize| world.pods[index].slowness > 1.2;
        if world.now > 0 {
            assert_eq!(slow(0), slow(CANARY), "second {}", world.now);
            busy += u32::from(slow(0));
        }
        assert!(!(1..CANARY).any(slow), "second {}", world.now);
    }
    assert!((400..1_400).contains(&busy), "busy for {busy} s");
}

#[test]
fn few_keys_concentrate_the_same_traffic() {
    let spread = |traffic: Traffic| {
        let world = after(&Scenario { traffic, load: 0.4, ..BASE }, 1_800);
        let ends: Vec<f64> = world.partitions.iter().map(|it| it.log.readable() - BEGIN).collect();
        (ends.iter().sum::<f64>(), ends.iter().copied().fold(0.0, f64::max))
    };
    let ((steady, most), (bursts, concentrated)) =
        (spread(Traffic::Steady), spread(Traffic::FewKeys));
    assert!((0.8..1.2).contains(&(bursts / steady)), "{bursts} beside {steady}");
    assert!(concentrated > 1.3 * most, "{concentrated} beside {most}");
}

#[test]
fn hiccups_meet_both_roles() {
    let world = after(&Scenario { dependency: Dependency::Hiccups, ..BASE }, 1_800);
    let plain = after(&BASE, 1_800);
    for index in [0, CANARY] {
        let ratio = |world: &World| world.pods[index].errors / world.pods[index].consumed;
        assert!(ratio(&world) > 1.05 * ratio(&plain), "pod {index}: {}", ratio(&world));
        let pod = &world.pods[index];
        assert!(pod.consumed > pod.processed + pod.errors, "pod {index} reads nothing again");
    }
}

#[test]
fn another_zone_costs_time_and_not_speed() {
    let far = after(&Scenario { fault: Fault::FarZone, ..BASE }, 600);
    let slow = |index: usize| {
        let pod = &far.pods[index];
        1.0 - shares_below(pod.slowness, pod.delay)[3]
    };
    assert!((1.1..1.4).contains(&(slow(CANARY) / slow(0))), "{} beside {}", slow(CANARY), slow(0));
    assert_eq!(far.pods[CANARY].slowness.to_bits(), far.pods[0].slowness.to_bits());
}

/// What no judge of lag can tell apart: the deficit of that scenario, and a healthy canary that is
/// slow by luck, or has the busier partitions.
#[test]
fn at_a_load_of_95_percent_one_healthy_canary_in_eleven_falls_behind_like_a_deficit_of_5_percent() {
    let scenario = Scenario { load: 0.95, ..BASE };
    let falls_behind = |seed: &u64| {
        let world = World::new(&scenario, *seed);
        let owned = world.partitions.iter().filter(|it| it.owner == CANARY).map(|it| it.weight);
        let arrives = scenario.load * scenario.capacity * owned.sum::<f64>() * PODS as f64
            / BASE.partitions as f64;
        world.pods[CANARY].speed <= 0.95 * arrives
    };
    let share = (1..=5_000).filter(falls_behind).count() as f64 / 5_000.0;
    assert!((0.085..0.10).contains(&share), "{share}");
}

#[test]
fn a_second_step_has_more_canary_pods_and_begins_with_a_rebalance() {
    let mut world = after(&Scenario { pods: 10, partitions: 50, canaries: [1, 5], ..BASE }, 60);
    let canaries = |world: &World| world.pods.iter().filter(|pod| pod.canary).count();
    let epoch = world.epoch;
    assert_eq!(canaries(&world), 1);
    world.next_step();
    assert_eq!((canaries(&world), world.epoch), (5, epoch + 1));
    world.next_step();
    assert_eq!(world.pods[9].generation, 1, "the first canary pod stays");
}

#[test]
fn a_second_step_with_as_many_canary_pods_changes_nothing() {
    let mut world = after(&BASE, 60);
    let epoch = world.epoch;
    world.next_step();
    assert_eq!(world.epoch, epoch);
}

#[test]
fn a_new_pod_starts_as_its_scenario_says_and_old_ones_run_on() {
    for (start, early, late) in [
        (Start::Full, 1.0, 1.0),
        (Start::Plateau { part: 0.5, seconds: 300 }, 0.5, 1.0),
        (Start::Ramp { part: 0.0, seconds: 398 }, 0.5, 1.0),
        (Start::Late(300), 0.0, 1.0),
        (Start::Cache { part: 0.0, seconds: 199.0 / std::f64::consts::LN_2 }, 0.5, 0.75),
    ] {
        let scenario = Scenario { start, ..BASE };
        for (second, expected) in [(200, early), (399, late)] {
            let world = after(&scenario, second);
            let pace = world.pace(CANARY);
            assert!((pace - expected).abs() < 0.01, "{start:?} at {second} s: {pace}");
            assert!(world.pace(0) > 0.99, "{start:?}: an old pod");
        }
    }
}

#[test]
fn cron_brings_the_same_traffic_in_bursts() {
    let arrived = |traffic| {
        let world = after(&Scenario { traffic, load: 0.3, ..BASE }, 600);
        world.partitions.iter().map(|it| it.log.readable() - BEGIN).sum::<f64>()
    };
    let cron = arrived(Traffic::Cron { period: 300, length: 15 });
    let steady = arrived(Traffic::Steady);
    assert!((0.85..1.15).contains(&(cron / steady)), "{cron} beside {steady}");
}

#[test]
fn after_a_rebalance_all_commits_fall_together_where_the_scenario_says_so() {
    let mut world =
        after(&Scenario { commit: 40, phase: CommitPhase::Rebalance, load: 0.3, ..BASE }, 2);
    let mut seconds = std::collections::BTreeSet::new();
    while world.now < 200 {
        let before: Vec<f64> = world.partitions.iter().map(|it| it.committed).collect();
        world.step();
        let moved = world.partitions.iter().zip(before).any(|(it, before)| it.committed > before);
        if moved {
            seconds.insert(world.now);
        }
    }
    // Four rounds, and pods that a garbage collection held up.
    assert!((4..=8).contains(&seconds.len()), "{seconds:?}");
}

#[test]
fn one_partition_is_bad_for_a_while_and_no_other() {
    let trouble = HealthyTrouble::BadPartition { seconds: 120, times: 50.0 };
    let mut world = World::new(&Scenario { trouble, ..BASE }, SEED);
    let mut bad = [0; BASE.partitions];
    while world.now < 1_200 {
        world.step();
        for (partition, seconds) in bad.iter_mut().enumerate() {
            *seconds += u32::from(world.more_errors(0, partition) > 1.0);
        }
    }
    assert_eq!(bad.iter().filter(|seconds| **seconds == 120).count(), 1, "{bad:?}");
    assert_eq!(bad.iter().sum::<u32>(), 120);
}

#[test]
fn nodes_change_what_a_pod_does_and_how_long_it_takes() {
    let world = after(&Scenario { node_spread: 0.2, load: 1.5, ..BASE }, 600);
    let first = &world.pods[0];
    assert!((first.node - 1.0).abs() > 0.01, "{}", first.node);
    let done = |index: usize| world.pods[index].consumed / world.pods[index].speed;
    let (node, other) = (first.node, world.pods[1].node);
    let ratio = done(0) / done(1) / (node / other);
    assert!((0.95..1.05).contains(&ratio), "{ratio}");
}

#[test]
fn lag_swings_up_and_down_and_comes_back() {
    let trouble = HealthyTrouble::Swings { part: 0.3, period: 240 };
    let mut world = World::new(&Scenario { trouble, load: 0.83, ..BASE }, SEED);
    let waiting =
        |world: &World| world.seats[0].iter().map(|it| world.partitions[*it].waiting()).sum();
    let (mut most, mut least): (f64, f64) = (0.0, f64::INFINITY);
    while world.now < 960 {
        world.step();
        if world.now > 480 {
            most = most.max(waiting(&world));
            least = least.min(waiting(&world));
        }
    }
    // 39 messages a second more than an average pod takes, for two minutes; this one has busy partitions.
    assert!((2_500.0..9_000.0).contains(&most), "{most}");
    assert!(least < 200.0, "{least}");
}

#[test]
fn names_are_told_apart() {
    let all = Set::ALL.into_iter().flat_map(trials);
    let mut names: Vec<&str> = all.map(|one| one.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
