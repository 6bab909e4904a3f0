//! What evidence is worth while a source, or the watch of the pods, is silent. No source is asked.

use std::sync::Arc;

use siskin_analysis::Doubt;
use siskin_analysis::observation::{
    GroupObservation, GroupState, MemberCount, Owner, PartitionObservation, Role,
};
use siskin_analysis::{Judge, Record};
use siskin_kafka::GroupSnapshot;

use super::*;
use crate::apply::effects::tests::world;
use crate::observe::troubles::{PodTrouble, Trouble};
use crate::observed::observed;
use crate::traces::shelf::Traces;
use siskin_decide::testing::{NEXT, PROMOTED, at_rest, primary, progressing, workload};

/// The view of a rollout whose group is sampled, of whose ranges nothing was kept.
fn weighed(
    world: &World,
    wrong: Option<Delivery>,
    evidence: &mut RolloutEvidence,
    now: Timestamp,
) -> EvidenceView {
    super::weighed(world, wrong, Gathered { evidence, kept: &KeptRanges::Begins }, now)
}

#[test]
fn a_single_primary_pod_that_is_not_ready_can_be_compared_with_nobody() {
    let mut world = world();
    let mut seen = at_rest();
    primary(&mut seen).workload = workload(PROMOTED, 1);
    world.primary = seen.primary;
    world.canary = Some(workload(NEXT, 1));
    assert!(primary_healthy(&world));
    pods_of(&mut world).ready = 0;
    assert!(!primary_healthy(&world), "an outage of both");
    pods_of(&mut world).replicas = 0;
    assert!(primary_healthy(&world), "the canary is the only copy");
}

/// A group of one canary member, read at this moment.
fn seen(at: Timestamp) -> RolloutEvidence {
    let name = Name::new("shop", "orders");
    let mut evidence = RolloutEvidence::new(10_000, Traces::default().recorder(&name));
    let at = at.as_millisecond();
    let state = GroupState::Stable;
    let (members, partitions) = (vec![], vec![]);
    let snapshot =
        GroupSnapshot { at, state, assignor: String::new(), epoch: 1, members, partitions };
    let members = MemberCount { canary: 1, canary_pods: 1, ..MemberCount::default() };
    let group = GroupObservation { state, epoch: 1, members, partitions: vec![] };
    let now = Timestamp::from_millisecond(at).expect("a time");
    evidence.observe(Arc::new(Ok(snapshot)), now, vec![], Some(group));
    evidence
}

#[test]
fn without_a_watch_of_the_pods_nobody_is_known_to_have_joined_and_nothing_is_delivered() {
    let (mut world, now) = (world(), Timestamp::from_second(1_000).expect("a time"));
    world.canary = Some(workload(NEXT, 1));
    let view = weighed(&world, None, &mut seen(now), now);
    assert_eq!((view.membership, view.delivery), (Membership::Settled, Delivery::Answered));
    world.pods_unseen_for = Some(5_000);
    let view = weighed(&world, None, &mut seen(now), now);
    assert_eq!((view.membership, view.delivery), (Membership::Unknown, Delivery::Silent));
    assert_eq!(view.evidence, Evidence::Inconclusive { delivered: false });
}

#[test]
fn kafka_streams_excuses_pods_that_run_and_none_that_something_keeps_from_running() {
    let (mut world, now) = (world(), Timestamp::from_second(1_000).expect("a time"));
    let mut evidence = seen(now);
    let (state, assignor) = (GroupState::Stable, "stream".to_owned());
    let (members, partitions) = (vec![], vec![]);
    let group = GroupSnapshot { at: 0, state, assignor, epoch: 1, members, partitions };
    evidence.streams.observe(&group, 2, now);
    let view = weighed(&world, None, &mut evidence, now);
    assert_eq!(view.streams.map(|it| it.since), Some(now));
    assert_eq!(observed(&world, &view).canary_blocked, Some(now));
    let (container, reason) = ("worker".to_owned(), "CrashLoopBackOff".to_owned());
    let trouble = Trouble::NotStarted { container, reason, words: String::new() };
    let (pod, role) = (Arc::from("orders-canary-0"), Role::Canary);
    world.pods.troubles.push(PodTrouble { pod, role, since: 0, trouble });
    let view = weighed(&world, None, &mut evidence, now);
    assert_eq!((view.streams, observed(&world, &view).canary_blocked), (None, None));
}

fn pods_of(world: &mut World) -> &mut siskin_decide::Workload {
    &mut world.primary.as_mut().expect("a primary").workload
}

