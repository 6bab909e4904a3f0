//! Outages that canary and primary share: what happens in them is held against nobody, and both begin
//! anew where they end. A canary that hangs on then is found within the time of a stall.

use proptest::prelude::*;
use siskin_analysis::observation::{Millis, Role};
use siskin_analysis::{Doubt, Fault, Judge, Note, Signal, Verdict};
use siskin_simulation::pod::Pod;
use siskin_simulation::trial::{HAND_OVER, Trial, doubt, fault, settings};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;

fn shapes() -> [Shape; 3] {
    let base = Shape::default();
    [Shape::small(), Shape { poll: 5_000, ..base }, base]
}

fn set_health(world: &mut World, health: f64, of: impl Fn(&Pod) -> bool) {
    world.pods.iter_mut().filter(|pod| of(pod)).for_each(|pod| pod.health = health);
}

const fn anybody(_: &Pod) -> bool {
    true
}

fn is_canary(pod: &Pod) -> bool {
    pod.role == Role::Canary
}

fn is_primary(pod: &Pod) -> bool {
    pod.role == Role::Primary
}

/// Nothing of these pods goes on for a time.
fn stop(trial: &mut Trial, span: Millis, of: impl Fn(&Pod) -> bool) {
    set_health(&mut trial.world, 0.0, of);
    trial.run(span);
}

/// The primary goes on, and the canary so many polls later.
fn recover(trial: &mut Trial, later: i64) {
    set_health(&mut trial.world, 1.0, is_primary);
    trial.run(later * trial.world.shape.poll);
    set_health(&mut trial.world, 1.0, anybody);
}

/// Asserts that a canary which hangs from now on, beside a primary that goes on, is found as soon as
/// its silence is a stall: `gap` more than that if it never committed. Nothing is blamed before.
fn assert_found(mut trial: Trial, gap: Millis) {
    assert_innocent(&trial);
    let since = trial.world.now;
    stop(&mut trial, 3 * MINUTE, is_canary);
    let found = trial.assessments.iter().find(|it| it.verdict == Verdict::Fail);
    let found = found.expect("found within three minutes");
    assert!(matches!(fault(found), Some(Fault::Stalled { .. } | Fault::NoFirstCommit { .. })));
    let (took, poll, commit) = (found.at - since, trial.world.shape.poll, trial.world.shape.commit);
    let longest = found.stall_wait + gap + commit + 2 * poll;
    assert!(took <= longest, "after {took} ms of {longest}: {found}");
}

fn assert_innocent(trial: &Trial) {
    let blamed = trial.assessments.iter().find(|it| it.verdict == Verdict::Fail);
    assert!(blamed.is_none(), "{}", blamed.expect("one"));
}

#[test]
fn a_canary_that_is_back_later_than_the_primary_is_not_blamed_and_found_when_it_hangs() {
    for shape in shapes() {
        for seed in 0..2 {
            let mut trial = Trial::begin(shape, seed);
            trial.run(2 * MINUTE);
            stop(&mut trial, 3 * MINUTE, anybody);
            recover(&mut trial, 3);
            trial.run(5 * MINUTE);
            assert_innocent(&trial);
            assert_found(trial, 0);
        }
    }
}

#[test]
fn a_canary_that_does_not_come_back_is_told_and_blamed_after_the_time_of_a_stall() {
    let mut trial = Trial::begin(Shape::small(), 1);
    trial.run(2 * MINUTE);
    stop(&mut trial, 3 * MINUTE, anybody);
    let since = trial.world.now;
    set_health(&mut trial.world, 1.0, is_primary);
    trial.run(10_000);
    let told = |doubt: &Doubt| matches!(doubt, Doubt::JustRecovered { remaining, .. } if (18_000..30_000).contains(remaining));
    assert!(doubt(trial.last()).is_some_and(told), "{}", trial.last());
    trial.run(MINUTE);
    let found = trial.assessments.iter().find(|it| it.verdict == Verdict::Fail).expect("found");
    let took = found.at - since;
    assert!((found.stall_wait..found.stall_wait + 3 * 2_000).contains(&took), "{took} ms");
}

