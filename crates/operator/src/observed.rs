//! What `decide` may know, from what was read and what the evidence says. Pure.
//! The only place where the two come together: built once per round, and whole.

use jiff::Timestamp;
use kube::ResourceExt;
use siskin_analysis::observation::Role;
use siskin_api::annotations::FINALIZER;
use siskin_decide::{Observed, Preflight};

use crate::evidence::replay_ranges::ReplayView;
use crate::evidence::view::EvidenceView;
use crate::observe::world::World;

/// One consistent look at a rollout.
pub(crate) fn observed(world: &World, evidence: &EvidenceView) -> Observed {
    let rollout = &world.rollout;
    Observed {
        uid: world.uid.clone(),
        state: world.state,
        deleted_at: rollout.metadata.deletion_timestamp.as_ref().map(|it| it.0),
        namespace_terminating: world.namespace_terminating,
        finalizer: rollout.finalizers().iter().any(|it| it == FINALIZER),
        names: world.names,
        suspended: rollout.spec.suspend,
        spec_valid: world.spec_errors.is_empty(),
        replicas: count(rollout.spec.replicas),
        last_total: count(rollout.status.as_ref().and_then(|it| it.replicas)),
        max_consumers: count(rollout.spec.strategy.max_consumers),
        strategy: world.strategy.clone(),
        target: world.target.clone(),
        target_absent_for: world.target_absent_for,
        autoscalers: world.scaling.known.clone(),
        primary: world.primary.clone(),
        canary: world.canary.clone(),
        primary_blocked: world.blocked.primary.as_ref().map(|it| it.since),
        canary_blocked: canary_blocked(world, evidence),
        canary_uncounted: canary_uncounted(world),
        frozen: world.live.frozen.iter().map(|it| it.frozen.clone()).collect(),
        preflight: if evidence.concerns.is_empty() { Preflight::Passed } else { Preflight::Failed },
        membership: evidence.membership,
        canary_joined: evidence.canary_joined,
        evidence: evidence.evidence,
        fault_stayed: evidence.stayed.as_ref().map(|it| it.id),
        awaits_last_sample: evidence.replay.as_ref().is_some_and(ReplayView::is_open),
        watched_since: evidence.watched_since,
        unbroken: evidence.unbroken,
        first_look: world.first_look,
        orders: world.asked.iter().filter_map(|it| it.order).collect(),
    }
}

/// Since when the canary is kept for other reasons than its version's: the cluster's, or those of Kafka
/// Streams, which has members long before it serves.
fn canary_blocked(world: &World, evidence: &EvidenceView) -> Option<Timestamp> {
    let cluster = world.blocked.canary.as_ref().map(|it| it.since);
    cluster.or(evidence.streams.map(|it| it.since))
}

/// Whether the pods themselves are further than what their Deployment counts: that is written by controllers that may be
/// away for long, and no version's doing.
fn canary_uncounted(world: &World) -> bool {
    let counted = world.canary.as_ref().map_or(0, |it| it.ready);
    counted < world.pods.ready(Role::Canary)
}

fn count(value: Option<i32>) -> Option<u32> {
    value.and_then(|it| u32::try_from(it).ok())
}
