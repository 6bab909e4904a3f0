//! What others do to a rollout: users, tools for Git, autoscalers, people with `kubectl edit`, and
//! failing machines. Plans nothing and checks nothing.

use std::sync::Arc;

use jiff::SignedDuration;

use super::cluster::Rollout;
use super::neighbors;
use super::profile::Profile;
use super::scalers;
use super::vandals;
use super::world::World;
use crate::observed::{MoveOrder, OnInconclusive, StepPlan, StepSize, Strategy};
use crate::order::Order;
use crate::revision::{Revision, RolloutId};
use crate::state::{Ending, Stage, State};
use siskin_simulation::random::Random;

/// A `CanaryRollout` is applied.
pub(super) fn create_rollout(world: &mut World) {
    let version = world.cluster.next_version();
    let strategy = strategy(&mut world.dice, &world.profile);
    // Without room, or a pod that may be missing, a large fleet moves by one pod in a minute.
    let narrow = world.profile.size <= 20 && world.dice.one_in(5);
    let max_consumers = narrow.then(|| 1 + world.dice.below(world.profile.size + 1));
    world.memory.ceiling |= max_consumers.is_some();
    world.cluster.rollout = Some(Rollout {
        uid: Arc::from(version.to_string()),
        version,
        finalizer: false,
        deleted_at: None,
        suspended: false,
        valid: true,
        replicas: None,
        max_consumers,
        strategy,
        orders: world.memory.orders.clone(),
        status: None,
    });
}

pub(super) fn strategy(dice: &mut Random, profile: &Profile) -> Strategy {
    let deadline = dice.pick(&[150, 300]);
    let any = dice.pick(&[MoveOrder::SurgeFirst, MoveOrder::DrainFirst]);
    let steps: Vec<_> = (0..=dice.below(3))
        .map(|_| {
            let hold = SignedDuration::from_secs(dice.pick(&[0, 20, 60]));
            let size = match dice.below(4) {
                0 => StepSize::Replicas(1 + dice.below(4)),
                _ => StepSize::Weight(1 + dice.below(99)),
            };
            StepPlan { size, hold, max_hold: hold * 3, approval: dice.one_in(8) }
        })
        .collect();
    Strategy {
        steps: steps.into(),
        // The default of a target that never runs two copies at once.
        order: if profile.shape.never_surges() { MoveOrder::DrainFirst } else { any },
        // Looks are up to a minute apart: no healthy pod takes five of them.
        progress_deadline: SignedDuration::from_secs(if profile.benign { 300 } else { deadline }),
        on_inconclusive: dice.pick(&[
            OnInconclusive::Pause,
            OnInconclusive::Promote,
            OnInconclusive::Rollback,
        ]),
    }
}

/// One event.
pub(super) fn strike(world: &mut World) {
    let Profile { scaling, vandals: wild, deletion, people, autoscaled, .. } = world.profile;
    let kinds = if autoscaled { 15 } else { 14 };
    match world.dice.below(kinds) {
        0..=2 => edit(world),
        3 if world.dice.one_in(3) => world.outage = !world.outage,
        4 | 5 if people => person(world),
        6 if scaling => scale(world),
        7 | 8 if wild => vandals::strike(world),
        9 if deletion => delete_or_create(world),
        10..=13 => neighbors::strike(world),
        14 if autoscaled => scalers::strike(world),
        _ => return,
    }
    world.foreign += 1;
}

/// The template of the target changes: to anything, and often back to what is known.
fn edit(world: &mut World) {
    let promoted = world.cluster.primary.as_ref().and_then(|it| it.facts.promoted);
    let rejected = world.cluster.frozen.iter().find(|it| it.frozen.rejection.is_some());
    let rejected = rejected.map(|it| it.frozen.revision);
    let anything = Revision(u64::from(world.dice.below(8)));
    let template = match world.dice.below(10) {
        0..=2 => promoted.unwrap_or(anything),
        3 => rejected.unwrap_or(anything),
        4 => promoted.map_or(anything, |it| Revision(it.0 ^ 1)),
        _ => anything,
    };
    let version = world.cluster.next_version();
    if let Some(it) = &mut world.cluster.target {
        it.deployment.give(template, version);
        it.deployment.named = template;
    }
    let facts = world.cluster.primary.as_ref().map(|it| &it.facts);
    let shares = facts.is_none_or(|it| !it.adopted || it.ending == Some(Ending::HandBack));
    world.memory.edited_while_shared |= shares;
    world.log(|| format!("the target's template is {template}"));
}

/// Counts, by every way there is.
fn scale(world: &mut World) {
    let count = world.dice.below(world.profile.size + 1);
    let version = world.cluster.next_version();
    match world.dice.below(6) {
        0..=2 => scale_target(world, count.max(1)),
        3 | 4 => {
            let replicas = world.dice.percent(70).then_some(count);
            if let Some(it) = &mut world.cluster.rollout {
                (it.replicas, it.version) = (replicas, version);
                world.memory.wish_by_rollout();
            }
            world.log(|| format!("spec.replicas is {replicas:?}"));
        }
        _ => {
            let narrow = world.profile.size <= 20 && world.dice.percent(60);
            let max_consumers = narrow.then_some(count.max(1));
            world.memory.ceiling |= max_consumers.is_some();
            if let Some(it) = &mut world.cluster.rollout {
                (it.max_consumers, it.version) = (max_consumers, version);
            }
            world.log(|| format!("maxConsumers is {max_consumers:?}"));
        }
    }
}