#[test]
fn an_outage_from_the_first_second_of_a_canary_is_not_its_fault() {
    for seed in 0..3 {
        let mut trial = Trial::begin(Shape::small(), seed);
        stop(&mut trial, 3 * MINUTE, anybody);
        let mut hung = trial.clone();
        set_health(&mut hung.world, 1.0, is_primary);
        assert_found(hung, 2 * 2_000);
        recover(&mut trial, 5);
        trial.run(5 * MINUTE);
        assert_innocent(&trial);
        assert_found(trial, 0);
    }
}

#[test]
fn an_outage_of_a_part_of_the_primary_is_shared_and_one_partition_of_a_hundred_is_none() {
    let mut trial = Trial::begin(Shape { pods: 4, ..Shape::small() }, 2);
    trial.run(2 * MINUTE);
    stop(&mut trial, 3 * MINUTE, |pod| is_canary(pod) || &*pod.name == "worker-primary-0");
    recover(&mut trial, 3);
    trial.run(MINUTE);
    assert_innocent(&trial);
    let mut trial = Trial::begin(Shape { partitions: 120, pods: 6, ..Shape::small() }, 2);
    trial.run(2 * MINUTE);
    let canary = trial.world.canary_partitions();
    let first = (0..120).find(|it| !canary.contains(it)).expect("a primary partition");
    trial.world.partitions[first].poison = Some(trial.world.partitions[first].position);
    trial.run(2 * MINUTE);
    assert_found(trial, 0);
}

/// Outages of everyone, one after another, with 12 s between two of them in which the primary is well:
/// the canary so many polls later, or never.
fn comes_and_goes(seed: u64, outage: Millis, later: Option<i64>) -> Trial {
    let mut trial = Trial::begin(Shape::small(), seed);
    trial.run(2 * MINUTE);
    for _ in 0..10 {
        stop(&mut trial, outage, anybody);
        let end = trial.world.now + 12_000;
        match later {
            Some(polls) => recover(&mut trial, polls),
            None => set_health(&mut trial.world, 1.0, is_primary),
        }
        trial.run(end - trial.world.now);
    }
    trial
}

#[test]
fn outages_that_come_and_go_blame_nobody_and_hide_nobody_for_longer() {
    for seed in 0..3 {
        // Where each is shorter than a stall, whoever is later again and again falls behind.
        for (outage, later) in [(24_000, 1), (40_000, 4)] {
            let trial = comes_and_goes(seed, outage, Some(later));
            assert_innocent(&trial);
            assert_found(trial, 0);
        }
        assert_found(comes_and_goes(seed, 40_000, None), 0);
    }
}

/// Asserts that a canary which hangs from now on is found before its silence is three times that of a
/// stall.
fn assert_found_at_last(mut trial: Trial) {
    assert_innocent(&trial);
    let since = trial.world.now;
    stop(&mut trial, 3 * MINUTE, is_canary);
    let found = trial.assessments.iter().find(|it| it.verdict == Verdict::Fail).expect("found");
    assert!(matches!(fault(found), Some(Fault::Stalled { .. })), "{found}");
    let (took, longest) = (found.at - since, 3 * found.stall_wait + 6_000);
    assert!(took <= longest, "after {took} ms of {longest}: {found}");
}

#[test]
fn a_primary_that_is_slow_for_less_than_a_stall_again_and_again_hides_nobody() {
    for seed in 0..3 {
        let hung = comes_and_goes(seed, 24_000, None);
        let found = hung.assessments.iter().find(|it| it.verdict == Verdict::Fail).expect("found");
        assert!(matches!(fault(found), Some(Fault::Stalled { .. })), "{found}");
        let mut trial = Trial::begin(Shape::small(), seed);
        trial.run(2 * MINUTE);
        for pod in &mut trial.world.pods {
            pod.commit = if is_canary(pod) { 45_000 } else { 25_000 };
        }
        trial.run(10 * MINUTE);
        assert_found_at_last(trial.clone());
        trial.world.pods.iter_mut().for_each(|pod| pod.commit = 1_000);
        trial.run(2 * MINUTE);
        assert_found(trial, 0);
    }
}

