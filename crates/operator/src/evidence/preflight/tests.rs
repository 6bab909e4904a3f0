//! What keeps a trial from beginning, and when anybody asks. No source is asked here.

use std::net::IpAddr;
use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, GroupState, MemberCount, Millis, Owner, PartitionObservation, Role,
};
use siskin_decide::Observed;
use siskin_decide::testing::{
    NEXT, adopting, ask, at_rest, preparing, primary, progressing, promoting, rolling_back,
};
use siskin_kafka::Member;

use super::*;
use crate::apply::effects::tests::world;
use crate::name::Name;
use crate::traces::shelf::Traces;

/// Time between two samples.
const POLL: Millis = 5_000;

/// The world as `decide` sees it at a stage.
fn at(seen: Observed) -> World {
    let Observed { state, primary, target, canary, .. } = seen;
    World { state, target, primary, canary, ..world() }
}

/// Two minutes of a group of one primary member. Partition 1 stands still for as long if it is
/// `stuck`.
fn gathered(stuck: bool, members: &[Member]) -> (RolloutEvidence, Timestamp) {
    let name = Name::new("shop", "orders");
    let mut evidence = RolloutEvidence::new(POLL, Traces::default().recorder(&name));
    let mut now = Timestamp::UNIX_EPOCH;
    for step in 0..24 {
        let owner = || Owner::Pod { name: Arc::from("orders-primary-0"), role: Role::Primary };
        let row = |partition: i32| PartitionObservation {
            topic: Arc::from("orders"),
            partition,
            owner: owner(),
            committed: Some(if stuck && partition == 1 { 1_000 } else { 1_000 + 10 * step }),
            log_start: Some(0),
            log_end: Some(1_000 + 10 * step),
        };
        let at = step * POLL;
        let state = GroupState::Stable;
        let seen = MemberCount { primary: 1, ..MemberCount::default() };
        let partitions = (0..4).map(row).collect();
        let group = GroupObservation { state, epoch: 1, members: seen, partitions };
        let snapshot = GroupSnapshot {
            at,
            state,
            assignor: String::new(),
            epoch: 1,
            members: members.to_vec(),
            partitions: vec![],
        };
        now = Timestamp::from_millisecond(at).expect("a time");
        evidence.observe(Arc::new(Ok(snapshot)), now, vec![], Some(group));
    }
    (evidence, now)
}

fn reasons(world: &World, evidence: Option<&RolloutEvidence>, now: Timestamp) -> Vec<&'static str> {
    preflight(world, None, evidence, now).iter().map(|it| it.reason).collect()
}

fn with_news() -> Observed {
    let mut seen = at_rest();
    ask(&mut seen, NEXT);
    seen
}

/// Reads nothing of a record where its answer is not used: a thousand rollouts at rest are looked at.
#[test]
fn nobody_is_asked_but_before_a_trial() {
    let (evidence, now) = gathered(true, &[]);
    for idle in [at_rest(), adopting(), progressing(), promoting(), rolling_back()] {
        let mut world = at(idle);
        // Whatever is wrong, it is not what this stage waits for.
        world.pods_unseen_for = Some(1);
        assert_eq!(reasons(&world, None, now), [""; 0], "{:?}", world.state);
        assert_eq!(stuck(&world, &evidence), None, "{:?}", world.state);
    }
    for waiting in [preparing(), with_news()] {
        let world = at(waiting);
        assert_eq!(reasons(&world, None, now), ["NoObservation"], "{:?}", world.state);
        assert!(stuck(&world, &evidence).is_some(), "{:?}", world.state);
    }
}

#[test]
fn a_steady_primary_holds_nothing_back_and_one_that_is_not_says_why() {
    let (evidence, now) = gathered(false, &[]);
    assert_eq!(reasons(&at(preparing()), Some(&evidence), now), [""; 0]);
    let later = now + jiff::SignedDuration::from_mins(5);
    assert_eq!(reasons(&at(preparing()), Some(&evidence), later), ["NoObservation"]);
    let mut missing = preparing();
    primary(&mut missing).workload.ready = 3;
    assert_eq!(reasons(&at(missing), Some(&evidence), now), ["PrimaryUnavailable"]);
    let mut unseen = at(preparing());
    unseen.pods_unseen_for = Some(1);
    assert_eq!(reasons(&unseen, Some(&evidence), now), ["PodsUnseen"]);
}

#[test]
fn a_source_that_does_not_answer_is_told_instead_of_what_it_said_before() {
    let (evidence, now) = gathered(false, &[]);
    let gone = Concern::new("SecretMissing", "Secret orders-kafka does not exist");
    let found = preflight(&at(preparing()), Some(&gone), Some(&evidence), now);
    assert_eq!(found, [gone]);
}

/// Told, and no reason to hold a trial: the version may be what frees the partition.
#[test]
fn a_partition_that_stands_still_is_named_with_its_time_and_messages_and_holds_nothing_back() {
    let (evidence, now) = gathered(true, &[]);
    let world = at(preparing());
    let told = stuck(&world, &evidence).expect("one stands still");
    let expected =
        "nothing is committed on orders/1 since 1970-01-01T00:00:00Z (230 messages wait); a canary";
    assert!(told.contains(expected), "{told}");
    assert_eq!(reasons(&world, Some(&evidence), now), [""; 0]);
    let (moving, _) = gathered(false, &[]);
    assert_eq!(stuck(&world, &moving), None);
}

#[test]
fn a_static_member_whose_id_does_not_depend_on_the_pod_would_be_fenced() {
    let member = |instance_id: Option<&str>| Member {
        member_id: Arc::from("m-1"),
        // As Java makes it of the static id.
        client_id: format!("consumer-orders-{}", instance_id.unwrap_or("1")),
        instance_id: instance_id.map(str::to_owned),
        host: None,
        assignment: Vec::new(),
    };
    let found = |instance_id| {
        let (evidence, now) = gathered(false, &[member(instance_id)]);
        let mut world = at(preparing());
        world.pods.identities.push(PodIdentity {
            name: Arc::from("orders-primary-0"),
            ips: vec![IpAddr::from([10, 0, 0, 7])],
            host_network: false,
            node_ips: vec![],
            terminating: false,
            gone: false,
            ready: true,
            role: Some(Role::Primary),
        });
        reasons(&world, Some(&evidence), now)
    };
    assert_eq!(found(Some("worker")), ["StaticMemberClash"]);
    assert_eq!(found(Some("orders-primary-0-1")), [""; 0]);
    assert_eq!(found(Some("10.0.0.7")), [""; 0]);
    assert_eq!(found(None), [""; 0]);
}
