//! How long a verdict takes: a Pass of a healthy canary, a Fail of a slow one.
//! Logical seconds since the hand-over, which includes 6 s of rebalance and 30 s of warm-up.

use siskin_analysis::{Doubt, Verdict};
use siskin_simulation::trial::{Trial, WARM_UP, doubt};
use siskin_simulation::{Shape, World};

const MINUTE: i64 = 60_000;

fn times(shape: Shape, seeds: u64, verdict: Verdict, spoil: fn(&mut World)) -> Vec<i64> {
    let mut times: Vec<i64> = (0..seeds)
        .map(|seed| {
            let mut trial = Trial::begin(shape, seed);
            spoil(&mut trial.world);
            while trial.assessments.last().is_none_or(|last| last.verdict != verdict)
                && trial.world.now - trial.begin < 20 * MINUTE
            {
                trial.run(10_000);
            }
            trial.first(verdict).unwrap_or(i64::MAX)
        })
        .collect();
    times.sort_unstable();
    times
}

fn slow(world: &mut World) {
    world.canary().for_each(|pod| pod.health = 0.7);
}

fn half(world: &mut World) {
    world.canary().for_each(|pod| pod.health = 0.5);
}

#[test]
fn a_healthy_canary_of_a_small_fast_group_passes_within_forty_seconds_of_warm_observation() {
    for commit in [1_000, 2_000] {
        let times = times(Shape { commit, ..Shape::small() }, 7, Verdict::Pass, |_| {});
        println!("polls 2 s, commits {commit} ms: Pass after {times:?} s");
        assert!(times[3] <= 40 + WARM_UP / 1_000, "{times:?}");
    }
}

#[test]
fn a_healthy_canary_passes_within_three_minutes_at_the_default_interval() {
    let times = times(Shape::default(), 5, Verdict::Pass, |_| {});
    println!("polls 10 s, commits 5 s: Pass after {times:?} s");
    assert!(times[4] <= 180 + WARM_UP / 1_000, "{times:?}");
}

#[test]
fn a_slow_canary_at_saturation_fails() {
    let shape = Shape { load: 0.85, ..Shape::default() };
    let (slow, half) = (times(shape, 5, Verdict::Fail, slow), times(shape, 5, Verdict::Fail, half));
    println!(
        "polls 10 s, commits 5 s, load 0.85: Fail at 70 % speed {slow:?} s, at half {half:?} s"
    );
    assert!(slow[2] <= 480 && half[2] <= 380, "{slow:?} {half:?}");
}

#[test]
fn a_slow_canary_does_not_pass_meanwhile() {
    let mut trial = Trial::begin(Shape { load: 0.85, ..Shape::small() }, 1);
    half(&mut trial.world);
    trial.run(10 * MINUTE);
    assert!(trial.never(Verdict::Pass), "{}", trial.last());
    let unsettled = trial.assessments.iter().filter_map(doubt);
    assert!(unsettled.filter(|doubt| matches!(doubt, Doubt::LagNotSettled { .. })).count() > 20);
}

#[test]
fn a_new_step_needs_proof_of_its_new_partitions_only() {
    let mut trial = Trial::begin(Shape { pods: 4, ..Shape::small() }, 2);
    trial.run(3 * MINUTE);
    let kept = trial.last().against;
    let second = trial.world.pods.len() - 2;
    let now = trial.world.now;
    let pod = &mut trial.world.pods[second];
    (pod.role, pod.name, pod.created) =
        (siskin_analysis::observation::Role::Canary, "worker-canary-1".into(), now);
    trial.run(30_000);
    assert!(trial.last().verdict == Verdict::Inconclusive, "{}", trial.last());
    trial.run(2 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    assert!(trial.last().against.value <= kept.value, "the accounts were carried over");
    assert!(trial.last().windows.used > 0);
}
