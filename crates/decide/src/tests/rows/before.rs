//! Cases of what is asked before any phase, without a primary Deployment, and while adopting.
//! Observations only; what follows from them is on the page.

use std::sync::Arc;

use super::Case;
use crate::autoscaler::{Answer, Autoscalers, Bar, Declined, Scaler, Scales, Taken};
use crate::observed::{Names, Observed, Workload};
use crate::order::Order;
use crate::revision::Cause;
use crate::state::{Rest, State};
use crate::testing::*;

pub(super) fn cases() -> Vec<Case> {
    [any_phase(), no_primary(), adoption()].into_iter().flatten().collect()
}

fn any_phase() -> Vec<Case> {
    let lost: [Change; 2] = [lose_promoted, |it| it.state = State::AtRest(Rest::Succeeded)];
    let given_back: Change = |it| primary(it).facts.promoting = None;
    vec![
        ("A2", with(progressing(), &[|it| it.names = Names::Taken])),
        (
            "A4",
            with(
                at_rest(),
                &[
                    |it| it.frozen.clear(),
                    |it| primary(it).facts.promoted = None,
                    |it| primary(it).workload.revision = None,
                ],
            ),
        ),
        ("A5", with(promoting(), &[|it| it.state = State::AtRest(Rest::Succeeded)])),
        ("A6", with(promoting(), &[given_back])),
        ("A6", with(promoting(), &[given_back, |it| ask(it, PROMOTED)])),
        ("A6", with(promoting(), &[given_back, |it| reject(it, NEXT, Cause::Aborted, ID)])),
        ("A7", with(with(at_rest(), &lost), &[bypass])),
        ("A8", with(at_rest(), &lost)),
    ]
}

fn no_primary() -> Vec<Case> {
    let lost: Change = |it| it.primary = None;
    vec![
        ("N1", with(at_rest(), &[lost])),
        ("N2", with(plain(), &[|it| it.target = None])),
        ("N2", with(at_rest(), &[lost, |it| it.target = None, |it| it.canary = None])),
        ("N3", with(plain(), &[|it| target(it).noted = Some(4)])),
        ("N4", with(plain(), &[|it| it.spec_valid = false, |it| it.suspended = true])),
        ("N5", with(plain(), &[|it| it.autoscalers = Autoscalers::Unknown])),
        ("N5", with(plain(), &[opted_out, |it| it.suspended = true])),
        ("N5", with(plain(), &[two])),
        ("N5", with(plain(), &[|it| *known(it).1 = true])),
        ("N8", with(plain(), &[|it| autoscaled(it, Scales::Target)])),
        ("N6", with(plain(), &[|it| it.suspended = true])),
        ("N7", with(plain(), &[|it| target(it).available = false])),
        ("N7", with(plain(), &[|it| target(it).workload.available = 0])),
        ("N8", plain()),
        // A mark that an earlier life has left says nothing about a target that serves by itself.
        ("N8", with(plain(), &[|it| it.frozen.push(frozen(PROMOTED, 3))])),
    ]
}

fn known(seen: &mut Observed) -> (&mut Vec<Scaler>, &mut bool) {
    let Autoscalers::Known { all, vertical } = &mut seen.autoscalers else { panic!("none known") };
    (all, vertical)
}

fn taken_by(seen: &mut Observed) -> &mut Taken {
    primary(seen).facts.scaled_by.as_mut().expect("one was taken over")
}

/// It has only just been pointed here.
fn silent(seen: &mut Observed) {
    known(seen).0[0].answer = Answer::Waiting { since: NOW };
}

fn two(seen: &mut Observed) {
    autoscaled(seen, Scales::Target);
    known(seen).0.push(scaler("orders-2", Scales::Rollout));
}

fn opted_out(seen: &mut Observed) {
    autoscaled(seen, Scales::Target);
    known(seen).0[0].bar = Some(Bar::Keeps);
}

fn declined(seen: &mut Observed) {
    autoscaled(seen, Scales::Target);
    primary(seen).facts.declined = Some(Declined { version: 1, says: Arc::from("no answer") });
}

fn adoption() -> Vec<Case> {
    let drained: [Change; 3] = [
        |it| target(it).workload = workload(PROMOTED, 0),
        |it| target(it).noted = Some(4),
        |it| primary(it).workload = workload(PROMOTED, 4),
    ];
    vec![
        ("O1", with(adopting(), &drained)),
        // An earlier life has left a promotion halfway: it is taken back first.
        (
            "O4",
            with(
                with(adopting(), &drained),
                &[
                    |it| primary(it).facts.promoting = Some(PASSED),
                    |it| primary(it).workload.revision = Some(NEXT),
                ],
            ),
        ),
        ("O2", with(adopting(), &[|it| target(it).workload = workload(PROMOTED, 6)])),
        ("O3", with(adopting(), &[|it| it.canary = Some(workload(NEXT, 1))])),
        ("O3b", with(adopting(), &[|it| it.autoscalers = Autoscalers::Unknown])),
        ("O3b", with(adopting(), &[two])),
        ("O3b", with(adopting(), &[opted_out])),
        ("O3b", with(adopting(), &[declined])),
        ("O3b", with(adopting(), &[|it| autoscaled(it, Scales::Target)])),
        ("O3b", with(adopting(), &[taken, |it| taken_by(it).answered = false, silent])),
        ("O4", adopting()),
        ("O4", with(adopting(), &[taken])),
        // It goes on, whatever the user stops.
        ("O4", with(adopting(), &[|it| it.suspended = true, |it| it.spec_valid = false])),
        ("O4", with(adopting(), &[|it| order(it, Order::Abort(ID)), bypass])),
        (
            "O5",
            with(
                adopting(),
                &[|it| target(it).available = false, |it| primary(it).workload.replicas = 1],
            ),
        ),
        (
            "O5b",
            with(
                adopting(),
                &[
                    |it| primary(it).workload = Workload { available: 0, ..workload(PROMOTED, 1) },
                    |it| it.primary_blocked = Some(NOW),
                ],
            ),
        ),
        ("O6", with(adopting(), &[|it| it.target = None])),
        ("O4", with(adopting(), &[|it| it.uid = Arc::from("another life")])),
    ]
}