/// `kubectl scale`, or a tool for Git that applies its manifest.
pub(super) fn scale_target(world: &mut World, count: u32) {
    let version = world.cluster.next_version();
    let Some(it) = &mut world.cluster.target else { return };
    // What equals our own last count can't be told from it.
    if it.written == Some(count) {
        return;
    }
    it.deployment.scale(count, version);
    note_wish(world, count);
    world.log(|| format!("the target is scaled to {count}"));
}

/// The target's count is what users want, unless the `CanaryRollout` has one: then the target is
/// not listened to.
pub(super) fn note_wish(world: &mut World, count: u32) {
    // An autoscaler may have written any count: none is listened to, unless no unit has moved yet.
    if !world.cluster.scalers.is_empty() {
        return world.memory.wish_by_rollout();
    }
    let outranked = world.cluster.rollout.as_ref().is_some_and(|it| it.replicas.is_some());
    if outranked {
        world.memory.wish_by_rollout();
    } else {
        world.memory.wish_by_target(count);
    }
}

fn person(world: &mut World) {
    let order = order(world);
    let version = world.cluster.next_version();
    match world.dice.below(10) {
        0..=5 => {
            if let Some(it) = &mut world.cluster.rollout {
                // One annotation of each kind: a new value replaces the old one.
                it.orders
                    .retain(|old| std::mem::discriminant(old) != std::mem::discriminant(&order));
                it.orders.push(order);
                it.version = version;
                world.memory.orders.clone_from(&it.orders);
            }
            world.log(|| format!("a person says {order:?}"));
        }
        6 | 7 => {
            let reason = world.dice.percent(70).then(|| Arc::from(version.to_string()));
            if let Some(it) = &mut world.cluster.target {
                it.bypass.clone_from(&reason);
                it.deployment.version = version;
            }
            world.log(|| format!("bypass {reason:?}"));
        }
        8 => {
            if let Some(it) = &mut world.cluster.rollout {
                (it.suspended, it.version) = (!it.suspended, version);
            }
            world.log(|| "suspend or resume".into());
        }
        _ => {
            if let Some(it) = &mut world.cluster.rollout {
                (it.valid, it.version) = (!it.valid, version);
            }
            world.log(|| "the spec turns invalid, or valid".into());
        }
    }
}

/// A command for the attempt under way, the last rejection, the next attempt, or a stale one.
fn order(world: &mut World) -> Order {
    let state = world.cluster.rollout.as_ref().map(Rollout::state);
    let attempts = world.cluster.primary.as_ref().map_or(0, |it| it.facts.attempts);
    let live = world.cluster.target.as_ref().map_or(Revision(0), |it| it.deployment.made.from);
    let rejected = world.cluster.frozen.iter().find_map(|it| it.frozen.rejection);
    let dice = &mut world.dice;
    let current = state.and_then(|it| it.rollout());
    let old = RolloutId { revision: live, attempt: dice.below(attempts + 1) };
    let id = current.filter(|_| dice.percent(80)).unwrap_or(old);
    let index = match state {
        Some(State::Trial(trial)) => match trial.stage {
            Stage::Preparing(_) => 0,
            Stage::Progressing(step) | Stage::Paused(step) => step.index,
        },
        Some(
            State::Pending
            | State::Adopting
            | State::AtRest(_)
            | State::Promoting(_)
            | State::RollingBack(_)
            | State::Terminating(_),
        )
        | None => 0,
    };
    let index = if dice.percent(80) { index } else { dice.below(3) as usize };
    match dice.below(7) {
        0 => Order::Abort(id),
        1 => Order::Approve(id, index),
        2 => Order::PromoteStep(id, index),
        3 => Order::PromoteFull(id),
        4 => Order::Start(id),
        5 => Order::Start(RolloutId { revision: live, attempt: attempts + 1 }),
        _ => Order::Retry(rejected.map_or(old, |it| it.rollout)),
    }
}

fn delete_or_create(world: &mut World) {
    world.cluster.doomed |= world.dice.one_in(24);
    match &mut world.cluster.rollout {
        Some(it) if it.deleted_at.is_none() && world.dice.percent(70) => {
            it.deleted_at = Some(world.now);
            it.version = world.cluster.versions + 1;
            world.cluster.versions += 1;
            if !it.finalizer {
                world.cluster.rollout = None;
            }
            world.log(|| "the CanaryRollout is deleted".into());
        }
        // Its finalizer is taken off by hand.
        Some(_) if world.dice.one_in(6) => {
            world.cluster.rollout = None;
            world.memory.forced = true;
            world.log(|| "the CanaryRollout is removed by force".into());
        }
        Some(_) => {}
        None if world.cluster.doomed => {}
        None => {
            create_rollout(world);
            world.log(|| "a CanaryRollout is created".into());
        }
    }
}
