//! Plans of which one effect, or some, is refused: what is made all the same, and what is recorded.
//! Every beginning of the other tests, with every effect of its plan refused in turn.

use crate::autoscaler::Scales;
use crate::observed::{Evidence, Observed};
use crate::order::Order;
use crate::plan::{Effect, Plan, WriteScope};
use crate::revision::Cause;
use crate::state::{Ending, State};
use crate::table::decide;
use crate::testing::{
    Change, ID, NEXT, NOW, PROMOTED, THIRD, adopting, ask, at_rest, autoscaled, bypass, deleted,
    order, overdue, preparing, primary, progressing, promoting, rolling_back, taken, target, with,
    workload,
};

/// What became of a plan, as `apply` makes it where these effects are refused.
struct Outcome {
    made: Vec<Effect>,
    recorded: Plan,
}

fn refusing(seen: &Observed, is_refused: impl Fn(&Effect) -> bool) -> Outcome {
    let plan = decide(seen, NOW);
    let (mut made, mut missing) = (vec![], vec![]);
    for planned in &plan.effects {
        match plan.what_remains(seen, planned, &missing) {
            None => missing.push(planned.clone()),
            Some(effect) if is_refused(&effect) => missing.push(effect),
            Some(effect) => {
                if effect != *planned {
                    missing.push(planned.clone());
                }
                made.push(effect);
            }
        }
    }
    Outcome { recorded: plan.without(seen, made.clone(), &missing, NOW), made }
}

/// While an object refuses the mark of a new leader only what keeps older writes out by itself is made.
#[test]
fn without_its_marks_a_new_leader_removes_a_canary_that_is_given_up_and_drains_the_target() {
    let waits = |seen: &Observed| {
        let plan = decide(seen, NOW);
        (plan.waits_for_fence(), plan.effects)
    };
    let aborted =
        with(progressing(), &[|it| order(it, Order::Abort(ID)), |it| it.finalizer = false]);
    assert_eq!(waits(&aborted).0, [Effect::AddFinalizer]);
    let drains = |all: &[Effect]| all.iter().any(|it| matches!(it, Effect::Drain { .. }));
    let woken = with(progressing(), &[|it| target(it).workload = workload(PROMOTED, 1)]);
    let (waiting, all) = waits(&woken);
    assert!(drains(&all) && !drains(&waiting), "{all:?}");
    let moves: [fn() -> Observed; 4] = [
        || with(progressing(), &[|it| ask(it, THIRD)]),
        || with(progressing(), &[|it| order(it, Order::PromoteFull(ID))]),
        || with(at_rest(), &[|it| ask(it, NEXT)]),
        || deleted(progressing(), Some(Ending::Leave)),
    ];
    for seen in moves {
        let (waits, all) = waits(&seen());
        assert!(!all.is_empty(), "the test tests something");
        assert_eq!(waits, all);
    }
}

fn bookkeeping(effect: &Effect) -> bool {
    effect.is_housekeeping() || matches!(effect, Effect::AddFinalizer | Effect::Freeze { .. })
}

/// Beginnings with an X-primary, with all that the house keeps left undone.
fn beginnings() -> Vec<Observed> {
    let guard = |seen| with(seen, &[|it| it.evidence = Evidence::GuardFailed]);
    let aborted = |seen| with(seen, &[|it| order(it, Order::Abort(ID))]);
    let lost = |seen| with(seen, &[|it| it.frozen.clear()]);
    let plain = vec![
        adopting(),
        at_rest(),
        with(at_rest(), &[|it| ask(it, NEXT)]),
        with(at_rest(), &[|it| ask(it, NEXT), bypass]),
        preparing(),
        progressing(),
        guard(progressing()),
        aborted(progressing()),
        lost(aborted(progressing())),
        lost(guard(progressing())),
        promoting(),
        guard(promoting()),
        aborted(promoting()),
        with(promoting(), &[overdue]),
        rolling_back(),
        lost(rolling_back()),
        deleted(at_rest(), None),
        deleted(at_rest(), Some(Ending::HandBack)),
        deleted(at_rest(), Some(Ending::Leave)),
        deleted(progressing(), Some(Ending::Leave)),
    ];
    let neglected = |seen: &Observed| {
        with(
            seen.clone(),
            &[
                |it| it.finalizer = false,
                |it| autoscaled(it, Scales::Rollout),
                |it| primary(it).facts.seeded = true,
                |it| target(it).owned = true,
                |it| it.frozen.iter_mut().for_each(|it| it.promoted = false),
            ],
        )
    };
    plain.iter().cloned().chain(plain.iter().map(neglected)).collect()
}

