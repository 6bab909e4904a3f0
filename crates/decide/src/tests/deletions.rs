//! Deletions that began unseen, end without their target, or died halfway.
//! How each row of the page decides is tested there.

use jiff::SignedDuration;

use crate::plan::Effect;
use crate::state::Ending;
use crate::table::decide;
use crate::testing::{
    Change, NEXT, NOW, at_rest, deleted, overdue, progressing, promoting, target, with, workload,
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
