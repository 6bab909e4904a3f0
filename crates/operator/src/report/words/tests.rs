//! What a person reads of a canary that was given up. Statuses follow each other as passes write them.

use siskin_analysis::observation::PodObservation;
use siskin_decide::testing::{ID, NEXT, progressing, step, workload};
use siskin_decide::{Headway, Origin, Rollback, Stopwatch};
use siskin_simulation::healthy_pod;

use super::*;
use crate::apply::effects::Applied;
use crate::apply::effects::tests::world;
use crate::evidence::streams::{StreamsDelay, StreamsWork};
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
    passed_by(world, &EvidenceView::silent(), next);
}

fn passed_by(world: &mut World, evidence: &EvidenceView, next: State) {
    carried_out(world, evidence, &Plan::to(next, vec![]));
}

fn carried_out(world: &mut World, evidence: &EvidenceView, plan: &Plan) {
    world.rollout.status = Some(written_by(world, evidence, plan));
    world.state = plan.next;
}

fn written_by(
    world: &World,
    evidence: &EvidenceView,
    plan: &Plan,
) -> siskin_api::CanaryRolloutStatus {
    let applied = Applied::default();
    let (answers, untold, refusals, now) = (&[], &[], &[], world.seen_at);
    let round = Round {
        world,
        evidence,
        plan,
        applied: &applied,
        answers,
        tells_of_take: false,
        untold,
        refusals,
        now,
    };
    status(&round)
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

/// A step that has just begun, all of its pods where they should be.
fn begun() -> World {
    let (mut world, mut seen) = (world(), progressing());
    (step(&mut seen).hold, step(&mut seen).delivered) =
        (Stopwatch::default(), Stopwatch::default());
    (world.state, world.primary, world.canary) = (seen.state, seen.primary, seen.canary);
    world
}

fn said(world: &mut World, membership: Membership) -> String {
    let evidence = EvidenceView { membership, ..EvidenceView::silent() };
    let next = world.state;
    passed_by(world, &evidence, next);
    world.status().message.expect("a message")
}

#[test]
fn what_a_step_waits_for_beside_its_canary_is_named() {
    let mut world = begun();
    world.primary.as_mut().unwrap().workload.terminating = 1;
    let pod = healthy_pod("orders-primary-7", Role::Primary, 0);
    let pod = PodObservation { ready: false, terminating: true, ..pod };
    world.pods.observations = vec![pod];
    let whole = said(&mut world, Membership::Settled);
    assert!(whole.contains("pod orders-primary-7 of orders-primary has not left yet"), "{whole}");
    assert!(!whole.contains("waiting until the canary"), "it is not the canary: {whole}");
    world.canary = Some(Workload { available: 0, ready: 0, ..workload(NEXT, 1) });
    let both = said(&mut world, Membership::NotJoined);
    assert!(both.contains("waiting until the canary is Ready"), "{both}");
    assert!(both.contains("orders-primary-7 of orders-primary has not left"), "{both}");
    assert!(both.contains("not held against the canary"), "{both}");
}

#[test]
fn primary_pods_that_are_missing_are_told_and_a_canary_that_is_alone_in_the_way_is_too() {
    let mut world = begun();
    world.primary.as_mut().unwrap().workload.available = 2;
    let missing = said(&mut world, Membership::Settled);
    assert!(missing.contains("pods of orders-primary are not available"), "{missing}");
    let mut alone = begun();
    let joins = said(&mut alone, Membership::NotJoined);
    assert!(
        joins.ends_with("waiting until the canary is Ready and has joined the group"),
        "{joins}"
    );
}

#[test]
fn a_step_that_stands_still_tells_who_is_in_its_way_and_what_to_do() {
    let mut world = begun();
    world.canary.as_mut().expect("it runs").differs = true;
    let plan = Plan::to(world.state, vec![]).held(Held::Overdue);
    carried_out(&mut world, &EvidenceView::silent(), &plan);
    let said = world.status().message.clone().expect("a message");
    assert!(said.starts_with("overdue: nothing has moved"), "{said}");
    assert!(said.contains("orders-canary does not look as it should"), "{said}");
    assert!(said.contains("get deployment orders-canary -o yaml"), "{said}");
}

#[test]
fn kafka_streams_is_told_as_what_a_canary_waits_for() {
    let mut world = begun();
    world.canary = Some(Workload { available: 0, ready: 0, ..workload(NEXT, 1) });
    let (since, work) = (world.seen_at, StreamsWork::Restores { pods: 1 });
    let streams = Some(StreamsDelay { since, work });
    let evidence = EvidenceView { streams, ..EvidenceView::silent() };
    let said = |held| {
        let plan = Plan::to(world.state, vec![]).held(held);
        written_by(&world, &evidence, &plan).message.expect("a message")
    };
    let restores = said(Held::CanaryBlocked);
    assert!(restores.starts_with("Kafka Streams restores its state: canary pods"), "{restores}");
    assert!(restores.ends_with("that time is not held against the version"), "{restores}");
    let overdue = said(Held::Overdue);
    assert!(overdue.starts_with("overdue: nothing has moved"), "{overdue}");
    assert!(overdue.contains("Kafka Streams restores its state"), "{overdue}");
}