#[test]
fn a_refusal_of_bookkeeping_stops_no_rollback_and_no_drain() {
    let mut rollbacks = 0;
    for seen in beginnings() {
        let plan = decide(&seen, NOW);
        let undoes = matches!(plan.next, State::RollingBack(_));
        let removes = |it: &Effect| {
            it.facts().map_or(matches!(it, Effect::Canary { .. }), |it| it.attempts == 1)
        };
        let safe = |it: &Effect| undoes && removes(it) || matches!(it, Effect::Drain { .. });
        let wanted: Vec<_> = plan.effects.iter().filter(|it| safe(it)).cloned().collect();
        rollbacks += u32::from(undoes && !wanted.is_empty());
        let all = refusing(&seen, bookkeeping);
        assert!(wanted.iter().all(|it| all.made.contains(it)), "{plan:?}: {:?}", all.made);
        for refused in plan.effects.iter().filter(|it| bookkeeping(it)) {
            let one = refusing(&seen, |it| it == refused);
            assert!(wanted.iter().all(|it| one.made.contains(it)), "{refused:?}: {:?}", one.made);
        }
    }
    assert!(8 <= rollbacks, "{rollbacks} rollbacks are among the beginnings");
}

#[test]
fn a_canary_that_cannot_be_written_smaller_keeps_no_primary_small() {
    let seen = with(progressing(), &[|it| it.evidence = Evidence::GuardFailed]);
    let grown = |it: &Effect| matches!(it, Effect::Primary { replicas: 4, .. });
    let outcome = refusing(&seen, |it| matches!(it, Effect::Canary { .. }));
    assert!(outcome.made.iter().any(grown), "{:?}", outcome.made);
    let gone = |it: &Effect| matches!(it, Effect::Canary { replicas: 0, .. });
    let outcome = refusing(&seen, |it| matches!(it, Effect::Primary { .. }));
    assert!(outcome.made.iter().any(gone), "{:?}", outcome.made);
}

/// Recorded as it was, the next look would find no pods that a guard complains of, and bring them
/// back.
#[test]
fn a_rollback_whose_mark_is_refused_is_recorded_and_marks_again_before_it_ends() {
    let seen = with(progressing(), &[|it| it.evidence = Evidence::GuardFailed]);
    let refused = |it: &Effect| matches!(it, Effect::Reject { .. });
    let outcome = refusing(&seen, refused);
    let State::RollingBack(rollback) = outcome.recorded.next else {
        panic!("{:?}", outcome.recorded)
    };
    assert_eq!(rollback.cause, Cause::GuardFailed);
    let undone = with(seen, &[|it| primary(it).workload = workload(PROMOTED, 4)]);
    let undone = Observed { state: outcome.recorded.next, canary: None, ..undone };
    let plan = decide(&undone, NOW);
    assert!(plan.effects.iter().any(refused), "{plan:?}");
    assert_eq!(plan.next.phase(), undone.state.phase(), "it would be tried again without a mark");
    let marked = with(undone, &[|it| crate::testing::reject(it, NEXT, Cause::GuardFailed, ID)]);
    assert!(matches!(decide(&marked, NOW).next, State::AtRest(_)));
}

/// A crash after the status was written must find what the status says.
#[test]
fn no_state_is_recorded_that_rests_on_a_refused_fact() {
    let promoted = with(progressing(), &[|it| order(it, Order::PromoteFull(ID))]);
    let taken_back = with(promoting(), &[|it| order(it, Order::Abort(ID))]);
    let done = with(promoting(), &[|it| primary(it).workload = workload(NEXT, 4)]);
    let done = Observed { canary: None, ..done };
    for seen in [promoted, taken_back, done] {
        assert_ne!(decide(&seen, NOW).next.phase(), seen.state.phase());
        let outcome = refusing(&seen, |it| matches!(it, Effect::Primary { .. }));
        assert_eq!(outcome.recorded.next.phase(), seen.state.phase(), "{:?}", outcome.recorded);
        let promoted = |it: &Effect| matches!(it, Effect::MarkPromoted { .. });
        assert!(!outcome.made.iter().any(promoted), "no mark is ahead of the fact");
    }
    let tried = with(at_rest(), &[|it| ask(it, NEXT)]);
    let outcome = refusing(&tried, |it| matches!(it, Effect::Freeze { .. }));
    assert_eq!((outcome.recorded.next, outcome.made), (tried.state, vec![]));
}

#[test]
fn a_template_that_cannot_be_frozen_keeps_no_primary_from_its_count_and_uses_up_no_number() {
    let mut seen = with(at_rest(), &[|it| ask(it, NEXT), |it| it.replicas = Some(6)]);
    for _ in 0..5 {
        let outcome = refusing(&seen, |it| matches!(it, Effect::Freeze { .. }));
        for effect in outcome.made {
            if let Effect::Primary { revision, replicas, facts, .. } = effect {
                primary(&mut seen).workload = workload(revision, replicas);
                primary(&mut seen).facts = facts;
            }
        }
    }
    let it = primary(&mut seen);
    assert_eq!((it.workload.replicas, it.facts.replicas, it.facts.attempts), (6, 6, 0));
}

