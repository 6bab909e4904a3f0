//! A restart of the target in the middle of a move, and whatever else lets a Deployment replace its
//! pods: the pods that may be missing are spent once, not beside those on their way.

use jiff::SignedDuration;

use crate::observed::{Evidence, Observed, Workload};
use crate::order::Order;
use crate::plan::{Effect, Plan, WriteScope};
use crate::revision::Cause;
use crate::shape::{DeploymentStrategy, Portion};
use crate::state::{Origin, State, Stopwatch};
use crate::table::decide;
use crate::testing::{
    Change, ID, NEXT, NOW, PROMOTED, THIRD, adopting, ask, frozen, order, overdue, primary,
    progressing, promoting, rolling_back, step, target, with, workload,
};

/// One pod more and one less.
const ONE: DeploymentStrategy = DeploymentStrategy::RollingUpdate {
    max_surge: Portion::Pods(1),
    max_unavailable: Portion::Pods(1),
};

/// A step of two canary pods of five, the second one on its way, and X restarted.
fn restarted() -> Observed {
    let five: Change = |it| {
        primary(it).workload = workload(PROMOTED, 4);
        primary(it).workload.differs = true;
        primary(it).strategy = ONE;
        (primary(it).facts.replicas, primary(it).facts.target_replicas) = (5, Some(5));
        target(it).noted = Some(5);
        target(it).strategy = ONE;
        let young = Workload { ready: 0, available: 0, differs: true, ..workload(NEXT, 1) };
        (it.canary, it.canary_joined) = (Some(young), 0);
        (step(it).canary, step(it).reached) = (2, 0);
        (step(it).hold, step(it).delivered) = Default::default();
    };
    with(progressing(), &[five])
}

/// The target went back: nothing is rejected, and the canary leaves as it came.
const REVERTED: Change = |it| {
    let State::RollingBack(rollback) = &mut it.state else { panic!("it rolls back") };
    rollback.cause = Cause::Reverted;
    it.frozen.retain(|it| it.rejection.is_none());
    it.frozen.push(frozen(NEXT, 1));
};

fn scope_of_primary(plan: &Plan) -> Option<(u32, WriteScope)> {
    plan.effects.iter().find_map(|it| {
        let Effect::Primary { replicas, scope, .. } = it else { return None };
        Some((*replicas, *scope))
    })
}

#[test]
fn a_restart_in_the_middle_of_a_move_waits_for_the_units_on_their_way() {
    let seen = restarted();
    assert_eq!(decide(&seen, NOW).effects, [], "three of five would be left");
    let there = with(seen, &[|it| it.canary = Some(workload(NEXT, 1))]);
    let there = with(there, &[|it| it.canary.as_mut().unwrap().differs = true]);
    let plan = decide(&there, NOW);
    assert_eq!(scope_of_primary(&plan), Some((4, WriteScope::Whole)), "{plan:?}");
    assert_eq!(plan.effects.len(), 1, "no other unit moves, and the canary waits: {plan:?}");
}

/// Somebody restarts the target again and again: what a pod of the last template took is not held
/// against those that start now.
#[test]
fn a_restart_begins_the_deadline_of_the_canary_anew() {
    let spent = Stopwatch { spent: SignedDuration::from_mins(9), since: None };
    let restarts: Change = |it| {
        it.canary.as_mut().unwrap().differs = true;
        (step(it).reached, step(it).hold, step(it).delivered) =
            (1, Stopwatch::default(), Stopwatch::default());
    };
    let unsettled = |seen: &Observed| {
        let step = decide(seen, NOW).next.step().expect("a trial goes on");
        (step.reached, step.unsettled.elapsed(NOW))
    };
    let mut seen = with(progressing(), &[restarts]);
    step(&mut seen).unsettled = spent;
    assert_eq!(unsettled(&seen).1, SignedDuration::ZERO);
    let starts: Change = |it| {
        let young = Workload { ready: 0, available: 0, ..workload(NEXT, 1) };
        (it.canary, it.canary_joined, step(it).reached) = (Some(young), 0, 0);
    };
    let young = with(seen.clone(), &[starts]);
    assert_eq!(unsettled(&young), (0, spent.spent), "it takes its own time");
    let again = with(young, &[|it| it.canary.as_mut().unwrap().differs = true]);
    assert_eq!(unsettled(&again), (0, spent.spent), "begun anew once, not at every look");
    let old: Change = |it| {
        step(it).reached = 0;
        it.canary = Some(Workload { current: false, ..workload(NEXT, 1) });
    };
    assert_eq!(unsettled(&with(seen, &[old])).0, 0, "those are the pods of before");
}

