//! What the cluster, an autoscaler, a person or the operator itself does is never held against a
//! version: at N = 3 and at N = 100. One rule a test.

use jiff::SignedDuration;

use crate::autoscaler::{Autoscalers, Bar, Scales};
use crate::observed::{Evidence, Membership, Observed, Workload};
use crate::order::Order;
use crate::plan::{Effect, Held};
use crate::revision::{Cause, RolloutId};
use crate::shape::DeploymentStrategy;
use crate::state::{CurrentStep, Ending, Headway, Rest, Rollback, State, Stopwatch};
use crate::table::decide;
use crate::testing::{
    Change, ID, NEXT, NOW, PROMOTED, THIRD, adopting, ask, at_rest, autoscaled, deleted, order,
    overdue, primary, progressing, promoting, rolling_back, scaler, step, taken, target, with,
    workload,
};

/// The step at half of `total`, all of it available and in the group.
fn halfway(total: u32) -> Observed {
    let mut seen = progressing();
    let half = total / 2;
    primary(&mut seen).workload = workload(PROMOTED, total - half);
    primary(&mut seen).facts.replicas = total;
    primary(&mut seen).facts.target_replicas = Some(total);
    target(&mut seen).noted = Some(total);
    target(&mut seen).strategy = DeploymentStrategy::DEFAULT;
    seen.canary = Some(workload(NEXT, half));
    seen.canary_joined = half;
    (step(&mut seen).canary, step(&mut seen).reached) = (half, half);
    seen
}

/// A step at half of `total` that has not settled yet: `started` of its canary pods are available.
fn starting(total: u32, started: u32) -> Observed {
    let mut seen = halfway(total);
    let half = total / 2;
    let step = step(&mut seen);
    (step.hold, step.delivered) = (Stopwatch::default(), Stopwatch::default());
    (step.reached, step.unsettled) =
        (started, Stopwatch::started(NOW - SignedDuration::from_mins(9)));
    seen.canary = Some(Workload { available: started, ready: started, ..workload(NEXT, half) });
    seen.canary_joined = started;
    seen
}

fn next_step(seen: &Observed) -> CurrentStep {
    decide(seen, NOW).next.step().expect("the step goes on")
}

fn canary_count(effects: &[Effect]) -> Option<u32> {
    effects.iter().find_map(|it| {
        let Effect::Canary { replicas, .. } = it else { return None };
        Some(*replicas)
    })
}

fn primary_at(effects: &[Effect], count: u32) -> bool {
    effects.iter().any(|it| matches!(it, Effect::Primary { replicas, .. } if *replicas == count))
}

#[test]
fn an_abort_and_a_fail_are_over_in_one_pass() {
    let causes: [(Change, Cause); 3] = [
        (|it| order(it, Order::Abort(ID)), Cause::Aborted),
        (|it| it.evidence = Evidence::Failed, Cause::AnalysisFailed),
        (|it| it.evidence = Evidence::GuardFailed, Cause::GuardFailed),
    ];
    for total in [4, 100] {
        for (change, cause) in causes {
            let plan = decide(&with(halfway(total), &[change]), NOW);
            assert!(matches!(plan.next, State::RollingBack(it) if it.cause == cause));
            assert_eq!(canary_count(&plan.effects), Some(0), "{cause:?} at {total}");
            assert!(primary_at(&plan.effects, total), "{cause:?} at {total}");
        }
        let left = decide(&with(halfway(total), &[|it| ask(it, THIRD)]), NOW);
        assert_ne!(canary_count(&left.effects), Some(0), "a newer version is no emergency");
    }
}

#[test]
fn what_keeps_consumers_safe_comes_before_what_keeps_the_house() {
    let untidy: [Change; 4] = [
        |it| it.finalizer = false,
        |it| it.frozen.retain(|it| it.revision == NEXT),
        |it| target(it).owned = true,
        |it| order(it, Order::Abort(ID)),
    ];
    let plan = decide(&with(halfway(100), &untidy), NOW);
    let first = |wanted: fn(&Effect) -> bool| plan.effects.iter().position(wanted).unwrap();
    let gone = first(|it| matches!(it, Effect::Canary { replicas: 0, .. }));
    let whole = first(|it| matches!(it, Effect::Primary { replicas: 100, .. }));
    let house = first(|it| {
        matches!(it, Effect::AddFinalizer | Effect::Refreeze { .. } | Effect::DropFieldOwnership)
    });
    assert!(gone < house && whole < house, "{:?}", plan.effects);
}

