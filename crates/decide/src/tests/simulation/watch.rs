//! I2, I5, I7, I8 and the promises of a rollout, watched at every plan and every write.
//! Computed from what was observed, not from how `decide` came to its plan.

use std::sync::Arc;

use jiff::SignedDuration;

use super::autoscaling;
use super::cluster::trial_key;
use super::counts::{Consumers, is_immediate};
use super::refusals;
use super::world::World;
use super::{ends, health};
use crate::autoscaler::Autoscalers;
use crate::observed::{Evidence, Frozen, Observed, OnInconclusive, Takeover};
use crate::order::Order;
use crate::plan::{Effect, Held, Plan};
use crate::revision::Revision;
use crate::scene::Scene;
use crate::state::Phase;
use crate::state::{CurrentStep, Ending, Origin, PromotedBy, Promotion, Stage, State, Trial};
use crate::table::{decide, place};
use crate::tests::edges::is_declared;

/// What one effect may not do, whatever it was planned for: told before it is written, and held
/// against it only if the write is made.
pub(super) fn effect(world: &World, seen: &Observed, effect: &Effect) -> Option<String> {
    let rejected =
        |it: Revision| world.cluster.find(it).is_some_and(|it| it.frozen.rejection.is_some());
    match effect {
        Effect::Canary { revision, replicas, .. } => {
            let now = world.cluster.canary.as_ref().map_or(0, |it| it.replicas);
            let planned = seen.state.step().map_or(0, |it| it.canary);
            if now < *replicas && planned < *replicas {
                return Some(format!("I2: {effect:?}, but the step has {planned}"));
            }
            (now < *replicas && rejected(*revision))
                .then(|| format!("{effect:?} starts pods of a rejected revision"))
        }
        Effect::Primary { revision, facts, .. } => {
            let now = world.cluster.primary.as_ref();
            if now.is_none_or(|it| it.deployment.named != *revision) && rejected(*revision) {
                return Some(format!("{effect:?} gives primary a rejected revision"));
            }
            let removes = facts.ending == Some(Ending::Remove) && !world.cluster.doomed;
            let gone = world.memory.target_gone.map(|it| world.felt.duration_since(it));
            if removes && gone.is_none_or(|it| it < SignedDuration::from_secs(30)) {
                return Some("removed before the target was gone for long enough".to_owned());
            }
            let promoting = now.and_then(|it| it.facts.promoting).map(|it| it.revision);
            let promoted = now.and_then(|it| it.facts.promoted);
            let changes = promoted.is_some() && facts.promoted != promoted;
            if changes && facts.promoted != promoting {
                return Some(format!("{effect:?} promotes what was not being promoted"));
            }
            let recorded = matches!(seen.state, State::Promoting(_));
            (changes && !recorded).then(|| format!("{effect:?} leaves no entry in the history"))
        }
        Effect::RemoveFinalizer => release(world, seen),
        Effect::Target { replicas } => {
            let now = world.cluster.target.as_ref().map_or(0, |it| it.deployment.replicas);
            (now < *replicas && is_paused(world))
                .then(|| format!("{effect:?} relies on a paused target"))
                .or_else(|| autoscaling::moves(world, seen, effect))
        }
        Effect::Drain { .. } => autoscaling::moves(world, seen, effect),
        Effect::SeedScale { .. }
        | Effect::UnseedScale
        | Effect::TakeScale { .. }
        | Effect::GiveScale { .. } => autoscaling::points(world, seen, effect),
        Effect::AddFinalizer
        | Effect::Freeze { .. }
        | Effect::Refreeze { .. }
        | Effect::DropFieldOwnership
        | Effect::Reject { .. }
        | Effect::ClearRejection { .. }
        | Effect::MarkPromoted { .. }
        | Effect::OwnPrimaryByTarget
        | Effect::RemoveChildren => None,
    }
}