#[test]
fn an_attempt_that_primary_could_not_be_told_keeps_its_number() {
    let seen = with(at_rest(), &[|it| ask(it, NEXT), bypass]);
    let frozen = Effect::Freeze { revision: NEXT, attempt: 1 };
    let refuse = |it: &Effect| matches!(it, Effect::Primary { .. });
    assert!(refusing(&seen, refuse).made.contains(&frozen));
    let after = with(seen, &[|it| it.frozen.push(crate::testing::frozen(NEXT, 1))]);
    assert!(refusing(&after, refuse).made.contains(&frozen), "not 2, 3, 4 at each look");
}

#[test]
fn no_more_pods_are_made_where_the_write_that_makes_room_is_refused() {
    let seen = with(progressing(), &[|it| it.canary = Some(workload(NEXT, 0))]);
    let seen = with(seen, &[|it| primary(it).workload = workload(PROMOTED, 4)]);
    let plan = decide(&with(seen.clone(), &[|it| it.max_consumers = Some(4)]), NOW);
    assert!(matches!(plan.effects[..], [Effect::Primary { replicas: 3, .. }, ..]), "{plan:?}");
    let held = with(seen, &[|it| it.max_consumers = Some(4)]);
    assert_eq!(refusing(&held, |it| matches!(it, Effect::Primary { .. })).made, []);
    let facts = primary(&mut adopting()).facts.clone();
    let scope = WriteScope::Whole;
    let grows = Effect::Primary { revision: PROMOTED, replicas: 1, facts, scope };
    let gives = Effect::Target { replicas: 3 };
    let plan = Plan::to(State::Adopting, vec![gives.clone(), grows.clone()]);
    assert_eq!(plan.what_remains(&adopting(), &grows, &[gives]), None, "X keeps its pods");
}

#[test]
fn the_clocks_of_a_trial_stand_while_its_counts_are_refused() {
    let seen = with(progressing(), &[|it| primary(it).workload = workload(PROMOTED, 4)]);
    let outcome = refusing(&seen, |it| matches!(it, Effect::Primary { .. }));
    let step = outcome.recorded.next.step().expect("a step");
    assert_eq!((step.unsettled.since, step.hold.since, step.delivered.since), (None, None, None));
}

#[test]
fn the_finalizer_stays_until_what_it_is_there_for_is_done() {
    for ending in [Ending::HandBack, Ending::Leave, Ending::Remove] {
        let seen = with(deleted(at_rest(), Some(ending)), &[overdue]);
        let plan = decide(&seen, NOW);
        let books = |it: &Effect| it.is_housekeeping() || *it == Effect::RemoveFinalizer;
        for refused in plan.effects.iter().filter(|it| !books(it)) {
            let made = refusing(&seen, |it| it == refused).made;
            let freezes = matches!(refused, Effect::Freeze { .. });
            assert!(freezes || !made.contains(&Effect::RemoveFinalizer), "{refused:?}: {made:?}");
        }
    }
}

/// X has its pods beside X-primary's then, not in their place.
#[test]
fn a_primary_that_is_left_in_charge_is_filled_up_though_x_cannot_be_drained() {
    let mut seen = deleted(at_rest(), Some(Ending::Leave));
    primary(&mut seen).workload = workload(PROMOTED, 2);
    target(&mut seen).workload.replicas = 4;
    let outcome = refusing(&seen, |it| matches!(it, Effect::Drain { .. }));
    let grown = |it: &Effect| matches!(it, Effect::Primary { replicas: 4, .. });
    assert!(outcome.made.iter().any(grown), "{:?}", decide(&seen, NOW).effects);
}

/// Who can't be given back keeps what it scales; a deletion that is late leaves it behind.
#[test]
fn an_autoscaler_that_can_not_be_given_back_holds_a_deletion_until_it_is_late() {
    let gives = |it: &Effect| matches!(it, Effect::GiveScale { .. });
    let back: [Change; 3] = [
        taken,
        |it| target(it).workload = workload(PROMOTED, 4),
        |it| primary(it).workload = workload(PROMOTED, 0),
    ];
    let waits = [
        with(deleted(at_rest(), Some(Ending::HandBack)), &back),
        with(deleted(at_rest(), Some(Ending::Leave)), &[taken]),
    ];
    for seen in waits {
        assert_eq!(refusing(&seen, gives).made, [], "{seen:?}");
        let made = refusing(&with(seen, &[overdue]), gives).made;
        assert!(made.contains(&Effect::RemoveFinalizer), "{made:?}");
    }
}