#[test]
fn a_mark_that_was_refused_is_written_before_a_rollback_ends() {
    let unmarked: [Change; 3] = [
        |it| it.frozen.iter_mut().for_each(|it| it.rejection = None),
        |it| primary(it).workload = workload(PROMOTED, 4),
        |it| it.canary = Some(workload(NEXT, 0)),
    ];
    let plan = decide(&with(rolling_back(), &unmarked), NOW);
    assert!(plan.effects.iter().any(|it| matches!(it, Effect::Reject { .. })), "{plan:?}");
    assert!(matches!(plan.next, State::RollingBack(_)));
}

#[test]
fn a_count_that_an_autoscaler_gives_a_drained_target_moves_nobody() {
    let woken: Change = |it| target(it).workload = workload(PROMOTED, 1);
    let ways: [Change; 3] = [
        |it| autoscaled(it, Scales::Target),
        taken,
        // It is gone, and may have written before it went.
        |it| {
            taken(it);
            it.autoscalers = Autoscalers::NONE;
        },
    ];
    for way in ways {
        let effects = decide(&with(at_rest(), &[woken, way]), NOW).effects;
        assert_eq!(effects.first(), Some(&Effect::Drain { noted: 4 }), "{effects:?}");
        let totals = effects.iter().filter_map(Effect::facts).map(|it| it.replicas);
        assert!(totals.into_iter().all(|it| it == 4), "{effects:?}");
    }
    let person = with(at_rest(), &[woken]);
    assert_eq!(decide(&person, NOW).effects, [Effect::Drain { noted: 1 }]);
}

#[test]
fn an_autoscaler_on_an_adopted_target_is_told_and_stops_nothing() {
    let present: Change = |it| {
        let mut one = scaler("orders", Scales::Target);
        one.bar = Some(Bar::Keeps);
        it.autoscalers = Autoscalers::Known { all: vec![one], vertical: false };
    };
    let rest = decide(&with(at_rest(), &[present]), NOW);
    assert_eq!(rest.held, Some(Held::AutoscalerOnTarget));
    let begun = decide(&with(at_rest(), &[present, |it| ask(it, NEXT)]), NOW);
    assert!(matches!(begun.next, State::Trial(_)));
}

#[test]
fn a_number_of_an_attempt_that_nobody_counted_is_survived() {
    let poisoned: [Change; 2] = [|it| primary(it).facts.attempts = u32::MAX, |it| ask(it, NEXT)];
    let plan = decide(&with(at_rest(), &poisoned), NOW);
    assert_eq!(plan.next.rollout().map(|it| it.attempt), Some(RolloutId::MAX_ATTEMPT));
    for text in ["00000000ab-4294967295", "00000000ab-1000001", "00000000ab-+3", "00000000ab-03"] {
        assert!(text.parse::<RolloutId>().is_err(), "{text}");
    }
}

#[test]
fn a_restart_of_the_target_restarts_one_role_after_the_other() {
    let restarted: Change = |it| {
        primary(it).workload.differs = true;
        it.canary.as_mut().unwrap().differs = true;
    };
    for total in [4, 100] {
        let seen = with(halfway(total), &[restarted]);
        let first = decide(&seen, NOW).effects;
        assert_eq!(canary_count(&first), None, "the canary waits");
        assert!(primary_at(&first, total / 2), "{first:?}");
        let mut rolling = seen.clone();
        let half = workload(PROMOTED, total / 2);
        primary(&mut rolling).workload = Workload { rolled: false, ..half };
        assert_eq!(decide(&rolling, NOW).effects, [], "until primary is whole");
        let mut whole = seen;
        primary(&mut whole).workload.differs = false;
        assert_eq!(canary_count(&decide(&whole, NOW).effects), Some(total / 2));
    }
}

/// Pods of both would be missing at once.
#[test]
fn a_canary_that_is_still_to_be_restarted_waits_while_primary_gets_its_template() {
    let behind: Change = |it| it.canary.as_mut().unwrap().differs = true;
    let full: Change = |it| order(it, Order::PromoteFull(ID));
    for total in [4, 100] {
        let effects = decide(&with(halfway(total), &[behind, full]), NOW).effects;
        let given =
            |it: &Effect| matches!(it, Effect::Primary { revision, .. } if *revision == NEXT);
        assert!(effects.iter().any(given), "{effects:?}");
        assert_eq!(canary_count(&effects), None, "{effects:?}");
    }
}