#[test]
fn what_was_proven_promotes_nothing_while_a_source_is_silent_or_cannot_be_asked() {
    let settings = Settings {
        interval: 10_000,
        warm_up: 0,
        false_rollback_probability: 0.01,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    };
    let mut passed = Judge::new(settings, &Record::new(0)).assess(0, true);
    passed.verdict = Verdict::Pass;
    let evidence = |delivery| evidence(Some(&passed), None, &delivery);
    let held = Evidence::Inconclusive { delivered: false };
    assert_eq!(evidence(Delivery::Answered), Evidence::Pass);
    assert_eq!(evidence(Delivery::Silent), held);
    let gone = Concern::new("SecretMissing", "Secret orders-prometheus does not exist");
    assert_eq!(evidence(Delivery::CannotAsk(gone)), held);
}

/// A trial in its first step.
fn on_trial() -> World {
    let seen = progressing();
    World { state: seen.state, primary: seen.primary, canary: seen.canary, ..world() }
}

/// Pods of both roles; the canary's waits in a crash loop if it `crashes`.
fn pods(crashes: bool) -> Vec<PodObservation> {
    let pod = |name: &str, role, crash_loop| PodObservation {
        name: Arc::from(name),
        role,
        created: 0,
        ready: true,
        terminating: false,
        restarts: if crash_loop { 3 } else { 0 },
        oom_kills: 0,
        crash_loop,
        containers: Arc::default(),
        node: None,
        metrics: None,
    };
    let primary = pod("orders-primary-0", Role::Primary, false);
    vec![primary, pod("orders-canary-0", Role::Canary, crashes)]
}

/// Evidence of three minutes in which the primary commits, and the canary has stopped to after the
/// first; it is asked about each sample.
fn stalled(world: &World) -> (RolloutEvidence, Timestamp) {
    let name = Name::new("shop", "orders");
    let mut evidence = RolloutEvidence::new(10_000, Traces::default().recorder(&name));
    let mut now = Timestamp::UNIX_EPOCH;
    for step in 0..18_i64 {
        let owner = |pod: &str, role| Owner::Pod { name: Arc::from(pod), role };
        let row = |partition: i32| {
            let canary = partition == 3;
            PartitionObservation {
                topic: Arc::from("orders"),
                partition,
                owner: if canary {
                    owner("orders-canary-0", Role::Canary)
                } else {
                    owner("orders-primary-0", Role::Primary)
                },
                committed: Some(1_000 + 10 * if canary { step.min(6) } else { step }),
                log_start: Some(0),
                log_end: Some(1_000 + 10 * step),
            }
        };
        let (at, state) = (step * 10_000, GroupState::Stable);
        let members =
            MemberCount { primary: 1, canary: 1, canary_pods: 1, ..MemberCount::default() };
        let partitions = (0..4).map(row).collect();
        let group = GroupObservation { state, epoch: 1, members, partitions };
        let (members, partitions) = (vec![], vec![]);
        let snapshot =
            GroupSnapshot { at, state, assignor: String::new(), epoch: 1, members, partitions };
        now = Timestamp::from_millisecond(at).expect("a time");
        evidence.observe(Arc::new(Ok(snapshot)), now, pods(false), Some(group));
        weighed(world, None, &mut evidence, now);
    }
    (evidence, now)
}

/// What is left of a Fail while the pods are not seen, with what would be found otherwise.
fn suspicion(finding: Option<&Finding>) -> Option<&'static str> {
    match finding? {
        Finding::Doubt(Doubt::PodsUnseen { silent: 65_000, suspicion }) => {
            suspicion.as_deref().map(siskin_analysis::Fault::name)
        }
        Finding::Fault(_) | Finding::KeepsUp(_) | Finding::Doubt(_) => None,
    }
}

#[test]
fn a_fail_by_the_judge_does_not_stand_while_the_pods_are_not_seen_and_does_once_they_are() {
    let mut world = on_trial();
    let (mut evidence, now) = stalled(&world);
    assert_eq!(weighed(&world, None, &mut evidence, now).evidence, Evidence::GuardFailed);
    world.pods_unseen_for = Some(65_000);
    let view = weighed(&world, None, &mut evidence, now);
    assert_eq!(view.evidence, Evidence::Inconclusive { delivered: false });
    assert_eq!(suspicion(view.assessment.as_ref().map(|it| &it.finding)), Some("Stalled"));
    world.pods_unseen_for = None;
    assert_eq!(weighed(&world, None, &mut evidence, now).evidence, Evidence::GuardFailed);
}

#[test]
fn a_crash_of_pods_that_are_not_seen_any_more_rolls_nothing_back() {
    let (mut world, now) = (on_trial(), Timestamp::from_second(1_000).expect("a time"));
    world.pods.observations = pods(true);
    let found =
        |world: &World| [weighed(world, None, &mut seen(now), now), unsampled(world, None, now)];
    for view in found(&world) {
        assert_eq!(view.evidence, Evidence::GuardFailed);
    }
    world.pods_unseen_for = Some(65_000);
    for view in found(&world) {
        assert_eq!(view.evidence, Evidence::Inconclusive { delivered: false });
        assert_eq!(suspicion(view.guard.as_ref()), Some("CrashLoop"));
    }
}