#[test]
fn what_nobody_saw_of_an_outage_is_part_of_it() {
    let mut trial = Trial::begin(Shape::small(), 3);
    trial.run(2 * MINUTE);
    stop(&mut trial, 12_000, anybody);
    trial.run_edited(2 * MINUTE, |_, seen| seen.group = None);
    recover(&mut trial, 10);
    trial.run(MINUTE);
    assert_innocent(&trial);
    assert_found(trial, 0);
}

#[test]
fn silence_while_the_primary_was_unhealthy_is_no_stall_of_the_time_after_it() {
    let mut trial = Trial::begin(Shape::small(), 4);
    trial.run(2 * MINUTE);
    trial.healthy = false;
    stop(&mut trial, 2 * MINUTE, is_canary);
    trial.healthy = true;
    let hung = trial.clone();
    trial.run(10_000);
    recover(&mut trial, 3);
    trial.run(MINUTE);
    assert_innocent(&trial);
    assert_found(hung, 0);
}

/// As often as is a fault elsewhere.
#[test]
fn members_that_leave_and_come_back_in_an_outage_of_everyone_are_no_churn_of_the_canary() {
    let comes_and_goes = |of: fn(&Pod) -> bool| {
        let mut trial = Trial::begin(Shape::small(), 9);
        trial.run(5 * MINUTE);
        set_health(&mut trial.world, 0.0, of);
        let mut look = 0;
        trial.run_edited(12 * MINUTE, |_, seen| {
            look += 1;
            let group = seen.group.as_mut().expect("Kafka answered");
            group.members.canary = u32::from(look % 16 != 0);
        });
        set_health(&mut trial.world, 1.0, anybody);
        trial.run(MINUTE);
        trial
    };
    assert_innocent(&comes_and_goes(anybody));
    let found = comes_and_goes(|_| false);
    let found = found.assessments.iter().find_map(fault);
    assert!(matches!(found, Some(Fault::Worse { signal: Signal::Churn, .. })), "{found:?}");
}

/// Everyone's partitions are dealt anew in an outage, as where sessions end in it.
fn dealt_anew(seed: u64) -> Trial {
    let mut trial = Trial::begin(Shape::small(), seed);
    trial.run(2 * MINUTE);
    stop(&mut trial, MINUTE, anybody);
    trial.world.rebalance(HAND_OVER);
    trial.run(MINUTE);
    trial.world.rebalance(HAND_OVER);
    trial.run(MINUTE);
    trial
}

/// Asserts that a canary which recovers soon after the primary is not blamed, and one that hangs on is found.
fn assert_forgiven_or_found(mut trial: Trial) {
    let mut hung = trial.clone();
    recover(&mut trial, 3);
    trial.run(5 * MINUTE);
    assert_innocent(&trial);
    set_health(&mut hung.world, 1.0, is_primary);
    assert_found(hung, 2 * 2_000);
}

#[test]
fn a_canary_does_not_hide_behind_partitions_that_it_got_in_an_outage() {
    for seed in 0..3 {
        assert_forgiven_or_found(dealt_anew(seed));
    }
}

#[test]
fn a_judge_that_goes_on_after_a_restart_in_an_outage_blames_nobody_and_finds_who_hangs() {
    for mut trial in [dealt_anew(7), Trial::begin(Shape::small(), 7)] {
        stop(&mut trial, MINUTE, anybody);
        let judge = Judge::resume(settings(trial.world.shape), &trial.judge.save());
        trial.judge = judge.expect("what was saved");
        trial.run(MINUTE);
        assert_forgiven_or_found(trial);
    }
}

