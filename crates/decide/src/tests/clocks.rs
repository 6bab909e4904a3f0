//! The clocks that may end a trial, after a time in which nobody watched.
//! What they are for is in the table; here is only what a gap does to them.

use jiff::SignedDuration;

use crate::observed::{Membership, OnInconclusive};
use crate::state::Step;
use crate::state::{Stage, State};
use crate::table::decide;
use crate::testing::{NOW, at_max_hold, overdue, progressing, step, with};

/// The step that the plan goes on with; `None` if the trial ends.
fn goes_on(state: State) -> Option<Step> {
    match state {
        State::Trial(trial) => match trial.stage {
            Stage::Progressing(step) | Stage::Paused(step) => Some(step),
            Stage::Preparing(_) => None,
        },
        State::Adopting
        | State::AtRest(_)
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => None,
    }
}

#[test]
fn evidence_that_nobody_watched_promotes_nothing() {
    let seen = with(
        progressing(),
        &[at_max_hold, |it| it.strategy.on_inconclusive = OnInconclusive::Promote],
    );
    assert_eq!(goes_on(decide(&seen, NOW).next), None, "watched all along, it is promoted");
    let after = with(seen, &[|it| it.watched_since = Some(NOW)]);
    let step = goes_on(decide(&after, NOW).next).unwrap();
    assert_eq!(step.delivered.elapsed(NOW), SignedDuration::ZERO);
}

#[test]
fn a_delay_that_nobody_watched_rejects_nothing() {
    let seen = with(progressing(), &[overdue, |it| it.membership = Membership::NotYet]);
    assert_eq!(goes_on(decide(&seen, NOW).next), None, "watched all along, it is late");
    let after = with(seen, &[|it| it.watched_since = Some(NOW)]);
    let unsettled = goes_on(decide(&after, NOW).next).unwrap().unsettled;
    assert_eq!((unsettled.since, unsettled.elapsed(NOW)), (Some(NOW), SignedDuration::ZERO));
}

#[test]
fn a_process_that_does_not_watch_yet_stops_no_hold() {
    let seen = with(progressing(), &[|it| it.watched_since = None]);
    let before = *step(&mut seen.clone());
    let step = goes_on(decide(&seen, NOW).next).unwrap();
    assert_eq!(step.hold, before.hold);
    assert_eq!(step.delivered.since, Some(NOW));
}
