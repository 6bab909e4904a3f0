//! What a person reads of a canary that was given up. Statuses follow each other as passes write them.

use siskin_decide::testing::{ID, NEXT, progressing, workload};
use siskin_decide::{Headway, Origin, Rollback, Workload};

use super::*;
use crate::apply::effects::Applied;
use crate::apply::effects::tests::world;
use crate::evidence::view::EvidenceView;
use crate::observe::troubles::{PodTrouble, Trouble};
use crate::report::status::status;

const TROUBLE: &str = "container worker of pod orders-canary-1 waits: ErrImagePull";

/// A trial whose canary pod can't start.
fn late() -> World {
    let mut world = world();
    world.state = progressing().state;
    world.canary = Some(Workload { ready: 0, ..workload(NEXT, 1) });
    let (container, reason) = ("worker".to_owned(), "ErrImagePull".to_owned());
    let trouble = Trouble::NotStarted { container, reason, words: String::new() };
    let pod = "orders-canary-1".into();
    world.pods.troubles = vec![PodTrouble { pod, role: Role::Canary, since: 0, trouble }];
    world
}

/// The status that a pass with this plan writes, and the next pass finds.
fn passed(world: &mut World, next: State) {
    let (evidence, plan, applied) =
        (EvidenceView::silent(), Plan::to(next, vec![]), Applied::default());
    let (answers, untold, refusals, now) = (&[], &[], &[], world.seen_at);
    let round = Round {
        world,
        evidence: &evidence,
        plan: &plan,
        applied: &applied,
        answers,
        untold,
        refusals,
        now,
    };
    let written = status(&round);
    world.rollout.status = Some(written);
    world.state = next;
}

#[test]
fn what_kept_a_late_canary_from_starting_is_told_when_its_pods_are_gone() {
    let mut world = late();
    let (cause, before) = (Cause::DeadlineExceeded, Rest::Initialized);
    passed(&mut world, progressing().state);
    let back = Rollback {
        id: ID,
        cause,
        from: Origin::Trial,
        before,
        since: world.seen_at,
        headway: Headway { reached: 0, since: world.seen_at },
    };
    passed(&mut world, State::RollingBack(back));
    world.canary = Some(Workload { ready: 0, ..workload(NEXT, 0) });
    world.pods.troubles.clear();
    passed(&mut world, State::RollingBack(back));
    passed(&mut world, State::AtRest(Rest::Failed { revision: NEXT, cause }));
    let status = world.status().clone();
    let history = status.history.first().and_then(|it| it.message.clone()).expect("an entry");
    assert!(history.contains(TROUBLE), "{history}");
    let message = status.message.expect("a message");
    assert!(message.contains(TROUBLE), "{message}");
    passed(&mut world, State::AtRest(Rest::Failed { revision: NEXT, cause }));
    let later = world.status().message.clone().expect("a message");
    assert_eq!(later, message, "it stays");
}
