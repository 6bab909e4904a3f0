//! Cases of a rollback and of a deletion.
//! Observations only; what follows from them is on the page.

use std::sync::Arc;

use jiff::SignedDuration;

use super::Case;
use crate::autoscaler::Autoscalers;
use crate::observed::{Names, Observed, Workload};
use crate::order::Order;
use crate::revision::Cause;
use crate::state::{Ending, Origin, State};
use crate::testing::*;

pub(super) fn cases() -> Vec<Case> {
    [rollback(), released(), decided(), handed_back(), left()].into_iter().flatten().collect()
}

fn rollback() -> Vec<Case> {
    let third: Change = |it| ask(it, THIRD);
    let done: [Change; 2] = [
        |it| primary(it).workload = workload(PROMOTED, 4),
        |it| it.canary = Some(workload(NEXT, 0)),
    ];
    let clean: [Change; 2] =
        [|it| rollback_of(it).cause = Cause::Reverted, |it| it.frozen[1].rejection = None];
    let broken: Change = |it| primary(it).workload.available = 0;
    let no_room: Change = |it| it.primary_blocked = Some(NOW);
    let from_promoting: Change = |it| rollback_of(it).from = Origin::Promoting;
    let unsampled: Change = |it| {
        it.awaits_last_sample = true;
        rollback_of(it).headway.since = NOW - SignedDuration::from_secs(59);
    };
    let for_long: Change = |it| rollback_of(it).headway.since = NOW - SignedDuration::from_secs(60);
    let set_back: Change = |it| rollback_of(it).headway.since = NOW + SignedDuration::from_secs(9);
    let failed: [Change; 2] = [
        |it| rollback_of(it).cause = Cause::GuardFailed,
        |it| reject(it, NEXT, Cause::GuardFailed, ID),
    ];
    vec![
        ("B1", with(rolling_back(), &[overdue, third, bypass])),
        ("B1", with(rolling_back(), &[overdue, third, |it| order(it, Order::Start(FIX))])),
        ("B2", with(rolling_back(), &done)),
        ("B2b", with(with(rolling_back(), &done), &clean)),
        ("B1b", with(with(rolling_back(), &done), &[unsampled])),
        ("B2", with(with(rolling_back(), &done), &[unsampled, for_long])),
        ("B2", with(with(rolling_back(), &done), &[unsampled, set_back])),
        ("B3", with(rolling_back(), &[from_promoting, broken])),
        ("B4", with(rolling_back(), &failed)),
        ("B5", rolling_back()),
        ("B5", with(rolling_back(), &[third, bypass, |it| it.suspended = true])),
        ("B5b", with(rolling_back(), &[no_room])),
        ("B5b", with(rolling_back(), &[from_promoting, broken, no_room])),
        ("B5b", with(with(rolling_back(), &failed), &[no_room])),
        ("B6", with(rolling_back(), &[overdue])),
        ("B6", with(rolling_back(), &[overdue, no_room])),
        ("B6", with(rolling_back(), &[overdue, third, bypass, |it| it.suspended = true])),
    ]
}

fn released() -> Vec<Case> {
    let gone: Change = |it| it.deleted_at = Some(NOW);
    let lost: Change = |it| it.primary = None;
    vec![
        ("D1", with(at_rest(), &[gone, |it| it.finalizer = false])),
        ("D2", with(at_rest(), &[gone, |it| it.names = Names::Taken])),
        ("D3", with(at_rest(), &[gone, lost])),
        ("D4", with(at_rest(), &[gone, lost, |it| target(it).noted = None])),
        ("D4b", with(at_rest(), &[gone, lost, |it| it.namespace_terminating = true])),
        ("D4b", with(plain(), &[gone])),
        ("D5", with(at_rest(), &[gone, |it| it.uid = Arc::from("another")])),
        ("D6", with(deleted(at_rest(), None), &[overdue])),
        ("D6", with(deleted(at_rest(), Some(Ending::HandBack)), &[overdue])),
    ]
}

/// How it ends is noted first, whatever that is.
fn decided() -> Vec<Case> {
    let missing: Change = |it| it.target = None;
    let for_long: Change = |it| it.target_absent_for = SignedDuration::from_secs(31);
    let third: Change = |it| ask(it, THIRD);
    let unseen: Change = |it| it.autoscalers = Autoscalers::Unknown;
    let back = || deleted(at_rest(), Some(Ending::HandBack));
    vec![
        ("D7", with(deleted(at_rest(), None), &[missing])),
        ("D8", deleted(at_rest(), None)),
        ("D8", deleted(progressing(), None)),
        ("D8", with(deleted(at_rest(), None), &[missing, for_long])),
        ("D8", with(back(), &[third])),
        ("D8", with(deleted(at_rest(), Some(Ending::Remove)), &[|it| it.finalizer = true])),
        ("D8b", with(deleted(at_rest(), Some(Ending::Remove)), &[missing, taken, unseen])),
        ("D9", with(deleted(at_rest(), Some(Ending::Remove)), &[missing, taken])),
        ("D9", with(deleted(at_rest(), Some(Ending::Remove)), &[missing, taken, unseen, overdue])),
        ("D9", with(deleted(at_rest(), Some(Ending::Remove)), &[missing, overdue])),
    ]
}

fn handed_back() -> Vec<Case> {
    let back = |seen| deleted(seen, Some(Ending::HandBack));
    let up: [Change; 2] =
        [|it| target(it).workload = workload(PROMOTED, 4), |it| target(it).written = Some(4)];
    let empty: Change = |it| primary(it).workload = workload(PROMOTED, 0);
    let scaled: [Change; 2] = [
        |it| target(it).workload = workload(PROMOTED, 2),
        |it| primary(it).workload = workload(PROMOTED, 3),
    ];
    let reverted: Change = |it| ask(it, PROMOTED);
    let unseen: Change = |it| it.autoscalers = Autoscalers::Unknown;
    vec![
        ("D10", with(back(at_rest()), &scaled)),
        ("D10b", with(with(back(at_rest()), &up), &[empty, taken, unseen])),
        ("D11", with(with(back(at_rest()), &up), &[empty])),
        ("D11", with(with(back(at_rest()), &up), &[empty, taken])),
        ("D11b", with(back(at_rest()), &[|it| target(it).paused = true])),
        ("D12", with(back(progressing()), &[reverted])),
        ("D12", with(back(progressing()), &[reverted, |it| target(it).paused = true])),
        ("D13", back(at_rest())),
    ]
}

fn left() -> Vec<Case> {
    let left = |seen| deleted(seen, Some(Ending::Leave));
    let shared: Change = |it| primary(it).facts.adopted = false;
    let half: [Change; 3] = [
        |it| target(it).workload = Workload { replicas: 2, ..workload(PROMOTED, 2) },
        |it| target(it).written = Some(2),
        |it| primary(it).workload = workload(PROMOTED, 2),
    ];
    vec![
        ("D14", with(left(at_rest()), &[lose_promoted])),
        ("D15", with(with(left(at_rest()), &half), &[shared])),
        ("D10b", with(left(at_rest()), &[taken, |it| it.autoscalers = Autoscalers::Unknown])),
        ("D16", left(at_rest())),
        ("D16", with(left(at_rest()), &[taken])),
        ("D17", left(progressing())),
        ("D17", left(promoting())),
    ]
}

fn rollback_of(seen: &mut Observed) -> &mut crate::state::Rollback {
    let State::RollingBack(it) = &mut seen.state else { panic!("no rollback is under way") };
    it
}