/// A person aborts a promotion while one pod of primary is away: the healthy canary leaves as others
/// come, however urgent that is.
#[test]
fn an_aborted_promotion_gives_up_no_canary_that_primary_can_not_do_without() {
    let ten: Change = |it| {
        let State::RollingBack(rollback) = &mut it.state else { panic!("it rolls back") };
        (rollback.cause, rollback.from) = (Cause::Aborted, Origin::Promoting);
        primary(it).workload = Workload { ready: 8, available: 8, ..workload(PROMOTED, 9) };
        primary(it).strategy = ONE;
        (primary(it).facts.replicas, primary(it).facts.target_replicas) = (10, Some(10));
        (target(it).noted, target(it).strategy) = (Some(10), ONE);
    };
    let removes = |it: &Effect| matches!(it, Effect::Canary { replicas: 0, .. });
    let short = with(rolling_back(), &[ten]);
    assert!(!decide(&short, NOW).effects.iter().any(removes), "eight of ten would be left");
    let whole = with(short.clone(), &[|it| primary(it).workload = workload(PROMOTED, 9)]);
    assert!(decide(&whole, NOW).effects.iter().any(removes), "nine are enough");
    let broken = with(short.clone(), &[|it| it.evidence = Evidence::GuardFailed]);
    assert!(decide(&broken, NOW).effects.iter().any(removes), "it serves nobody");
    let waited = with(short, &[overdue]);
    assert!(
        decide(&waited, NOW).effects.iter().any(removes),
        "a cluster without room holds it no longer"
    );
}

/// A quota keeps no restart waiting: what serves is enough once primary has taken the unit back.
#[test]
fn a_restart_waits_for_no_unit_that_the_cluster_does_not_let_run() {
    let blocked = with(restarted(), &[|it| it.canary_blocked = Some(NOW)]);
    let plan = decide(&blocked, NOW);
    assert_eq!(scope_of_primary(&plan), Some((5, WriteScope::Whole)), "{plan:?}");
}

#[test]
fn units_go_back_to_a_primary_that_may_not_replace_its_pods_yet() {
    let superseded = with(
        restarted(),
        &[
            |it| ask(it, THIRD),
            |it| primary(it).workload = Workload { differs: true, ..workload(PROMOTED, 2) },
            |it| it.canary = Some(workload(NEXT, 2)),
        ],
    );
    let plan = decide(&superseded, NOW);
    assert!(matches!(plan.next, State::RollingBack(_)));
    assert_eq!(scope_of_primary(&plan), Some((4, WriteScope::Whole)), "it grows by two: {plan:?}");
    let grown = Workload { differs: true, ..workload(PROMOTED, 4) };
    let one_left = with(superseded, &[|it| it.canary = Some(workload(NEXT, 1))]);
    let mut young = Observed { state: plan.next, ..one_left };
    young.canary.as_mut().unwrap().available = 0;
    primary(&mut young).workload = grown;
    let plan = decide(&young, NOW);
    assert_eq!(scope_of_primary(&plan), Some((5, WriteScope::Whole)), "at N it stands alone");
}

/// What a person commands in the middle of a restart costs no consumers either.
#[test]
fn a_promotion_waits_until_a_canary_that_restarts_is_whole() {
    let mut seen = restarted();
    seen.max_consumers = Some(5);
    order(&mut seen, Order::PromoteFull(ID));
    primary(&mut seen).workload = workload(PROMOTED, 3);
    seen.canary = Some(Workload { rolled: false, ..workload(NEXT, 2) });
    assert!(matches!(decide(&seen, NOW).next, State::Trial(_)), "two of five would be left");
    seen.canary = Some(workload(NEXT, 2));
    assert!(matches!(decide(&seen, NOW).next, State::Promoting(_)));
}

#[test]
fn a_target_that_rolls_in_an_adoption_gives_up_only_what_its_controller_need_not_keep() {
    let rolls: Change = |it| {
        target(it).workload = Workload { rolled: false, ..workload(PROMOTED, 5) };
        target(it).strategy = ONE;
        target(it).available = false;
        primary(it).strategy = ONE;
        (primary(it).facts.replicas, primary(it).facts.target_replicas) = (5, Some(5));
        target(it).written = Some(5);
    };
    let gives = |seen: &Observed| {
        let effects = decide(seen, NOW).effects;
        effects.iter().any(|it| matches!(it, Effect::Target { .. } | Effect::Drain { .. }))
    };
    let mut seen = with(adopting(), &[rolls]);
    assert!(!gives(&seen), "its controller may take one, and no more may be missing");
    primary(&mut seen).workload = workload(PROMOTED, 1);
    assert!(gives(&seen), "one serves elsewhere");
    target(&mut seen).workload.rolled = true;
    primary(&mut seen).workload = workload(PROMOTED, 0);
    assert!(gives(&seen), "one that is whole may lack one");
}

/// `maxConsumers` bounds the pods of all roles, those included that a rolling update adds.
#[test]
fn a_restart_adds_no_consumer_above_the_ceiling() {
    let mut seen = restarted();
    seen.max_consumers = Some(6);
    ask(&mut seen, THIRD);
    primary(&mut seen).workload = Workload { differs: true, ..workload(PROMOTED, 5) };
    seen.canary = Some(workload(NEXT, 1));
    let plan = decide(&seen, NOW);
    assert_eq!(scope_of_primary(&plan), Some((4, WriteScope::Whole)), "{plan:?}");
}

