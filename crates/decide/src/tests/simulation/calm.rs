//! After the storm: everything is up again, people answer what they are asked, and each world must
//! come to rest. Breaks nothing.

use std::sync::Arc;

use jiff::SignedDuration;

use super::deployment::Deployment;
use super::operator::Operator;
use super::refusals::Refusals;
use super::scalers;
use super::storm;
use super::vandals;
use super::world::{Nature, World};
use crate::autoscaler::Scales;
use crate::observed::{Facts, Observed};
use crate::order::Order;
use crate::plan::Held;
use crate::revision::Revision;
use crate::scaling::in_the_way;
use crate::state::{Rest, Stage, State};
use crate::table::decide;

/// A rollout that writes more than this in calm weather undoes its own work.
const MAX_WRITES: u32 = 400;

/// How long people let a policy or a dead node stand.
const PATIENCE: SignedDuration = SignedDuration::from_mins(8);

/// A deletion makes progress or gives up: this is long enough for either at any N.
const LONGEST_DELETION: SignedDuration = SignedDuration::from_mins(60);

/// The weather clears: sources answer, specs are valid, nothing is suspended, the target is there,
/// or else nobody wants its rollout any more.
pub(super) fn clear_up(world: &mut World) {
    world.log(|| "calm".into());
    (world.outage, world.operator) = (false, Operator::default());
    world.blocked = None;
    if !world.refusals.spare_children() {
        world.refusals = Refusals::None;
    }
    let version = world.cluster.next_version();
    if let Some(it) = &mut world.cluster.target {
        (it.deployment.paused, it.deployment.version) = (false, version);
    }
    let wanted = world.cluster.rollout.is_some() && world.dice.percent(75);
    if world.cluster.target.is_none() && wanted {
        vandals::make_target(world);
    }
    let orphaned = world.cluster.target.is_none() || world.cluster.doomed;
    let now = world.now;
    let version = world.cluster.next_version();
    let Some(rollout) = &mut world.cluster.rollout else { return };
    (rollout.suspended, rollout.valid, rollout.version) = (false, true, version);
    if orphaned && rollout.deleted_at.is_none() {
        rollout.deleted_at = Some(now);
        if !rollout.finalizer {
            world.cluster.rollout = None;
        }
    }
}

/// People give what they are asked for, and mend what has to serve.
pub(super) fn person(world: &mut World) {
    heal(world);
    late(world);
    if world.memory.calm_since.is_some_and(|it| PATIENCE < world.age.duration_since(it)) {
        mend(world);
    }
    let Some((state, held)) = world.operator.last else { return };
    let Some(held) = held.filter(|_| world.dice.one_in(3)) else { return };
    let order = match (held, state) {
        (Held::ApprovalRequired | Held::Inconclusive, State::Trial(trial)) => match trial.stage {
            Stage::Preparing(_) => return,
            Stage::Progressing(step) | Stage::Paused(step) => match world.dice.below(4) {
                0 => Order::Abort(trial.id),
                1 => Order::PromoteFull(trial.id),
                2 => Order::PromoteStep(trial.id, step.index),
                _ => Order::Approve(trial.id, step.index),
            },
        },
        (Held::ScaledToZero, _) => return scale_up(world),
        (Held::TargetUnavailable, State::Pending | State::AtRest(_)) => {
            return storm::scale_target(world, 2);
        }
        (Held::PrimaryLost, _) => return ship_again(world),
        (_, _) => return,
    };
    let version = world.cluster.next_version();
    if let Some(it) = &mut world.cluster.rollout {
        it.orders.push(order);
        it.version = version;
    }
    world.log(|| format!("a person says {order:?}"));
}

/// Somebody repairs what no operator can: policies, dead nodes, two masters of one count.
fn mend(world: &mut World) {
    world.refusals = Refusals::None;
    scalers::mend(world);
    let cluster = &mut world.cluster;
    let all = [
        cluster.target.as_mut().map(|it| &mut it.deployment),
        cluster.primary.as_mut().map(|it| &mut it.deployment),
        cluster.canary.as_mut(),
    ];
    for it in all.into_iter().flatten() {
        it.release_leavers();
    }
}

