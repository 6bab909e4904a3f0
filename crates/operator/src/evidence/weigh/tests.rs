//! What evidence is worth while a source, or the watch of the pods, is silent. No source is asked.

use std::sync::Arc;

use siskin_analysis::observation::{GroupObservation, GroupState, MemberCount};
use siskin_analysis::{Judge, Record};
use siskin_kafka::GroupSnapshot;

use super::*;
use crate::apply::effects::tests::world;
use crate::traces::shelf::Traces;
use siskin_decide::testing::{NEXT, PROMOTED, at_rest, primary, workload};

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
    let snapshot = GroupSnapshot { at, state, epoch: 1, members, partitions };
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

fn pods_of(world: &mut World) -> &mut siskin_decide::Workload {
    &mut world.primary.as_mut().expect("a primary").workload
}

#[test]
fn what_was_proven_promotes_nothing_while_a_source_is_silent_or_cannot_be_asked() {
    let settings = Settings {
        interval: 10_000,
        warm_up: 0,
        false_rollback_probability: 0.01,
        user: Arc::default(),
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
