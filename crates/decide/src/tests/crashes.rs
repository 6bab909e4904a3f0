//! A crash between an effect and the status: what was decided is told all the same, and why.

use crate::observed::{Observed, Takeover, Workload};
use crate::order::Order;
use crate::plan::Effect;
use crate::revision::Cause;
use crate::state::{PromotedBy, Rest, State};
use crate::table::decide;
use crate::testing::{
    Change, ID, NEXT, NOW, PASSED, PROMOTED, THIRD, ask, at_rest, bypass, order, primary,
    progressing, promoting, reject, with, workload,
};

/// What the next process sees when this plan's effects on the primary Deployment were made, and no
/// more.
fn crashed(mut seen: Observed) -> Observed {
    for effect in decide(&seen, NOW).effects {
        if let Effect::Primary { revision, replicas, facts, .. } = effect {
            let it = primary(&mut seen);
            it.facts = facts;
            it.workload = Workload { rolled: false, ..workload(revision, replicas) };
        }
    }
    seen
}

fn promoted_by(seen: &Observed) -> Option<PromotedBy> {
    let State::Promoting(it) = decide(seen, NOW).next else { return None };
    Some(it.promoted_by)
}

fn rolled_back_for(seen: &Observed) -> Option<Cause> {
    let State::RollingBack(it) = decide(seen, NOW).next else { return None };
    Some(it.cause)
}

#[test]
fn a_promotion_keeps_its_reason_when_the_status_was_not_written() {
    let commanded = with(progressing(), &[|it| order(it, Order::PromoteFull(ID))]);
    let bypassed = with(at_rest(), &[|it| ask(it, NEXT), bypass]);
    for (before, by) in [(commanded, PromotedBy::Commanded), (bypassed, PromotedBy::Bypass)] {
        assert_eq!(promoted_by(&before), Some(by));
        let after = crashed(before.clone());
        assert_eq!(after.state, before.state, "no status was written");
        assert_eq!(promoted_by(&after), Some(by));
    }
}

#[test]
fn a_promotion_keeps_its_reason_when_the_whole_status_is_lost() {
    let lost = with(promoting(), &[|it| it.state = State::AtRest(Rest::Initialized)]);
    assert_eq!(promoted_by(&lost), Some(PromotedBy::Passed));
}

/// What ends without having been recorded would leave no entry in the history.
#[test]
fn a_promotion_that_was_over_before_anybody_looked_is_recorded_before_it_ends() {
    let over: Change = |it| {
        primary(it).workload = workload(NEXT, 4);
        it.canary = None;
    };
    let commanded = with(progressing(), &[|it| order(it, Order::PromoteFull(ID))]);
    let found = with(crashed(commanded), &[over]);
    assert_eq!(promoted_by(&found), Some(PromotedBy::Commanded));
    let recorded = Observed { state: decide(&found, NOW).next, ..found };
    assert_eq!(decide(&recorded, NOW).next, State::AtRest(Rest::Succeeded));
}

/// A version of the target's own is promoted next: by what.
fn next_is_promoted_by(finishing: &[Change]) -> Option<PromotedBy> {
    let over: Change = |it| {
        primary(it).workload = workload(NEXT, 4);
        it.canary = None;
    };
    let mut seen = crashed(with(with(promoting(), &[over]), finishing));
    seen.state = State::AtRest(Rest::Succeeded);
    primary(&mut seen).workload = workload(NEXT, 4);
    promoted_by(&with(seen, &[|it| ask(it, THIRD)]))
}

#[test]
fn a_bypass_that_comes_during_a_promotion_is_for_what_the_target_has_then() {
    assert_eq!(next_is_promoted_by(&[bypass]), None, "it was for the one that was promoted");
    let fix: Change = |it| ask(it, THIRD);
    assert_eq!(next_is_promoted_by(&[bypass, fix]), Some(PromotedBy::Bypass));
}

#[test]
fn a_promotion_that_nothing_gives_a_reason_for_says_so() {
    let edited: Change = |it| {
        primary(it).facts.promoting = Some(Takeover { promoted_by: PromotedBy::Resumed, ..PASSED });
    };
    let lost: Change = |it| it.state = State::AtRest(Rest::Initialized);
    assert_eq!(promoted_by(&with(promoting(), &[edited, lost])), Some(PromotedBy::Resumed));
}

#[test]
fn a_promotion_that_is_taken_back_keeps_its_cause() {
    let reverted = with(promoting(), &[|it| ask(it, PROMOTED)]);
    let rejected = with(promoting(), &[|it| reject(it, NEXT, Cause::GuardFailed, ID)]);
    for (before, cause) in [(reverted, Cause::Reverted), (rejected, Cause::GuardFailed)] {
        assert_eq!(rolled_back_for(&before), Some(cause));
        assert_eq!(rolled_back_for(&crashed(before)), Some(cause));
    }
}

#[test]
fn a_promotion_that_was_taken_back_without_a_mark_was_not_rejected() {
    let restored = with(
        promoting(),
        &[|it| primary(it).facts.promoting = None, |it| order(it, Order::Abort(ID))],
    );
    assert_eq!(rolled_back_for(&restored), Some(Cause::Resumed));
}
