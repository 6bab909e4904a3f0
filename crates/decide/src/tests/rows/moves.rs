//! Cases of rest, of a trial with its ends, and of a promotion.
//! Observations only; what follows from them is on the page.

use jiff::{SignedDuration, Timestamp};

use super::Case;
use crate::observed::{
    Evidence, Membership, Observed, OnInconclusive, Preflight, StepPlan, Workload,
};
use crate::order::Order;
use crate::revision::{Cause, Revision, RolloutId};
use crate::state::{Rest, Stage, State};
use crate::testing::*;

const BRAKES: [Change; 3] =
    [|it| it.target = None, |it| it.spec_valid = false, |it| it.suspended = true];

pub(super) fn cases() -> Vec<Case> {
    [rest(), trial_ends(), preparation(), steps(), evidence(), promotion()]
        .into_iter()
        .flatten()
        .collect()
}

fn braked(name: &'static str, seen: &Observed) -> Vec<Case> {
    BRAKES.map(|brake| (name, with(seen.clone(), &[brake]))).into()
}

fn rest() -> Vec<Case> {
    let failed: Change =
        |it| it.state = State::AtRest(Rest::Failed { revision: NEXT, cause: Cause::Aborted });
    let rejected: [Change; 3] =
        [failed, |it| ask(it, NEXT), |it| reject(it, NEXT, Cause::Aborted, ID)];
    let next = || with(at_rest(), &[|it| ask(it, NEXT)]);
    let worse: [Change; 4] = [
        failed,
        |it| ask(it, NEXT),
        |it| reject(it, NEXT, Cause::AnalysisFailed, ID),
        |it| it.fault_stayed = Some(ID),
    ];
    let stray: Change = |it| it.canary = Some(workload(NEXT, 1));
    let excused: Change = |it| it.frozen.iter_mut().for_each(|it| it.excused = Some(ID));
    let retry: Change = |it| order(it, Order::Retry(ID));
    let other: Change = |it| order(it, Order::Retry(RolloutId { attempt: 2, ..ID }));
    vec![
        ("R1", with(at_rest(), &[stray])),
        ("R1", with(at_rest(), &[stray, |it| it.state = State::AtRest(Rest::Succeeded)])),
        (
            "R2",
            with(
                next(),
                &[|it| it.canary = Some(Workload { current: false, ..workload(NEXT, 0) })],
            ),
        ),
        ("R2", with(next(), &[|it| it.frozen.clear()])),
        ("R3", with(at_rest(), &[|it| it.target = None])),
        ("R4", with(at_rest(), &[failed])),
        ("R5", at_rest()),
        ("R5", with(at_rest(), &[|it| it.spec_valid = false])),
        ("R6", with(with(at_rest(), &rejected), &[retry])),
        ("R6b", with(at_rest(), &worse)),
        ("R6", with(with(at_rest(), &worse), &[retry])),
        ("R7", with(with(at_rest(), &worse), &[excused])),
        ("R7", with(with(at_rest(), &worse), &[|it| it.fault_stayed = Some(FIX)])),
        ("R7", with(with(at_rest(), &worse), &[|it| it.suspended = true])),
        ("R7", with(with(at_rest(), &rejected), &[|it| it.fault_stayed = Some(ID)])),
        ("R7", with(at_rest(), &rejected)),
        ("R7", with(with(at_rest(), &rejected), &[other])),
        ("R7", with(with(at_rest(), &rejected), &[retry, |it| it.suspended = true])),
        ("R7", with(with(at_rest(), &rejected), &[bypass])),
        ("R7", with(with(at_rest(), &rejected), &[|it| ask(it, Revision(12))])),
        ("R8", with(next(), &[|it| it.spec_valid = false])),
        ("R8", with(next(), &[|it| it.suspended = true, bypass])),
        ("R8", with(next(), &[|it| target(it).paused = true])),
        ("R9", with(at_rest(), &[|it| ask(it, ALIKE), bypass])),
        ("R10", with(next(), &[bypass])),
        ("R11", with(next(), &[to_zero])),
        ("R12", next()),
        ("R13", with(next(), &[|it| it.preflight = Preflight::Failed])),
        ("R12", with(next(), &[bypass, |it| primary(it).facts.bypass = target(it).bypass.clone()])),
    ]
}

