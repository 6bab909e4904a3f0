//! What a plan writes, where a next phase alone does not tell a good plan from a bad one.
//! Each was a hole that the simulation found, or breaks in a way that it can't see.

use crate::observed::{Evidence, MoveOrder, Observed, Workload};
use crate::plan::{Effect, WriteScope};
use crate::revision::Cause;
use crate::state::{Ending, Stage, State, Trial};
use crate::table::decide;
use crate::testing::{
    Change, FIX, NEXT, NOW, PROMOTED, THIRD, at_rest, deleted, overdue, primary, progressing,
    promoting, reject, target, with, workload,
};

#[test]
fn a_late_release_fills_up_primary_also_when_its_frozen_template_is_lost() {
    let seen = with(
        deleted(at_rest(), Some(Ending::HandBack)),
        &[overdue, |it| it.frozen.clear(), |it| primary(it).workload = workload(PROMOTED, 0)],
    );
    let effects = decide(&seen, NOW).effects;
    let freeze = Effect::Freeze { revision: PROMOTED, attempt: 0 };
    assert_eq!(effects.first(), Some(&freeze), "the target still has it");
    assert!(matches!(effects[1], Effect::Primary { revision: PROMOTED, replicas: 4, .. }));
    assert_eq!(effects[2..], [Effect::OwnPrimaryByTarget, Effect::RemoveFinalizer]);
}

#[test]
fn a_late_release_never_waits_for_a_template_that_may_be_lost_for_ever() {
    let seen = with(
        deleted(at_rest(), Some(Ending::Leave)),
        &[overdue, |it| it.frozen.clear(), |it| primary(it).workload = workload(NEXT, 0)],
    );
    assert_eq!(decide(&seen, NOW).effects, [Effect::OwnPrimaryByTarget, Effect::RemoveFinalizer]);
}

#[test]
fn what_a_write_that_was_cut_off_has_left_to_us_of_x_is_given_up() {
    let owned = |it: &mut Observed| target(it).owned = true;
    assert_eq!(decide(&with(at_rest(), &[owned]), NOW).effects, [Effect::DropFieldOwnership]);
    assert_eq!(decide(&with(progressing(), &[owned]), NOW).effects, [Effect::DropFieldOwnership]);
    let left = with(deleted(at_rest(), Some(Ending::Leave)), &[owned]);
    assert_eq!(
        decide(&left, NOW).effects,
        [Effect::DropFieldOwnership, Effect::OwnPrimaryByTarget, Effect::RemoveFinalizer]
    );
}

#[test]
fn a_mark_that_is_set_again_lifts_no_rejection_and_a_promotion_lifts_all() {
    let rejected: Change = |it| reject(it, THIRD, Cause::Aborted, FIX);
    let lost: Change = |it| it.frozen.iter_mut().for_each(|it| it.promoted = false);
    let mark = Effect::MarkPromoted { revision: PROMOTED };
    let effects = decide(&with(at_rest(), &[rejected, lost]), NOW).effects;
    assert!(effects.contains(&mark), "{effects:?}");
    let lifts = |it: &Effect| matches!(it, Effect::ClearRejection { .. });
    assert!(!effects.iter().any(lifts), "{effects:?}");
    let done: [Change; 2] = [|it| primary(it).workload = workload(NEXT, 4), |it| it.canary = None];
    let effects = decide(&with(with(promoting(), &done), &[rejected]), NOW).effects;
    let forgotten = Effect::ClearRejection { revision: THIRD, excused: None };
    assert_eq!(effects.last(), Some(&forgotten), "after the fact and the mark");
}

#[test]
fn time_without_every_source_does_not_count_towards_an_end_by_weak_evidence() {
    let blind = with(
        progressing(),
        &[|it| {
            it.evidence = Evidence::Inconclusive { delivered: false };
        }],
    );
    let State::Trial(Trial { stage: Stage::Progressing(step), .. }) = decide(&blind, NOW).next
    else {
        panic!("the step is left")
    };
    assert!(step.hold.since.is_some(), "the canary is there");
    assert_eq!(step.delivered.since, None, "its evidence is not");
}

#[test]
fn the_only_consumer_stays_until_its_canary_exists() {
    let alone: &[Change] = &[
        |it| it.strategy.order = MoveOrder::DrainFirst,
        |it| it.replicas = Some(1),
        |it| primary(it).workload = workload(PROMOTED, 1),
        |it| it.canary = None,
    ];
    let created = Effect::Canary { revision: NEXT, replicas: 0, scope: WriteScope::Whole };
    let effects = decide(&with(progressing(), alone), NOW).effects;
    assert!(effects.contains(&created), "{effects:?}");
    let taken = |it: &Effect| matches!(it, Effect::Primary { replicas: 0, .. });
    assert!(!effects.iter().any(taken), "{effects:?}");
    let made = with(progressing(), alone);
    let made = with(made, &[|it| it.canary = Some(workload(NEXT, 0))]);
    assert!(decide(&made, NOW).effects.iter().any(taken), "then it makes room");
}

#[test]
fn no_unit_is_taken_from_a_primary_that_rolls() {
    let rolling = with(
        progressing(),
        &[|it| {
            primary(it).workload = Workload { rolled: false, ..workload(PROMOTED, 4) };
        }],
    );
    assert_eq!(decide(&rolling, NOW).effects, [], "its controller spends what may be missing");
}