#[test]
fn a_partition_that_stood_before_an_outage_is_not_the_canarys_after_it() {
    let mut trial = dealt_anew(8);
    recover(&mut trial, 0);
    let mine = trial.world.canary_partitions();
    let stuck = (0..12).find(|it| !mine.contains(it)).expect("a primary partition");
    trial.run(MINUTE);
    trial.world.partitions[stuck].poison = Some(trial.world.partitions[stuck].position);
    trial.run(2 * MINUTE);
    stop(&mut trial, MINUTE, anybody);
    // Until the canary gets it.
    for _ in 0..20 {
        trial.world.rebalance(HAND_OVER);
        trial.run(MINUTE);
        if trial.world.canary_partitions().contains(&stuck) {
            break;
        }
    }
    recover(&mut trial, 0);
    trial.run(5 * MINUTE);
    assert_innocent(&trial);
    let told = |it: &Note| matches!(it, Note::StoodBefore { partition, more: 0 } if usize::try_from(partition.partition) == Ok(stuck));
    assert!(trial.last().notes.iter().any(told), "{:?}", trial.last().notes);
}

/// An outage of everyone or of most primary pods, and how it ends.
#[derive(Clone, Copy, Debug)]
struct Outage {
    seed: u64,
    shape: usize,
    /// From the beginning of the trial.
    begin: Millis,
    length: Millis,
    /// Whether one primary pod goes on.
    is_partial: bool,
    /// Whether the partitions are dealt anew in it.
    is_dealt: bool,
    /// Part of it, in percent, in which Kafka does not answer.
    unseen: Millis,
    is_unhealthy: bool,
    /// How much later than the primary the canary is back, in percent of the time of a stall less
    /// what both may take to a commit that is seen.
    late: Millis,
}

fn outage() -> impl Strategy<Value = Outage> {
    let (shape, late) = (0..3_usize, 0..=100_i64);
    let times = (prop_oneof![Just(0), Just(2 * MINUTE)], 0..240_000_i64, 0..=100_i64);
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>());
    (0..1_000_u64, shape, times, kinds, late).prop_map(|(seed, shape, times, kinds, late)| {
        let ((begin, length, unseen), (is_partial, is_dealt, is_unhealthy)) = (times, kinds);
        Outage { seed, shape, begin, length, is_partial, is_dealt, unseen, is_unhealthy, late }
    })
}

fn after(outage: Outage) -> Trial {
    let mut trial = Trial::begin(shapes()[outage.shape], outage.seed);
    // Also for less time than passes between two looks.
    let wait = |trial: &mut Trial, span| trial.run_edited(span, |_, _| {});
    wait(&mut trial, outage.begin);
    let goes_on = |pod: &Pod| outage.is_partial && &*pod.name == "worker-primary-0";
    set_health(&mut trial.world, 0.0, |pod| !goes_on(pod));
    trial.healthy = !outage.is_unhealthy;
    let unseen = outage.length * outage.unseen / 100;
    wait(&mut trial, outage.length - unseen);
    if outage.is_dealt {
        trial.world.rebalance(HAND_OVER);
    }
    trial.run_edited(unseen, |_, seen| seen.group = None);
    trial.healthy = true;
    set_health(&mut trial.world, 1.0, is_primary);
    trial
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_outage_that_is_shared_is_held_against_a_canary(outage in outage()) {
        let mut trial = after(outage);
        let Shape { commit, poll, .. } = trial.world.shape;
        let most = trial.judge.assess(trial.world.now, true).stall_wait - commit - 2 * poll;
        trial.run_edited(most * outage.late / 100, |_, _| {});
        set_health(&mut trial.world, 1.0, anybody);
        trial.run(3 * MINUTE);
        assert_innocent(&trial);
    }

    #[test]
    fn no_outage_hides_a_canary_that_hangs_after_it(outage in outage()) {
        let trial = after(outage);
        let Shape { commit, poll, .. } = trial.world.shape;
        // The group may still be at a stand while its partitions are dealt.
        assert_found(trial, commit + poll + HAND_OVER);
    }
}