/// It starts from the 0 that draining left, in a hand-back as at rest.
#[test]
fn a_count_that_an_autoscaler_gives_a_target_in_a_hand_back_is_no_wish() {
    let scaled: Change = |it| target(it).workload = workload(PROMOTED, 1);
    let named: Change = |it| autoscaled(it, Scales::Target);
    let total = |seen: &Observed| {
        decide(seen, NOW).effects.iter().find_map(Effect::facts).map(|it| it.replicas)
    };
    let seen = deleted(with(at_rest(), &[scaled]), Some(Ending::HandBack));
    assert_eq!(total(&seen), Some(1), "a person's count is one");
    assert_ne!(total(&with(seen, &[named])), Some(1));
}

#[test]
fn counts_of_the_template_before_are_no_headway() {
    let stale: Change = |it| {
        primary(it).workload = Workload { current: false, ..workload(NEXT, 4) };
        it.canary = None;
        let State::Promoting(promotion) = &mut it.state else { panic!("it is under way") };
        promotion.headway = Headway::started(NOW);
    };
    let reached = |seen: &Observed| {
        let State::Promoting(it) = decide(seen, NOW).next else { panic!("it goes on") };
        it.headway.reached
    };
    let none_of_it = with(promoting(), &[stale]);
    let some_of_it = with(
        none_of_it.clone(),
        &[|it| {
            let half = Workload { updated: 2, rolled: false, ..workload(NEXT, 4) };
            primary(it).workload = half;
        }],
    );
    assert!(reached(&none_of_it) < reached(&some_of_it), "it still has all of its way to go");
}

#[test]
fn each_canary_pod_that_gets_there_begins_the_deadline_anew() {
    for total in [8, 100] {
        let mut seen = starting(total, 1);
        assert_eq!(next_step(&seen).unsettled.elapsed(NOW), SignedDuration::from_mins(9));
        seen.canary.as_mut().unwrap().available = 2;
        seen.canary_joined = 2;
        let step = next_step(&seen);
        assert_eq!((step.reached, step.unsettled.elapsed(NOW)), (2, SignedDuration::ZERO));
        seen.canary_joined = 1;
        assert_eq!(next_step(&seen).reached, 1, "one that has not joined is no progress");
    }
}

#[test]
fn the_deadline_stands_while_anything_else_is_in_the_way() {
    let ways: [Change; 8] = [
        |it| it.canary_uncounted = true,
        |it| it.canary.as_mut().unwrap().current = false,
        |it| primary(it).workload.terminating = 1,
        |it| primary(it).workload.available -= 1,
        |it| it.replicas = Some(90),
        |it| it.canary_blocked = Some(NOW),
        |it| it.membership = Membership::Unknown,
        |it| primary(it).workload.current = false,
    ];
    for way in ways {
        let seen = with(starting(100, 20), &[way]);
        assert_eq!(next_step(&seen).unsettled.since, None, "{seen:?}");
    }
    assert!(next_step(&starting(100, 20)).unsettled.since.is_some(), "else it runs");
}

#[test]
fn once_settled_only_what_the_canary_loses_counts() {
    let rebalancing: Change = |it| it.membership = Membership::Rebalancing;
    let drains: Change = |it| primary(it).workload.terminating = 2;
    assert_eq!(next_step(&with(halfway(100), &[rebalancing])).unsettled.since, None);
    assert_eq!(next_step(&with(halfway(100), &[drains])).unsettled.since, None);
    let lost: Change = |it| it.canary.as_mut().unwrap().available -= 1;
    assert_eq!(next_step(&with(halfway(100), &[lost])).unsettled.since, Some(NOW));
    let first = with(starting(100, 50), &[rebalancing]);
    assert!(next_step(&first).unsettled.since.is_some(), "a canary that never lets it settle");
}

#[test]
fn a_deadline_spent_well_clears_the_clock_and_flapping_does_not() {
    let spent = Stopwatch { spent: SignedDuration::from_mins(9), since: None };
    let mut seen = halfway(100);
    step(&mut seen).unsettled = spent;
    assert_eq!(next_step(&seen).unsettled, spent, "two minutes are not enough");
    step(&mut seen).hold = Stopwatch::started(NOW - SignedDuration::from_mins(11));
    assert_eq!(next_step(&seen).unsettled, Stopwatch::default());
}

