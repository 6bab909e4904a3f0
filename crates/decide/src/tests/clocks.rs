//! The clocks that may end a trial, after a time in which nobody watched.
//! What they are for is in the table; here is only what a gap does to them.

use jiff::{SignedDuration, Timestamp};

use crate::observed::{Evidence, Membership, OnInconclusive, Workload};
use crate::plan::{Effect, Held};
use crate::state::{Phase, Stopwatch, Unbroken};
use crate::table::decide;
use crate::testing::{Change, NEXT, NOW, at_max_hold, overdue, progressing, step, with, workload};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

#[test]
fn evidence_that_nobody_watched_promotes_nothing() {
    let seen = with(
        progressing(),
        &[at_max_hold, |it| it.strategy.on_inconclusive = OnInconclusive::Promote],
    );
    assert_eq!(decide(&seen, NOW).next.step(), None, "watched all along, it is promoted");
    let begun_anew: Change = |it| it.unbroken = Some(Unbroken { since: NOW, until: NOW });
    let after = with(seen, &[begun_anew]);
    let step = decide(&after, NOW).next.step().unwrap();
    assert_eq!(step.delivered.elapsed(NOW), SignedDuration::ZERO);
}

#[test]
fn evidence_counts_until_it_was_seen_last_and_no_longer() {
    let mut seen = progressing();
    let delivered = step(&mut seen).delivered;
    let begun = delivered.since.expect("it runs");
    seen.evidence = Evidence::Inconclusive { delivered: false };
    seen.unbroken = Some(Unbroken { since: Timestamp::MIN, until: begun + MINUTE });
    // Nobody looked for an hour, or the clock was put forward by one.
    let late = NOW + SignedDuration::from_hours(1);
    let closed = decide(&seen, late).next.step().unwrap().delivered;
    assert_eq!(closed, Stopwatch { spent: delivered.spent + MINUTE, since: None });
}

#[test]
fn a_delay_that_nobody_watched_rejects_nothing() {
    let seen = with(progressing(), &[overdue, |it| it.membership = Membership::NotJoined]);
    assert_eq!(decide(&seen, NOW).next.step(), None, "watched all along, it is late");
    let after = with(seen, &[|it| it.watched_since = Some(NOW)]);
    let unsettled = decide(&after, NOW).next.step().unwrap().unsettled;
    assert_eq!((unsettled.since, unsettled.elapsed(NOW)), (Some(NOW), SignedDuration::ZERO));
}

#[test]
fn a_process_that_does_not_watch_yet_stops_no_hold() {
    let nothing: Change = |it| (it.watched_since, it.unbroken) = (None, None);
    let seen = with(progressing(), &[nothing]);
    let before = *step(&mut seen.clone());
    let step = decide(&seen, NOW).next.step().unwrap();
    assert_eq!(step.hold, before.hold);
    assert_eq!(step.delivered.since, Some(NOW));
}

/// A controller of somebody else gives the canary its own annotation, and again whenever it is mended.
#[test]
fn a_canary_that_somebody_edits_at_every_look_is_told_and_never_rejected() {
    let mut seen = progressing();
    let deadline = seen.strategy.progress_deadline;
    let begun = NOW;
    let mut told = vec![];
    for second in (0..=deadline.as_secs() + 60).step_by(30) {
        let now = begun + SignedDuration::from_secs(second);
        // Now it is edited, now it rolls back to what it was mended to be.
        let edited = second % 60 == 0;
        seen.canary = Some(Workload { differs: edited, rolled: edited, ..workload(NEXT, 1) });
        let plan = decide(&seen, now);
        assert_eq!(plan.next.phase(), Phase::Progressing, "after {second} s: {plan:?}");
        let mended = plan.effects.iter().any(|it| matches!(it, Effect::Canary { .. }));
        assert_eq!(mended, edited, "after {second} s");
        told.extend(plan.held.map(|it| (it, second)));
        seen.state = plan.next;
    }
    assert_eq!(told.first(), Some(&(Held::Overdue, deadline.as_secs() + 30)));
    // It is left alone, settles, and the trial goes on.
    let alone = with(seen, &[|it| it.canary = Some(workload(NEXT, 1))]);
    let plan = decide(&alone, begun + deadline * 2);
    assert_eq!((plan.held, plan.next.step().unwrap().waits), (None, None));
}
