//! What is a crash of the version and what every version does: pods and their containers at a few
//! moments. Times are milliseconds since the trial's canary pod was made.

use super::*;
use crate::observation::{CRASH_LOOP, ContainerObservation};

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const DAY: Millis = 24 * 60 * MINUTE;

/// A container that restarted so often, last at `ended`.
fn restarted(name: &str, restarts: u32, ended: Millis) -> ContainerObservation {
    let ended = Some(ended);
    ContainerObservation { name: name.into(), restarts, ended, ..ContainerObservation::default() }
}

fn looping(name: &str, restarts: u32, ended: Millis) -> ContainerObservation {
    ContainerObservation { waiting: Some(CRASH_LOOP.into()), ..restarted(name, restarts, ended) }
}

fn pod(
    role: Role,
    index: usize,
    created: Millis,
    containers: &[ContainerObservation],
) -> PodObservation {
    let sum = |count: fn(&ContainerObservation) -> u32| containers.iter().map(count).sum();
    PodObservation {
        restarts: sum(|it| it.restarts),
        oom_kills: sum(|it| it.oom_kills),
        crash_loop: containers.iter().any(ContainerObservation::is_crash_loop),
        containers: containers.into(),
        ..PodObservation::healthy(format!("orders-{role:?}-{index}"), role, created)
    }
}

fn canary(containers: &[ContainerObservation]) -> PodObservation {
    pod(Role::Canary, 0, 0, containers)
}

/// Primary pods with these containers, made `age` before the canary.
fn primaries(
    count: usize,
    age: Millis,
    containers: &[ContainerObservation],
) -> Vec<PodObservation> {
    (0..count).map(|index| pod(Role::Primary, index, -age, containers)).collect()
}

fn with(mut pods: Vec<PodObservation>, more: PodObservation) -> Vec<PodObservation> {
    pods.push(more);
    pods
}

fn found(at: Millis, pods: &[PodObservation]) -> Option<&'static str> {
    crash_guard(at, pods, true).map(|it| it.name())
}

#[test]
fn restarts_at_the_start_that_every_pod_has_are_nobodys_fault() {
    // Every pod's agent races a proxy and crashes twice within its first ten seconds.
    let age = 2 * 60 * MINUTE;
    let primary = || primaries(3, age, &[restarted("agent", 2, 10 * SECOND - age)]);
    for own in [restarted("agent", 2, 9 * SECOND), looping("agent", 1, 9 * SECOND)] {
        assert_eq!(found(12 * SECOND, &with(primary(), canary(&[own]))), None);
    }
    let note = |pods: &[PodObservation]| {
        let mut guard = CrashGuard::default();
        guard.observe(12 * SECOND, pods);
        guard.notes(pods)
    };
    let told = note(&with(primary(), canary(&[restarted("agent", 2, 9 * SECOND)])));
    assert!(matches!(told, Some(Note::CrashesAsThePrimary { crashes: 2, .. })), "{told:?}");
    let worse = with(primary(), canary(&[looping("agent", 3, 50 * SECOND)]));
    assert_eq!(found(52 * SECOND, &worse), Some("CrashLoop"), "two more than theirs");
    let other = with(
        primary(),
        canary(&[restarted("agent", 2, 9 * SECOND), looping("worker", 1, 20 * SECOND)]),
    );
    let finding = crash_guard(21 * SECOND, &other, true).expect("a crash loop").to_string();
    assert!(finding.starts_with("container worker of canary pod"), "{finding}");
}

#[test]
fn primary_pods_that_are_younger_than_the_canary_say_nothing_of_its_start_yet() {
    // Every pod crashes twice in its first half minute; primary has just been replaced.
    let mut guard = CrashGuard::default();
    let look = |guard: &mut CrashGuard, at: Millis, made: Millis, of_primary: u32, own: u32| {
        let theirs = [restarted("agent", of_primary, at)];
        let own = canary(&[restarted("agent", own, 30 * SECOND)]);
        let pods = with(primaries(3, -made, &theirs[..usize::from(of_primary > 0)]), own);
        guard.observe(at, &pods);
        guard.finding(&pods, true).map(|it| it.name())
    };
    let made = 2 * MINUTE;
    assert_eq!(look(&mut guard, 2 * MINUTE + SECOND, made, 0, 2), None);
    let mut resumed = CrashGuard::default();
    for guard in [&mut guard.clone(), &mut resumed] {
        assert_eq!(look(guard, made + 20 * SECOND, made, 1, 2), None);
        assert_eq!(look(guard, made + 3 * MINUTE, made, 2, 2), None);
    }
    // They get older than it was, and crash no more: now they speak.
    let calm = look(&mut guard, made + 3 * MINUTE, made, 0, 2);
    assert_eq!(calm, Some("Crashes"), "two more than theirs at that age");
}

#[test]
fn a_crash_loop_of_an_init_container_is_found_at_the_first_look() {
    let pods = with(primaries(3, DAY, &[]), canary(&[looping("check", 1, 2 * SECOND)]));
    let finding = crash_guard(3 * SECOND, &pods, true).expect("a crash loop");
    let expected =
        "container check of canary pod orders-Canary-0 is in CrashLoopBackOff, restarts so far: 1";
    assert_eq!(finding.to_string(), expected);
}