#[test]
fn a_promotion_that_primary_runs_already_is_not_taken_back_for_being_slow() {
    let third: Change = |it| ask(it, THIRD);
    let runs: Change = |it| primary(it).workload = Workload { available: 1, ..workload(NEXT, 3) };
    let slow = decide(&with(promoting(), &[third, overdue, runs]), NOW);
    assert!(matches!(slow.next, State::Promoting(_)), "{slow:?}");
    assert_eq!(slow.held, Some(Held::Overdue), "but it is told");
}

#[test]
fn what_gets_further_is_not_overdue_however_long_it_takes() {
    let further: Change = |it| {
        let State::Promoting(it) = &mut it.state else { panic!("no promotion is under way") };
        it.headway.reached = 0;
    };
    let plan = decide(&with(promoting(), &[overdue, further]), NOW);
    assert_eq!(plan.held, None);
    let State::Promoting(it) = plan.next else { panic!("it goes on") };
    assert_eq!(it.headway.since, NOW);
}

/// A newer version came: pods go over unit by unit, here for longer than `progressDeadline` in all.
#[test]
fn a_rollback_that_gets_further_is_not_overdue_however_long_it_takes() {
    let mut seen = halfway(100);
    let State::RollingBack(rollback) = rolling_back().state else { panic!("one is under way") };
    let started = NOW - SignedDuration::from_mins(30);
    let headway = Headway { reached: 0, since: started };
    seen.state = State::RollingBack(Rollback {
        cause: Cause::Superseded,
        since: started,
        headway,
        ..rollback
    });
    ask(&mut seen, THIRD);
    let (mut now, mut reached) = (started, 0);
    for moved in 1..=4 {
        now += SignedDuration::from_mins(9);
        let units = moved * 10;
        primary(&mut seen).workload = workload(PROMOTED, 50 + units);
        seen.canary = Some(workload(NEXT, 50 - units));
        let plan = decide(&seen, now);
        assert_eq!(plan.held, None, "{moved}: it has got further");
        let State::RollingBack(it) = plan.next else { panic!("it goes on") };
        assert!(reached < it.headway.reached, "{moved}: {it:?}");
        assert_eq!(it.headway.since, now);
        (reached, seen.state) = (it.headway.reached, plan.next);
    }
    assert!(seen.strategy.progress_deadline * 3 < now.duration_since(started));
    let late = decide(&seen, now + SignedDuration::from_mins(11));
    assert_eq!(late.held, Some(Held::Overdue), "nothing has moved since");
}

/// It has no deadline: X serves with what has not moved.
#[test]
fn an_adoption_that_gets_no_further_is_held_for_ever_and_touches_nothing() {
    let stuck: Change = |it| {
        primary(it).workload = Workload { available: 0, ready: 0, ..workload(PROMOTED, 1) };
        it.primary_blocked = Some(NOW);
    };
    let seen = with(adopting(), &[stuck]);
    for hours in [0, 1, 1_000] {
        let plan = decide(&seen, NOW + SignedDuration::from_hours(hours));
        assert_eq!((plan.held, plan.next), (Some(Held::PrimaryBlocked), State::Adopting));
        assert_eq!(plan.effects, [], "after {hours} h");
    }
}

#[test]
fn a_group_that_nobody_can_see_promotes_and_rejects_nothing() {
    let blind: Change = |it| it.membership = Membership::Unknown;
    let passed: Change = |it| it.evidence = Evidence::Pass;
    let plan = decide(&with(halfway(100), &[blind, passed]), NOW);
    assert_eq!(plan.next.step().map(|it| it.index), Some(0));
    let late = decide(&with(starting(100, 20), &[blind, overdue]), NOW);
    assert!(matches!(late.next, State::Trial(_)));
}

#[test]
fn pods_that_find_no_room_hold_a_trial_and_reject_nothing() {
    let full: Change = |it| it.canary_blocked = Some(NOW);
    let plan = decide(&with(starting(100, 20), &[overdue, full]), NOW);
    assert_eq!(plan.held, Some(Held::CanaryBlocked));
    assert!(matches!(plan.next, State::Trial(_)));
    let rest = decide(&with(at_rest(), &[full]), NOW);
    assert_eq!((rest.held, rest.next), (None, State::AtRest(Rest::Initialized)));
}