/// A canary on its way restarts beside a primary that has given up a unit for it.
#[test]
fn a_canary_that_stands_beside_a_whole_primary_restarts_when_there_is_room() {
    let mut seen = restarted();
    seen.max_consumers = Some(6);
    let whole = |seen: &Observed| {
        let is_whole = |it: &Effect| {
            matches!(it, Effect::Canary { replicas: 1.., scope: WriteScope::Whole, .. })
        };
        decide(seen, NOW).effects.iter().any(is_whole)
    };
    let starting = Workload { ready: 0, available: 0, ..workload(NEXT, 1) };
    seen.canary = Some(Workload { differs: true, ..starting });
    step(&mut seen).canary = 1;
    primary(&mut seen).workload = workload(PROMOTED, 5);
    assert!(!whole(&seen), "five, one, and one of its surge are seven");
    primary(&mut seen).workload = workload(PROMOTED, 4);
    assert!(whole(&seen));
}

/// An autoscaler asks for five where one was enough, while that one is replaced without being missed:
/// by the strategy for five it might be.
#[test]
fn a_canary_that_is_all_there_is_keeps_the_strategy_that_it_rolls_by() {
    let grown: Change = |it| {
        (primary(it).strategy, target(it).strategy) = (ONE, ONE);
        primary(it).workload = workload(PROMOTED, 0);
        (primary(it).facts.replicas, primary(it).facts.target_replicas) = (5, Some(5));
        target(it).noted = Some(5);
        let rolls = Workload { updated: 0, rolled: false, differs: true, ..workload(NEXT, 1) };
        it.canary = Some(rolls);
    };
    let seen = with(rolling_back(), &[REVERTED, grown]);
    let written = |seen: &Observed| {
        let effects = decide(seen, NOW).effects;
        effects.iter().any(|it| matches!(it, Effect::Canary { replicas: 1.., .. }))
    };
    assert!(!written(&seen), "none would be left of five");
    let two = Workload { available: 2, ..workload(NEXT, 2) };
    let whole = with(seen, &[|it| primary(it).workload = workload(PROMOTED, 3)]);
    let whole = Observed { canary: Some(Workload { differs: true, ..two }), ..whole };
    assert!(written(&whole), "four of five serve");
}

/// A pod of primary takes a quarter of an hour to leave, and under `maxConsumers` no other comes before.
#[test]
fn an_overdue_canary_that_restarts_stays_while_primary_can_not_do_without_it() {
    let restarts: Change = |it| {
        primary(it).workload = Workload { terminating: 1, ..workload(PROMOTED, 1) };
        (primary(it).facts.replicas, primary(it).facts.target_replicas) = (2, Some(2));
        (target(it).noted, it.max_consumers) = (Some(2), Some(3));
        it.canary = Some(Workload { updated: 0, rolled: false, ..workload(NEXT, 1) });
    };
    let seen = with(rolling_back(), &[REVERTED, restarts, overdue]);
    let goes = |seen: &Observed| {
        let effects = decide(seen, NOW).effects;
        effects.iter().any(|it| matches!(it, Effect::Canary { replicas: 0, .. }))
    };
    assert!(!goes(&seen), "one of two would be left");
    let whole = with(seen, &[|it| primary(it).workload = workload(PROMOTED, 2)]);
    assert!(goes(&whole), "nobody misses it");
}

/// The cluster makes no pod of primary, and the only canary restarts.
#[test]
fn an_overdue_canary_that_restarts_stays_while_primary_has_no_pod_that_serves() {
    let only: Change = |it| {
        let none = Workload { ready: 0, available: 0, ..workload(NEXT, 1) };
        (primary(it).workload, primary(it).strategy) = (none, ONE);
        (primary(it).facts.replicas, primary(it).facts.target_replicas) = (1, Some(1));
        (target(it).noted, target(it).strategy) = (Some(1), ONE);
        it.canary = Some(Workload { updated: 0, rolled: false, ..workload(NEXT, 1) });
    };
    let seen = with(promoting(), &[only, overdue]);
    let effects = decide(&seen, NOW).effects;
    assert!(!effects.iter().any(|it| matches!(it, Effect::Canary { .. })), "{effects:?}");
}

/// A restart is no reason for pods to be missing, whatever a guard says of the canary; what takes a
/// version back is.
#[test]
fn a_restart_waits_also_beside_a_canary_that_a_guard_failed() {
    let fails: Change = |it| {
        (it.evidence, it.max_consumers) = (Evidence::GuardFailed, Some(4));
        (primary(it).strategy, target(it).strategy) = (ONE, ONE);
        primary(it).workload = Workload { differs: true, ..workload(PROMOTED, 3) };
    };
    let seen = with(rolling_back(), &[REVERTED, fails]);
    let whole = |seen: &Observed| {
        let scope = scope_of_primary(&decide(seen, NOW)).map(|it| it.1);
        scope == Some(WriteScope::Whole)
    };
    assert!(!whole(&seen), "two of four would be left");
    let other = with(seen, &[|it| primary(it).workload = workload(THIRD, 3)]);
    assert!(whole(&other), "nobody wants what primary runs");
}