/// What changes both children restarts one after the other.
fn one_restart(world: &World, seen: &Observed, plan: &Plan) {
    let (Some(primary), Some(canary)) = (&seen.primary, &seen.canary) else { return };
    let both = primary.workload.differs && canary.differs && 0 < primary.workload.replicas;
    let writes = |role: fn(&Effect) -> bool| plan.effects.iter().any(role);
    let restarts = writes(|it| matches!(it, Effect::Primary { .. }))
        && writes(|it| matches!(it, Effect::Canary { replicas: 1.., .. }));
    let kept = plan
        .effects
        .iter()
        .any(|it| matches!(it, Effect::Canary { replicas, .. } if canary.replicas <= *replicas));
    if both && restarts && kept && 0 < canary.replicas {
        world.fail("both children restart at once");
    }
}

fn is_paused(world: &World) -> bool {
    world.cluster.target.as_ref().is_some_and(|it| it.deployment.paused)
}

/// A release leaves as many consumers as were wanted, wherever they are, and on nothing unproven.
fn release(world: &World, seen: &Observed) -> Option<String> {
    let primary = seen.primary.as_ref().filter(|it| it.facts.owner == seen.uid)?;
    let target = world.cluster.target.as_ref().filter(|_| !world.cluster.doomed)?;
    let units = target.deployment.replicas;
    let foreign = 0 < units && target.written != Some(units);
    let total = if foreign { units } else { primary.facts.replicas };
    // What was asked for a moment ago may be less.
    let asked = [seen.replicas, seen.max_consumers].into_iter().flatten();
    let total = asked.fold(total, u32::min);
    let counts = Consumers::of(world, seen);
    let known = world.cluster.primary.as_ref().map(|it| it.deployment.named);
    let template = known.is_none_or(|it| world.cluster.find(it).is_some());
    if counts.specs < total && template {
        return Some(format!("released with {counts:?} of {total}"));
    }
    let handed = world.cluster.primary.is_none() && 0 < total && primary.facts.adopted;
    let promoting = primary.facts.promoting.map(|it| it.revision);
    let known = [primary.facts.promoted, promoting].into_iter().flatten();
    let live = trial_key(target.deployment.made.from);
    let proven = known.map(trial_key).any(|it| it == live);
    let as_seen = seen.target.as_ref().is_some_and(|it| it.desired.trial == live);
    (handed && as_seen && !proven).then(|| "handed back what was never promoted".to_owned())
}

/// What a whole plan may not do, before any of it is written.
pub(super) fn plan(world: &mut World, seen: &Observed, plan: &Plan) {
    edge(world, seen, plan);
    world.memory.gave_up |= seen.evidence == Evidence::GuardFailed;
    if world.dice.one_in(64) && decide(seen, world.now) != *plan {
        world.fail("decides differently when asked again");
    }
    if let (State::Trial(_), State::RollingBack(it)) = (&seen.state, &plan.next)
        && is_immediate(it.cause)
    {
        world.memory.gave_up = true;
        ends::at_once(world, seen, plan, it.cause);
    }
    if let (State::Trial(_) | State::Promoting(_), State::RollingBack(it)) =
        (&seen.state, &plan.next)
    {
        ends::rollback(world, seen, plan, *it);
    }
    if let (State::Trial(it), Some(primary)) = (&plan.next, &seen.primary) {
        let written = plan.effects.iter().find_map(Effect::facts).unwrap_or(&primary.facts);
        if it.id.attempt != written.attempts {
            world.fail(&format!("{it:?} is not the attempt that was counted last"));
        }
        let begins = matches!(seen.state, State::AtRest(_));
        if begins && is_paused(world) {
            world.fail("a trial starts although the target is paused");
        }
        let alike = |other: &&Frozen| trial_key(other.revision) == trial_key(it.id.revision);
        let rejected = seen.frozen.iter().filter(alike).any(|it| it.rejection.is_some());
        if rejected && matches!(seen.state, State::AtRest(_)) {
            world.fail(&format!("{it:?} tries again what was rejected"));
        }
    }
    one_restart(world, seen, plan);
    autoscaling::plan(world, seen, plan);
    refusals::order(world, seen, plan);
    let removes = plan.effects.contains(&Effect::RemoveChildren);
    if removes && !plan.effects.contains(&Effect::RemoveFinalizer) {
        world.fail("I6: removes children that it would create again");
    }
    let begun = plan.effects.iter().find_map(Effect::facts).and_then(|it| it.promoting);
    let known = seen.primary.as_ref().and_then(|it| it.facts.promoting);
    if let Some(begun) = begun
        && Some(begun) != known
    {
        match plan.next {
            State::Promoting(it)
                if Takeover { revision: it.id.revision, promoted_by: it.promoted_by } == begun =>
            {
                promotion(world, seen, it);
            }
            State::Promoting(_)
            | State::Pending
            | State::Adopting
            | State::AtRest(_)
            | State::Trial(_)
            | State::RollingBack(_)
            | State::Terminating(_) => world.fail("I8: promotes outside of a promotion"),
        }
    }
    if let (State::Trial(trial), State::Trial(next)) = (&seen.state, &plan.next)
        && let (Some(step), Stage::Progressing(entered)) = (trial.stage.step(), next.stage)
        && trial.id == next.id
        && step.index < entered.index
        && !seen.orders.contains(&Order::PromoteStep(trial.id, step.index))
    {
        forward(world, seen, trial, step);
    }
}