fn trial_ends() -> Vec<Case> {
    let crashed: Change = |it| it.evidence = Evidence::GuardFailed;
    let worse: Change = |it| it.evidence = Evidence::Failed;
    let abort: Change = |it| order(it, Order::Abort(ID));
    let late: [Change; 2] = [overdue, |it| it.membership = Membership::NotJoined];
    vec![
        ("T1", with(progressing(), &[|it| reject(it, NEXT, Cause::DeadlineExceeded, ID), crashed])),
        ("T1b", with(progressing(), &[|it| reject(it, NEXT, Cause::Aborted, EARLIER)])),
        ("T2", with(progressing(), &[crashed, abort, |it| it.suspended = true])),
        ("T3", with(progressing(), &[worse, |it| it.target = None])),
        ("T4", with(with(progressing(), &late), &[|it| it.spec_valid = false])),
        ("T5", with(preparing(), &[abort, crashed])),
        ("T5", with(progressing(), &[abort, |it| ask(it, PROMOTED)])),
        ("T6", with(progressing(), &[|it| ask(it, PROMOTED)])),
        ("T6", with(preparing(), &[|it| ask(it, ALIKE)])),
        (
            "T7",
            with(
                progressing(),
                &[|it| reject(it, THIRD, Cause::Aborted, EARLIER), |it| ask(it, THIRD)],
            ),
        ),
        ("T8", with(progressing(), &[|it| ask(it, THIRD), |it| it.suspended = true])),
    ]
}

fn preparation() -> Vec<Case> {
    let full: Change = |it| order(it, Order::PromoteFull(ID));
    let mut cases = braked("P1", &preparing());
    cases.push(("P1", with(preparing(), &[|it| target(it).paused = true])));
    cases.extend([
        ("P2", with(preparing(), &[bypass, to_zero])),
        ("P3", with(preparing(), &[to_zero, full])),
        ("P4", with(preparing(), &[full])),
        ("P5", with(preparing(), &[|it| it.preflight = Preflight::Passed])),
        ("P5", with(preparing(), &[overdue, |it| order(it, Order::Start(ID))])),
        ("P6", with(preparing(), &[|it| order(it, Order::Start(FIX))])),
        ("P7", with(preparing(), &[overdue])),
    ]);
    cases
}

fn steps() -> Vec<Case> {
    let full: Change = |it| order(it, Order::PromoteFull(ID));
    let this: Change = |it| {
        let index = step(it).index;
        order(it, Order::PromoteStep(ID, index));
    };
    let last: Change = |it| step(it).index = 1;
    let stranded: Change = |it| {
        primary(it).workload.terminating = 1;
        step(it).waits = Some(NOW - SignedDuration::from_mins(11));
    };
    let edited: Change = |it| {
        it.canary.as_mut().expect("it runs").differs = true;
        (step(it).waits, step(it).reached) = (Some(NOW - SignedDuration::from_mins(11)), 0);
    };
    let mut cases = braked("S1", &with(progressing(), &[full]));
    cases.extend([
        ("S6b", with(progressing(), &[stranded, passes])),
        ("S6b", with(progressing(), &[edited, passes])),
        ("S7", with(progressing(), &[stranded, passes, |it| it.watched_since = Some(NOW)])),
    ]);
    cases.extend([
        ("S2", with(progressing(), &[bypass, to_zero])),
        ("S3", with(progressing(), &[to_zero, full])),
        ("S4", with(progressing(), &[full])),
        ("S5", with(progressing(), &[last, this])),
        ("S5b", with(progressing(), &[this])),
        ("S6", with(progressing(), &[|it| step(it).index = 7])),
        ("S7", with(progressing(), &[|it| step(it).hold.since = Some(NOW), passes])),
        ("S7b", with(progressing(), &[blocked, overdue])),
        ("S7b", with(progressing(), &[blocked, |it| it.canary_blocked = Some(Timestamp::MIN)])),
        ("S7", with(progressing(), &[|it| it.membership = Membership::NotJoined, passes])),
        // Late once, but settled by now: nobody had looked for a while.
        ("S9b", with(progressing(), &[overdue, passes])),
        // Nor is it late when the next move is ours: it is all that it was asked to be.
        (
            "S7",
            with(
                progressing(),
                &[
                    overdue,
                    |it| it.canary = Some(workload(NEXT, 0)),
                    |it| primary(it).workload = workload(PROMOTED, 4),
                ],
            ),
        ),
        ("S9", with(progressing(), &[last, passes])),
        ("S9b", with(progressing(), &[passes])),
        ("S9b", with(progressing(), &[pause, passes])),
        // Metadata of the template on trial belongs to a later look.
        ("S9b", with(progressing(), &[passes, |it| ask(it, Revision(12))])),
    ]);
    cases
}