#[test]
fn what_only_counts_tell_of_the_primarys_starts_excuses_for_a_bounded_time() {
    // Each pod crashed at its start or on one of thirty nights: after a restart nobody knows when.
    let primary = || primaries(3, 30 * DAY, &[restarted("worker", 32, -DAY / 2)]);
    let at = |restarts, ended| with(primary(), canary(&[looping("worker", restarts, ended)]));
    assert_eq!(found(12 * SECOND, &at(1, 11 * SECOND)), None);
    assert_eq!(found(32 * SECOND, &at(2, 31 * SECOND)), None);
    assert_eq!(found(150 * SECOND, &at(4, 149 * SECOND)), Some("CrashLoop"));
    let mut calm = at(1, 11 * SECOND);
    calm[0].containers = Arc::default();
    assert_eq!(found(12 * SECOND, &calm), Some("CrashLoop"), "one of them never did");
}

#[test]
fn a_restart_each_night_is_none_of_a_window() {
    let mut guard = CrashGuard::default();
    for night in 0..5_i32 {
        let at = Millis::from(night) * DAY + MINUTE;
        let own = restarted("token", night.unsigned_abs(), at - SECOND);
        let pods = with(primaries(3, DAY, &[]), canary(&[own]));
        guard.observe(at, &pods);
        assert_eq!(guard.finding(&pods, true), None, "night {night}");
    }
}

#[test]
fn crashes_in_the_time_in_which_primary_pods_crash_are_shared() {
    let mut guard = CrashGuard::default();
    let at = |count: u32, ended: Millis| {
        let primary = primaries(3, DAY, &[restarted("proxy", count, ended)]);
        with(primary, canary(&[restarted("proxy", count, ended)]))
    };
    for (step, time) in (0..6).map(|it| (it, 30 * MINUTE + Millis::from(it) * MINUTE)) {
        let pods = at(step, time - SECOND);
        guard.observe(time, &pods);
        assert_eq!(guard.finding(&pods, true), None, "after {step} crashes of everyone");
    }
}

#[test]
fn after_a_shared_outage_both_begin_anew() {
    let mut guard = CrashGuard::default();
    let look = |guard: &mut CrashGuard, at: Millis, own: ContainerObservation| {
        let pods = with(primaries(3, DAY, &[]), canary(&[own]));
        guard.observe(at, &pods);
        pods
    };
    let begin = 30 * MINUTE;
    look(&mut guard, begin, restarted("worker", 0, 0));
    // The database is away: the primary is not ready, and the canary crashes three times.
    let pods = look(&mut guard, begin + 30 * SECOND, looping("worker", 3, begin + 29 * SECOND));
    assert_eq!(guard.finding(&pods, false).map(|it| it.name()), Some("PrimaryUnhealthy"));
    guard.forgive();
    // The primary is back; the canary waits for its backoff, starts, and runs.
    let pods = look(&mut guard, begin + 60 * SECOND, looping("worker", 3, begin + 29 * SECOND));
    assert_eq!(guard.finding(&pods, true), None, "the crash was in the outage");
    let pods = look(&mut guard, begin + 90 * SECOND, restarted("worker", 4, begin + 29 * SECOND));
    assert_eq!(guard.finding(&pods, true), None);
    // An operator that starts now knows only until when it was forgiven, and what a status shows.
    let mut resumed = CrashGuard::going_on(guard.forgiven);
    let pods = look(&mut resumed, begin + 95 * SECOND, restarted("worker", 4, begin + 29 * SECOND));
    assert_eq!(resumed.finding(&pods, true), None);
    for guard in [&mut guard, &mut resumed] {
        look(guard, begin + 120 * SECOND, restarted("worker", 5, begin + 119 * SECOND));
        let pods = look(guard, begin + 140 * SECOND, restarted("worker", 6, begin + 139 * SECOND));
        assert_eq!(guard.finding(&pods, true).map(|it| it.name()), Some("Crashes"), "its own now");
    }
}

#[test]
fn one_bad_primary_pod_of_many_excuses_nobody() {
    let mut pods = primaries(60, DAY, &[]);
    pods[7].containers = [looping("worker", 5, -10 * SECOND)].into();
    assert_eq!(
        found(12 * SECOND, &with(pods, canary(&[looping("worker", 1, SECOND)]))),
        Some("CrashLoop")
    );
}

#[test]
fn kills_that_primary_pods_show_as_well_are_shared() {
    let killed = |ended| ContainerObservation { oom_kills: 1, ..restarted("worker", 1, ended) };
    let two = |primary: Vec<PodObservation>| {
        let second = pod(Role::Canary, 1, 0, &[killed(MINUTE)]);
        with(with(primary, canary(&[killed(MINUTE)])), second)
    };
    assert_eq!(found(2 * MINUTE, &two(primaries(4, DAY, &[]))), Some("OutOfMemory"));
    assert_eq!(found(2 * MINUTE, &two(primaries(4, DAY, &[killed(MINUTE)]))), None);
    let replaced_since = primaries(4, -MINUTE - SECOND, &[]);
    assert_eq!(found(2 * MINUTE, &two(replaced_since)), None, "they could not share it");
    let long_ago = primaries(4, DAY, &[killed(-DAY / 2)]);
    assert_eq!(found(2 * MINUTE, &two(long_ago)), Some("OutOfMemory"));
}
