//! The clocks that may end a trial, after a time in which nobody watched.
//! What they are for is in the table; here is only what a gap does to them.

use jiff::SignedDuration;

use crate::observed::{Membership, OnInconclusive};
use crate::table::decide;
use crate::testing::{NOW, at_max_hold, overdue, progressing, step, with};

#[test]
fn evidence_that_nobody_watched_promotes_nothing() {
    let seen = with(
        progressing(),
        &[at_max_hold, |it| it.strategy.on_inconclusive = OnInconclusive::Promote],
    );
    assert_eq!(decide(&seen, NOW).next.step(), None, "watched all along, it is promoted");
    let after = with(seen, &[|it| it.watched_since = Some(NOW)]);
    let step = decide(&after, NOW).next.step().unwrap();
    assert_eq!(step.delivered.elapsed(NOW), SignedDuration::ZERO);
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
    let seen = with(progressing(), &[|it| it.watched_since = None]);
    let before = *step(&mut seen.clone());
    let step = decide(&seen, NOW).next.step().unwrap();
    assert_eq!(step.hold, before.hold);
    assert_eq!(step.delivered.since, Some(NOW));
}