fn evidence() -> Vec<Case> {
    let asks: Change = |it| {
        it.strategy.steps =
            it.strategy.steps.iter().map(|s| StepPlan { approval: true, ..*s }).collect();
    };
    let blind: Change = |it| it.evidence = Evidence::Inconclusive { delivered: false };
    let promote: Change = |it| it.strategy.on_inconclusive = OnInconclusive::Promote;
    let reject: Change = |it| it.strategy.on_inconclusive = OnInconclusive::Rollback;
    vec![
        ("S8", with(progressing(), &[asks, passes])),
        ("S8", with(progressing(), &[asks, passes, |it| order(it, Order::Approve(ID, 1))])),
        ("S9b", with(progressing(), &[asks, passes, |it| order(it, Order::Approve(ID, 0))])),
        ("S10", with(progressing(), &[promote])),
        ("S11", with(progressing(), &[at_max_hold, promote])),
        ("S12", with(progressing(), &[at_max_hold, reject])),
        ("S13", with(progressing(), &[at_max_hold])),
        ("S13", with(progressing(), &[at_max_hold, promote, blind])),
        ("S13", with(progressing(), &[at_max_hold, reject, |it| step(it).delivered.since = None])),
    ]
}

fn promotion() -> Vec<Case> {
    let abort: Change = |it| order(it, Order::Abort(ID));
    let rolled: Change = |it| primary(it).workload = workload(NEXT, 3);
    let done: [Change; 2] =
        [|it| primary(it).workload = workload(NEXT, 4), |it| it.canary = Some(workload(NEXT, 0))];
    let unknown: Change = |it| it.frozen.retain(|it| it.revision != PROMOTED);
    let third: Change = |it| ask(it, THIRD);
    let no_room: Change = |it| it.primary_blocked = Some(NOW);
    let rejected_before: Change = |it| {
        reject(it, NEXT, Cause::Aborted, EARLIER);
        it.frozen.iter_mut().filter(|it| it.revision == NEXT).for_each(|it| it.attempt = 1);
    };
    vec![
        ("M1", with(promoting(), &[|it| reject(it, NEXT, Cause::Aborted, ID)])),
        ("M1", with(promoting(), &[rejected_before])),
        ("M1", with(promoting(), &[|it| it.evidence = Evidence::GuardFailed])),
        ("M1", with(promoting(), &[abort, |it| it.suspended = true])),
        ("M1", with(promoting(), &[|it| ask(it, PROMOTED)])),
        ("M1", with(promoting(), &[third, overdue])),
        ("M2", with(promoting(), &[unknown, third, overdue, bypass])),
        ("M2", with(promoting(), &[unknown, third, abort, |it| order(it, Order::Start(FIX))])),
        ("M3", with(promoting(), &done)),
        ("M3", with(with(promoting(), &done), &[bypass])),
        ("M4", with(promoting(), &[rolled, third])),
        ("M5", promoting()),
        ("M5", with(promoting(), &[|it| it.suspended = true, |it| it.target = None])),
        ("M5b", with(promoting(), &[no_room])),
        ("M5b", with(promoting(), &[rolled, no_room])),
        ("M6", with(promoting(), &[overdue])),
        ("M6", with(promoting(), &[overdue, no_room])),
        ("M7", with(promoting(), &[unknown, abort])),
        ("M7", with(promoting(), &[unknown, abort, overdue, no_room])),
    ]
}

/// A quota is full.
fn blocked(seen: &mut Observed) {
    seen.canary = Some(Workload { available: 0, ready: 0, ..workload(NEXT, 1) });
    seen.canary_blocked = Some(NOW);
}

fn passes(seen: &mut Observed) {
    seen.evidence = Evidence::Pass;
}

fn pause(seen: &mut Observed) {
    seen.state = at_stage(Stage::Paused(*step(seen)));
}