/// What is promoted, or about to be, gets ready in the end; a version on trial need not.
fn heal(world: &mut World) {
    let facts = world.cluster.primary.as_ref().map(|it| &it.facts);
    let live = world.cluster.target.as_ref().map(|it| it.deployment.made.from);
    let serving = match facts {
        Some(it) if it.adopted => [it.promoted, it.promoting.map(|it| it.revision), None],
        Some(it) => [it.promoted, it.promoting.map(|it| it.revision), live],
        None => [live, None, None],
    };
    for Revision(index) in serving.into_iter().flatten() {
        let nature = &mut world.natures[usize::try_from(index).unwrap()];
        if *nature == Nature::Stuck {
            *nature = Nature::Good;
        }
    }
}

/// A deleted `CanaryRollout` is released, whatever stands in the way of a hand-back.
fn late(world: &mut World) {
    world.memory.calm_since.get_or_insert(world.age);
    let since = world.memory.calm_since.unwrap_or(world.age);
    let Some(rollout) = &world.cluster.rollout else { return };
    let Some(deleted_at) = rollout.deleted_at else { return };
    if LONGEST_DELETION < world.now.duration_since(deleted_at.max(since)) {
        world.fail("a deleted CanaryRollout is not released");
    }
}

fn scale_up(world: &mut World) {
    let version = world.cluster.next_version();
    world.memory.wish_by_rollout();
    if let Some(it) = &mut world.cluster.rollout {
        (it.replicas, it.version) = (Some(2), version);
    }
}

/// The promoted template is nowhere any more: the target is what there is, by hand.
fn ship_again(world: &mut World) {
    world.count("promoted template lost");
    let version = world.cluster.next_version();
    let lost = world.cluster.primary.is_none();
    let Some(target) = &mut world.cluster.target else { return };
    if lost {
        (target.noted, target.written) = (None, None);
        target.deployment.scale(2, version);
        world.memory.wish_by_rollout();
    } else {
        target.bypass = Some(Arc::from(version.to_string()));
        let fix = Revision((target.deployment.made.from.0 + 2) % 8);
        target.deployment.give(fix, version);
        target.deployment.named = fix;
    }
}

/// Whether nothing will happen any more.
pub(super) fn is_over(world: &mut World) -> bool {
    if MAX_WRITES < world.memory.writes {
        world.fail("writes without end");
    }
    let Some(rollout) = &world.cluster.rollout else { return true };
    let resting = matches!(
        world.operator.last,
        Some((State::AtRest(_), None | Some(Held::RevisionRejected | Held::AutoscalerOnTarget)))
    );
    // An autoscaler keeps nobody at rest from serving, but what was never adopted.
    if rollout.deleted_at.is_some() || !resting || world.cluster.primary.is_none() {
        return false;
    }
    let cluster = &world.cluster;
    let facts = cluster.primary.as_ref().map(|it| &it.facts);
    // One that was taken over works, or is given back.
    if facts.and_then(|it| it.scaled_by.as_ref()).is_some_and(|it| !it.answered) {
        return false;
    }
    let all = [
        cluster.target.as_ref().map(|it| &it.deployment),
        cluster.primary.as_ref().map(|it| &it.deployment),
        cluster.canary.as_ref(),
    ];
    if !all.into_iter().flatten().all(Deployment::is_calm) {
        return false;
    }
    let Some(view) = world.view() else { return false };
    let plan = decide(&view.seen, world.now);
    let told = [Held::RevisionRejected, Held::AutoscalerOnTarget];
    let settled = plan.held.is_none_or(|it| told.contains(&it));
    settled && plan.effects.is_empty() && plan.next == view.seen.state
}