/// I8: what a promotion may follow from.
fn promotion(world: &World, seen: &Observed, promotion: Promotion) {
    let id = promotion.id;
    if seen.target.is_none() || !seen.spec_valid || seen.suspended || seen.deleted_at.is_some() {
        world.fail("I8: promotes although nothing may move forward");
    }
    let ordered = |it| seen.orders.contains(&it);
    let allowed = match promotion.promoted_by {
        PromotedBy::Passed => {
            let (State::Trial(trial), Some(step)) = (&seen.state, seen.state.step()) else {
                world.fail("I8: passes without a step")
            };
            forward(world, seen, trial, step);
            trial.id == id && step.index + 1 == seen.strategy.steps.len()
        }
        PromotedBy::Commanded => {
            let last = seen.strategy.steps.len().saturating_sub(1);
            ordered(Order::PromoteFull(id))
                || ordered(Order::PromoteStep(id, last))
                || ordered(Order::Start(id))
        }
        PromotedBy::Inconclusive => seen.state.step().is_some_and(|step| {
            let plan = seen.strategy.steps[step.index];
            seen.evidence == Evidence::Inconclusive { delivered: true }
                && !world.outage
                && seen.strategy.on_inconclusive == OnInconclusive::Promote
                && plan.max_hold <= step.delivered.elapsed(world.now)
        }),
        PromotedBy::Bypass => {
            let asked = seen.target.as_ref().and_then(|it| it.bypass.as_ref());
            let spent = |it: &(Arc<str>, Revision)| Some(&it.0) == asked && it.1 != id.revision;
            let primary = seen.primary.as_ref().filter(|it| it.facts.owner == seen.uid);
            asked.is_some()
                && primary.is_some_and(|it| it.facts.bypass.as_ref() != asked)
                && !world.memory.bypassed.iter().any(spent)
        }
        PromotedBy::NoTrialNeeded => {
            let promoted = seen.primary.as_ref().and_then(|it| it.facts.promoted);
            promoted.is_some_and(|it| it.0 / 2 == id.revision.0 / 2)
        }
        PromotedBy::Resumed => false,
    };
    if !allowed {
        world.fail(&format!("I8: {promotion:?} has nothing to follow from"));
    }
}

/// A step is left by itself only after its hold, on a Pass, approved.
fn forward(world: &World, seen: &Observed, trial: &Trial, step: CurrentStep) {
    let plan = seen.strategy.steps[step.index];
    let key = (trial.id.attempt, step.index);
    let since = world.memory.steps.iter().find(|it| it.0 == key).map(|it| it.1);
    let held = since.map_or(SignedDuration::ZERO, |it| world.felt.duration_since(it));
    let approved = seen.orders.contains(&Order::Approve(trial.id, step.index));
    if held < plan.hold || seen.evidence != Evidence::Pass || (plan.approval && !approved) {
        world.fail(&format!("{trial:?} goes on after {held} of {}", plan.hold));
    }
}

