//! I1 and I3, watched at every write of a count: computed from the cluster, not from `decide`.
//! Knows nothing of states.

use super::world::World;
use crate::observed::{Evidence, MoveOrder, Observed};
use crate::plan::{Effect, Plan};
use crate::revision::{Cause, Revision};
use crate::state::{Ending, State};

/// Consumers of all roles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Consumers {
    pub(super) specs: u32,
    ready: u32,
    /// Pods of the children, those included that are on their way out: all are members of the
    /// group.
    members: u32,
}

impl Consumers {
    pub(super) fn of(world: &World, seen: &Observed) -> Self {
        let cluster = &world.cluster;
        let facts = cluster.primary.as_ref().map(|it| &it.facts);
        let shares = facts.is_none_or(|it| !it.adopted || it.ending == Some(Ending::HandBack));
        let deployments = [
            cluster.target.as_ref().map(|it| (&it.deployment, shares)),
            cluster.primary.as_ref().map(|it| (&it.deployment, true)),
            cluster.canary.as_ref().map(|it| (it, !guard_failed(world, seen, it.named))),
        ];
        let mut counts = Self { specs: 0, ready: 0, members: 0 };
        for (it, counts_as_ready) in deployments.into_iter().flatten() {
            counts.specs += it.replicas;
            // A shrinking Deployment gives up unready pods first. What its status does not say yet
            // nobody can know.
            counts.ready += if counts_as_ready { it.counted.ready.min(it.replicas) } else { 0 };
        }
        // The target's own pods on their way out are not watched.
        let children = cluster.primary.iter().map(|it| &it.deployment).chain(&cluster.canary);
        counts.members = children.map(|it| it.replicas + it.workload(false).terminating).sum();
        counts
    }
}

/// Whether the canary's pods serve nobody, by what a guard says or has said of its revision.
fn guard_failed(world: &World, seen: &Observed, revision: Revision) -> bool {
    let mark = world.cluster.find(revision).and_then(|it| it.frozen.rejection);
    let leaves = matches!(seen.state, State::RollingBack(it)
        if it.cause == Cause::GuardFailed && it.id.revision == revision);
    seen.evidence == Evidence::GuardFailed
        || leaves
        || mark.is_some_and(|it| it.cause == Cause::GuardFailed)
}

/// The counts before an effect that may change them.
pub(super) fn before(world: &World, seen: &Observed, effect: &Effect) -> Option<Consumers> {
    match effect {
        Effect::Primary { .. }
        | Effect::Canary { .. }
        | Effect::Target { .. }
        | Effect::Drain { .. } => Some(Consumers::of(world, seen)),
        // Nobody wants consumers any more, or the target has taken all units; checked at the
        // release.
        Effect::RemoveChildren
        | Effect::AddFinalizer
        | Effect::SeedScale { .. }
        | Effect::Freeze { .. }
        | Effect::Refreeze { .. }
        | Effect::DropFieldOwnership
        | Effect::Reject { .. }
        | Effect::ClearRejection { .. }
        | Effect::MarkPromoted { .. }
        | Effect::OwnPrimaryByTarget
        | Effect::RemoveFinalizer => None,
    }
}

/// I1 and I3: what one write did to the counts.
pub(super) fn check(
    world: &World,
    seen: &Observed,
    plan: &Plan,
    effect: &Effect,
    before: Consumers,
) {
    let after = Consumers::of(world, seen);
    let total = believed_total(seen, plan);
    let own = seen.target.as_ref().map(|it| it.strategy);
    let own = own.or(seen.primary.as_ref().map(|it| it.strategy));
    let surge = match seen.strategy.order {
        MoveOrder::SurgeFirst => own.map_or(1, |it| it.surge(total).max(1)),
        MoveOrder::DrainFirst => 0,
    };
    let ceiling = seen.max_consumers.map_or(total + surge, |it| it.min(total + surge));
    if before.specs < after.specs && ceiling < after.specs {
        world.fail(&format!("I3: {effect:?} brings {before:?} to {after:?}, above {ceiling}"));
    }
    let grows = before.specs < after.specs && before.members < after.members;
    let fixed = seen.evidence != Evidence::GuardFailed
        && seen.state.step().is_some()
        && matches!(plan.next, State::Trial(_));
    if let Some(most) = seen.max_consumers.filter(|most| grows && fixed && *most < after.members) {
        world.fail(&format!("{effect:?} makes {after:?} of {before:?}, above {most} members"));
    }
    let own = own.map_or(0, |it| it.max_unavailable(total));
    let slack = if total < ceiling { own } else { own.max(1) };
    let at_once = matches!(plan.next, State::RollingBack(it) if it.cause.is_immediate());
    if after.ready < before.ready && after.ready + slack < total && !at_once {
        world.fail(&format!("I1: {effect:?} brings {before:?} to {after:?} at N = {total}"));
    }
}

/// N as the plan has it.
fn believed_total(seen: &Observed, plan: &Plan) -> u32 {
    let planned = plan.effects.iter().find_map(Effect::facts).map(|it| it.replicas);
    planned.or(seen.primary.as_ref().map(|it| it.facts.replicas)).unwrap_or(0)
}