/// What a world at rest must look like.
pub(super) fn inspect(world: &mut World) {
    let Some(view) = world.view() else { return gone(world) };
    let seen = &view.seen;
    let expect = |holds: bool, what: &str| {
        if !holds {
            world.fail(&format!("at rest, but {what}: {seen:?}"));
        }
    };
    let Some(primary) = &seen.primary else { world.fail("at rest without a primary") };
    let Some(target) = &seen.target else { world.fail("at rest without a target") };
    let facts = &primary.facts;
    let total = facts.replicas;
    expect(facts.adopted && facts.ending.is_none() && facts.owner == seen.uid, "not adopted");
    expect(seen.canary.as_ref().is_none_or(|it| it.replicas + it.ready == 0), "a canary is left");
    expect(target.workload.replicas == 0, "the target has pods");
    expect(!target.owned, "fields of the target are ours");
    expect(primary.workload.replicas == total && primary.workload.ready == total, "not at N");
    expect(primary.workload.revision == facts.promoted, "primary runs something else");
    let restarts = |it: &Deployment| it.made.restarts;
    let asked = world.cluster.target.as_ref().map(|it| restarts(&it.deployment));
    let done = world.cluster.primary.as_ref().map(|it| restarts(&it.deployment));
    expect(asked == done, "primary was not restarted");
    expect(facts.promoting.is_none(), "a promotion is open");
    let promoted = facts.promoted.and_then(|it| world.cluster.find(it));
    expect(promoted.is_some_and(|it| it.frozen.promoted), "the promoted revision is not marked");
    expect(promoted.is_some_and(|it| it.frozen.rejection.is_none()), "what runs is rejected");
    let desired = Some(target.desired.revision);
    let failed = matches!(seen.state, State::AtRest(Rest::Failed { .. }));
    expect((desired == facts.promoted) != failed, "the phase says something else");
    wish(world, seen, total);
    autoscaled(world, seen, facts);
    let state = match seen.state {
        State::AtRest(Rest::Initialized) => "ends Initialized",
        State::AtRest(Rest::Succeeded) => "ends Succeeded",
        State::AtRest(_)
        | State::Pending
        | State::Adopting
        | State::Trial(_)
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => "ends Failed",
    };
    world.count(state);
}

/// N is what its users asked for last, where they can expect to be understood.
fn wish(world: &World, seen: &Observed, total: u32) {
    let ceiling = |it: u32| seen.max_consumers.map_or(it, |max| it.min(max));
    // A hand-back under a ceiling gives the target no more than the ceiling allows.
    let lost = world.memory.lost_primary || (world.memory.ceiling && world.profile.deletion);
    let wish = seen.replicas.or(world.memory.wish.filter(|_| !lost));
    if wish.is_some_and(|it| ceiling(it) != total) {
        world.fail(&format!("N is {total}, but {wish:?} was asked for"));
    }
}

/// An autoscaler that can be taken over was, and a seed that nobody needs is gone.
fn autoscaled(world: &World, seen: &Observed, facts: &Facts) {
    let all = seen.autoscalers.all();
    let rivals = all.iter().filter(|it| matches!(it.scales, Scales::Target | Scales::Primary));
    if 0 < rivals.count() && in_the_way(&seen.autoscalers, Some(facts)).is_none() {
        world.fail(&format!("an autoscaler is left where it was: {all:?}"));
    }
    let scaled = all.iter().any(|it| it.scales == Scales::Rollout);
    if facts.seeded && !scaled && facts.scaled_by.is_none() {
        world.fail("the seed of spec.replicas is left");
    }
    if let Some(taken) = &facts.scaled_by
        && !all.iter().any(|it| it.name == taken.scaler && it.scales == Scales::Rollout)
    {
        world.fail(&format!("{taken:?} is not where it should be: {all:?}"));
    }
}

/// Without a `CanaryRollout` somebody still serves, where the target is wanted.
fn gone(world: &mut World) {
    let cluster = &world.cluster;
    let running = cluster.target.as_ref().map_or(0, |it| it.deployment.replicas)
        + cluster.primary.as_ref().map_or(0, |it| it.deployment.replicas)
        + cluster.canary.as_ref().map_or(0, |it| it.replicas);
    let excused = world.memory.lost_primary || world.memory.forced || world.profile.scaling;
    let excused = excused || cluster.doomed || world.profile.refusals;
    if cluster.target.is_some() && running == 0 && !excused {
        world.fail("nobody serves after the release");
    }
    if cluster.target.as_ref().is_some_and(|it| it.owned) && !excused {
        world.fail("fields of the target are ours after the release");
    }
    let lost = cluster.scalers.iter().find(|it| it.marked && it.scales == Scales::Rollout);
    // A target that is gone may be made anew.
    if let Some(lost) = lost.filter(|_| !excused && !world.memory.blind) {
        world.fail(&format!("{lost:?} scales what is gone"));
    }
    world.count("ends without a CanaryRollout");
}
