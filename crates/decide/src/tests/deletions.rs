//! Deletions that began unseen, end without their target, or died halfway.
//! How each row of the page decides is tested there.

use std::slice;

use jiff::SignedDuration;

use crate::autoscaler::{Autoscalers, Scaler, Scales};
use crate::observed::MoveOrder;
use crate::plan::{Effect, Held, ScaleTo};
use crate::revision::Cause;
use crate::state::Ending;
use crate::table::decide;
use crate::testing::{
    Change, ID, NEXT, NOW, PROMOTED, ask, at_rest, deleted, overdue, primary, progressing,
    promoting, reject, scaler, taken, target, with, workload,
};

#[test]
fn a_deletion_that_nobody_saw_begin_is_not_overdue() {
    let mut seen = deleted(at_rest(), Some(Ending::HandBack));
    seen.deleted_at = Some(NOW - SignedDuration::from_hours(24));
    seen = with(seen, &[overdue, |it| it.first_look = NOW]);
    let plan = decide(&seen, NOW);
    assert!(!plan.effects.contains(&Effect::RemoveFinalizer), "{plan:?}");
    assert!(plan.effects.iter().any(|it| matches!(it, Effect::Target { .. })), "handed back");
}

#[test]
fn an_application_that_is_gone_leaves_no_consumers() {
    let gone: Change = |it| {
        it.target = None;
        it.target_absent_for = SignedDuration::from_secs(31);
    };
    let noted = [None, Some(Ending::HandBack), Some(Ending::Leave)];
    for (seen, noted) in [at_rest(), progressing(), promoting()].into_iter().zip(noted) {
        let seen = with(deleted(seen, noted), &[gone]);
        let ending = decide(&seen, NOW).effects.iter().find_map(Effect::facts).map(|it| it.ending);
        assert_eq!(ending, Some(Some(Ending::Remove)), "{noted:?}");
    }
}

/// Git has taken an application away, and applies it again a minute later.
#[test]
fn an_application_that_is_gone_leaves_its_autoscaler_to_the_one_that_is_made_anew() {
    let gone: Change = |it| it.target = None;
    let unseen: Change = |it| it.autoscalers = Autoscalers::Unknown;
    let doomed: Change = |it| it.namespace_terminating = true;
    let marked: Change = |it| {
        let all = vec![Scaler { marked: true, ..scaler("orders", Scales::Rollout) }];
        it.autoscalers = Autoscalers::Known { all, vertical: false };
    };
    let left = |changes: &[Change]| with(deleted(at_rest(), Some(Ending::Remove)), changes);
    let scaler = scaler("orders", Scales::Rollout).name;
    let give = Effect::GiveScale { scaler, to: ScaleTo::Target };
    let (remove, release) = (Effect::RemoveChildren, Effect::RemoveFinalizer);
    let seen = left(&[taken, gone]);
    let plan = decide(&seen, NOW);
    assert_eq!(plan.effects, [remove.clone(), give.clone(), release.clone()]);
    // Refused, it holds nothing up; while the children stand it is not given away from them.
    assert_eq!(plan.what_remains(&seen, &release, slice::from_ref(&give)), Some(release.clone()));
    assert_eq!(plan.what_remains(&seen, &give, slice::from_ref(&remove)), None);
    // Killed between the two writes, it is given back by the next look.
    let half = with(seen, &[|it| it.primary = None, marked]);
    assert_eq!(decide(&half, NOW).effects, [give, release.clone()]);
    // Nobody can say where it points: that is waited for, and no longer than a deadline.
    let plan = decide(&left(&[taken, gone, unseen]), NOW);
    assert_eq!((plan.effects, plan.held), (vec![], Some(Held::AutoscalerPending)));
    assert!(plan.wake.is_some(), "it looks again");
    for seen in [left(&[taken, gone, unseen, overdue]), left(&[taken, gone, doomed])] {
        assert_eq!(decide(&seen, NOW).effects, [remove.clone(), release.clone()]);
    }
}

/// Children go one after the other: killed after the last of them, a hand-back leaves templates.
#[test]
fn a_hand_back_that_died_in_its_last_write_leaves_nothing_behind() {
    let died: [Change; 3] =
        [|it| it.primary = None, |it| it.canary = None, |it| target(it).noted = None];
    let seen = with(deleted(at_rest(), Some(Ending::HandBack)), &died);
    assert_eq!(decide(&seen, NOW).effects, [Effect::RemoveChildren, Effect::RemoveFinalizer]);
    // Its pods may be all that serves.
    let serving = with(seen, &[|it| it.canary = Some(workload(NEXT, 1))]);
    assert_eq!(decide(&serving, NOW).effects, [Effect::RemoveFinalizer]);
}

/// Found by the simulation: a pod of primary on its way out kept the canary for as long as it took.
#[test]
fn a_rejected_canary_goes_at_once_however_its_rollout_ends() {
    let rejected: Change = |it| reject(it, NEXT, Cause::AnalysisFailed, ID);
    let leaving: Change = |it| {
        it.strategy.order = MoveOrder::DrainFirst;
        primary(it).workload.terminating = 1;
    };
    for (ending, asked) in [(Ending::HandBack, PROMOTED), (Ending::Leave, NEXT)] {
        let mut seen = deleted(with(progressing(), &[rejected, leaving]), Some(ending));
        ask(&mut seen, asked);
        let effects = decide(&seen, NOW).effects;
        let gone = |it: &Effect| matches!(it, Effect::Canary { replicas: 0, .. });
        assert!(effects.iter().any(gone), "{ending:?}: {effects:?}");
    }
}
