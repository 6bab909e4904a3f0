//! I1 and I3, watched at every write of a count: computed from the cluster, not from `decide`.
//! Knows nothing of states.

use super::deployment::Deployment;
use super::refusals::Refusals;
use super::world::World;
use crate::observed::{Evidence, MoveOrder, Observed};
use crate::plan::{Effect, Held, Plan};
use crate::revision::{Cause, Revision};
use crate::state::{Ending, State};

/// Consumers of all roles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Consumers {
    pub(super) specs: u32,
    available: u32,
    /// Available pods that stay, whatever the controllers of Deployments that roll take away.
    kept: u32,
    /// Somebody has edited a child.
    by_hand: bool,
    /// Pods of the children, those included that are on their way out: all are members of the
    /// group.
    members: u32,
    /// Pods of any Deployment, by what is asked for and what still leaves.
    copies: u32,
}

impl Consumers {
    pub(super) fn of(world: &World, seen: &Observed) -> Self {
        let cluster = &world.cluster;
        let facts = cluster.primary.as_ref().map(|it| &it.facts);
        let shares = facts.is_none_or(|it| !it.adopted || it.ending == Some(Ending::HandBack));
        let deployments = [
            cluster.target.as_ref().map(|it| (&it.deployment, shares)),
            cluster.primary.as_ref().map(|it| (&it.deployment, true)),
            cluster.canary.as_ref().map(|it| (it, !is_given_up(world, seen, it.named))),
        ];
        let mut counts =
            Self { specs: 0, available: 0, kept: 0, by_hand: false, members: 0, copies: 0 };
        for (it, counts_as_ready) in deployments.into_iter().flatten() {
            counts.specs += it.replicas;
            counts.by_hand |= it.edited;
            // A shrinking Deployment gives up unready pods first. What its status does not say yet
            // nobody can know.
            if counts_as_ready {
                counts.available += it.counted.available.min(it.replicas);
                counts.kept += it.kept();
            }
        }
        let target = cluster.target.as_ref().map(|it| &it.deployment).filter(|_| shares);
        let all = target.into_iter().chain(cluster.primary.iter().map(|it| &it.deployment));
        counts.copies = all.chain(&cluster.canary).map(copies).sum();
        // The target's own pods on their way out are not watched.
        let children = cluster.primary.iter().map(|it| &it.deployment).chain(&cluster.canary);
        counts.members = children.map(|it| it.replicas + it.workload(false).terminating).sum();
        counts
    }
}

/// Pods that run now, or will when the write is followed.
fn copies(deployment: &Deployment) -> u32 {
    // What its status does not say yet nobody can know.
    deployment.replicas.max(deployment.counted.all) + deployment.counted.leaving
}

/// Whether pods of a version that ends for this go at once: what it does is worse than a group that
/// lacks them.
pub(super) const fn is_immediate(cause: Cause) -> bool {
    match cause {
        Cause::GuardFailed | Cause::AnalysisFailed | Cause::DeadlineExceeded | Cause::Aborted => {
            true
        }
        Cause::Inconclusive
        | Cause::Superseded
        | Cause::Reverted
        | Cause::Rejected
        | Cause::Resumed => false,
    }
}

/// Whether the canary's pods count as serving nobody: by what a guard says, by the mark of its
/// revision, or by the rollback under way.
fn is_given_up(world: &World, seen: &Observed, revision: Revision) -> bool {
    let mark = world.cluster.find(revision).and_then(|it| it.frozen.rejection);
    let leaves = matches!(seen.state, State::RollingBack(it)
        if is_immediate(it.cause) && it.id.revision == revision);
    seen.evidence == Evidence::GuardFailed
        || leaves
        || mark.is_some_and(|it| is_immediate(it.cause))
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
        | Effect::UnseedScale
        | Effect::TakeScale { .. }
        | Effect::GiveScale { .. }
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
    let shape = world.cluster.target.as_ref().map(|it| &it.deployment);
    let shape =
        shape.or(world.cluster.primary.as_ref().map(|it| &it.deployment)).map(|it| it.shape);
    let surge = match seen.strategy.order {
        MoveOrder::SurgeFirst => shape.map_or(1, |it| it.surge(total).max(1)),
        MoveOrder::DrainFirst => 0,
    };
    let ceiling = seen.max_consumers.map_or(total + surge, |it| it.min(total + surge));
    // A release that comes late fills up what is missing, beside what others have started.
    let late = plan.effects.contains(&Effect::RemoveFinalizer);
    // What a policy keeps from leaving stands beside.
    let kept = matches!(world.refusals, Refusals::Canary | Refusals::Target);
    if before.specs < after.specs && ceiling < after.specs && !late && !kept {
        world.fail(&format!("I3: {effect:?} brings {before:?} to {after:?}, above {ceiling}"));
    }
    let grows = before.specs < after.specs && before.members < after.members;
    let fixed = seen.evidence != Evidence::GuardFailed
        && seen.state.step().is_some()
        && matches!(plan.next, State::Trial(_));
    if let Some(most) = seen.max_consumers.filter(|most| grows && fixed && *most < after.members) {
        world.fail(&format!("{effect:?} makes {after:?} of {before:?}, above {most} members"));
    }
    let moves = match plan.next {
        State::Adopting => seen.target.is_some(),
        State::Terminating(it) => it.ending == Ending::HandBack,
        State::Trial(_) => seen.state.step().is_some(),
        // Elsewhere primary has N, whatever leaves: a Deployment that is scaled does not wait either.
        State::Pending | State::AtRest(_) | State::Promoting(_) | State::RollingBack(_) => false,
    };
    let doubles = before.specs < after.specs && total < after.copies;
    if world.profile.shape.never_surges() && doubles && moves {
        world
            .fail(&format!("two copies: {effect:?} brings {before:?} to {after:?} at N = {total}"));
    }
    let own = shape.map_or(0, |it| it.slack(total));
    let slack = if total < ceiling { own } else { own.max(1) };
    // Overdue, a canary that is stuck in its own restart goes at once, too.
    let at_once = matches!(plan.next, State::RollingBack(it) if is_immediate(it.cause))
        || plan.held == Some(Held::Overdue) && seen.state.step().is_none();
    if after.available < before.available && after.available + slack < total && !at_once {
        world.fail(&format!("I1: {effect:?} brings {before:?} to {after:?} at N = {total}"));
    }
    // How far a controller has got with what a hand gave it, its status says too late.
    let excused = at_once || late || before.by_hand;
    if after.kept < before.kept && after.kept + slack < total && !excused {
        world.fail(&format!("I1, kept: {effect:?} brings {before:?} to {after:?} at N = {total}"));
    }
}

/// N as the plan has it.
fn believed_total(seen: &Observed, plan: &Plan) -> u32 {
    let planned = plan.effects.iter().find_map(Effect::facts).map(|it| it.replicas);
    planned.or(seen.primary.as_ref().map(|it| it.facts.replicas)).unwrap_or(0)
}