/// I7, from where the facts say that the rollout is: the status itself may be behind.
fn edge(world: &mut World, seen: &Observed, plan: &Plan) {
    if plan.next == seen.state && plan.effects.is_empty() {
        return;
    }
    let placed = match &seen.primary {
        Some(primary) if seen.deleted_at.is_none() => {
            let scene = Scene::of(seen, primary, world.now);
            scene.promoted.map(|promoted| place(&scene, promoted))
        }
        Some(_) | None => None,
    };
    let (from, to) = (placed.unwrap_or(seen.state).phase(), plan.next.phase());
    if !is_declared(from, to) {
        world.fail(&format!("I7: {from:?} -> {to:?} is not declared"));
    }
    *world.tally.edges.entry((from, to)).or_default() += 1;
}

/// What the tally counts of a transition that was persisted.
pub(super) fn transition(world: &mut World, from: Phase, plan: &Plan) {
    let to = plan.next.phase();
    if from == to {
        return;
    }
    let begins = matches!((from, to), (_, Phase::Preparing))
        || (!matches!(from, Phase::Preparing | Phase::Paused) && to == Phase::Progressing);
    if let Some(id) = plan.next.rollout().filter(|_| begins) {
        let orders = world.cluster.rollout.iter().flat_map(|it| &it.orders);
        if orders.filter(|it| !matches!(it, Order::Start(_))).any(|it| it.rollout() == id) {
            world.fail("a command from before is heard by a new attempt");
        }
    }
    let name: &'static str = match &plan.next {
        State::Promoting(it) => it.promoted_by.into(),
        State::RollingBack(it) => it.cause.into(),
        State::Pending => "pending",
        State::Adopting => "adopting",
        State::AtRest(_) => "at rest",
        State::Trial(_) => "trial",
        State::Terminating(_) => "terminating",
    };
    world.count(name);
}

/// What a write that was made obliges to.
pub(super) fn written(world: &mut World, seen: &Observed, plan: &Plan, effect: &Effect) {
    if let (Effect::Reject { revision, rejection }, State::RollingBack(it)) = (effect, &plan.next) {
        world.memory.rejected.retain(|it| it.0 != *revision);
        let at_once = is_immediate(rejection.cause) && it.from == Origin::Trial;
        let allowed = if at_once { health::GONE_WITHIN } else { health::gone_one_by_one(world) };
        world.memory.rejected.push((*revision, world.age, allowed));
    }
    if let Effect::ClearRejection { revision, excused } = effect {
        world.memory.rejected.retain(|it| it.0 != *revision);
        let before = seen.frozen.iter().find(|it| it.revision == *revision);
        if excused.is_some() && before.is_some_and(|it| it.excused.is_some()) {
            world.fail("a version is excused for the second time");
        }
        if excused.is_some() {
            world.count("excused");
        }
    }
    if matches!(effect, Effect::MarkPromoted { .. } | Effect::RemoveChildren) {
        world.memory.rejected.clear();
    }
    if let (Effect::Primary { revision, facts, .. }, State::Promoting(it)) = (effect, &plan.next)
        && it.promoted_by == PromotedBy::Bypass
        && seen.primary.as_ref().is_some_and(|it| it.facts.promoting != facts.promoting)
        && let Some(reason) = seen.target.as_ref().and_then(|it| it.bypass.clone())
    {
        world.memory.bypassed.push((reason, *revision));
    }
    // Nobody could have filled up what runs a template that is nowhere.
    let lost = |world: &World| {
        let named = world.cluster.primary.as_ref().map(|it| it.deployment.named);
        named.is_some_and(|it| world.cluster.find(it).is_none())
    };
    world.memory.forced |= *effect == Effect::RemoveFinalizer && lost(world);
    autoscaling::count(world, seen, effect);
    let blind = seen.autoscalers == Autoscalers::Unknown;
    world.memory.blind |= *effect == Effect::RemoveFinalizer && blind;
    // From then on `/scale` is listened to, not the target.
    if matches!(effect, Effect::SeedScale { .. }) {
        world.memory.wish_by_rollout();
    }
}

/// How a release is counted.
pub(super) fn ending_name(plan: &Plan) -> &'static str {
    match (plan.held, plan.next) {
        (Some(Held::Overdue), _) => "released overdue",
        (_, State::Terminating(it)) if it.ending == Ending::HandBack => "handed back",
        (_, State::Terminating(it)) if it.ending == Ending::Remove => "removed",
        (_, _) => "left",
    }
}
