//! The invariants, watched at every write: I1 to I8 of the architecture, and the promises of the
//! rollout. Computed from the cluster, not from `decide`.

use jiff::{SignedDuration, Timestamp};

use super::cluster::{Status, trial_key};
use super::edges::{Phase, is_declared};
use super::world::World;
use crate::decide::{
    Cause, Effect, Ending, Evidence, Facts, Held, MoveOrder, Observed, OnInconclusive, Order,
    Origin, Plan, PromotedBy, Promotion, Revision, Stage, State, Step, Trial, decide,
};

/// What has to be remembered to tell whether a promise was kept.
#[derive(Debug)]
pub(super) struct Memory {
    /// When the canary of (attempt, step) was first complete.
    steps: Vec<((u32, usize), Timestamp)>,
    /// When guards failed revisions on trial.
    pub(super) guard_failed: Vec<(Revision, Timestamp)>,
    /// N as its users last asked for it; `None` when they can't expect to be understood.
    pub(super) wish: Option<u32>,
    /// A status that a backup holds.
    pub(super) backup: Option<Status>,
    pub(super) lost_primary: bool,
    pub(super) lost_template: bool,
    /// There was a `maxConsumers` at some time.
    pub(super) ceiling: bool,
    /// A `CanaryRollout` was removed, or its children scaled, without its operator.
    pub(super) forced: bool,
    pub(super) calm_since: Option<Timestamp>,
    /// Writes in calm weather.
    pub(super) writes: u32,
}

impl Memory {
    pub(super) const fn new(total: u32) -> Self {
        Self {
            steps: Vec::new(),
            guard_failed: Vec::new(),
            wish: Some(total),
            backup: None,
            lost_primary: false,
            lost_template: false,
            ceiling: false,
            forced: false,
            calm_since: None,
            writes: 0,
        }
    }

    pub(super) fn complete(&mut self, step: (u32, usize), now: Timestamp) {
        if self.steps.iter().all(|it| it.0 != step) {
            self.steps.push((step, now));
        }
    }

    pub(super) fn wish_by_target(&mut self, count: u32) {
        self.wish = self.wish.map(|_| count);
    }

    /// What X asked for before and after can't be told apart any more.
    pub(super) const fn wish_by_rollout(&mut self) {
        self.wish = None;
    }
}

/// Consumers of all roles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    specs: u32,
    ready: u32,
}

impl Counts {
    pub(super) fn of(world: &World, seen: &Observed) -> Self {
        let cluster = &world.cluster;
        let facts = cluster.primary.as_ref().map(|it| &it.facts);
        let shares = facts.is_none_or(|it| !it.adopted || it.ending == Some(Ending::HandBack));
        let deployments = [
            cluster.target.as_ref().map(|it| (&it.deployment, shares)),
            cluster.primary.as_ref().map(|it| (&it.deployment, true)),
            cluster.canary.as_ref().map(|it| (it, !guard_failed(world, seen, it.named))),
        ];
        let mut counts = Self { specs: 0, ready: 0 };
        for (it, counts_as_ready) in deployments.into_iter().flatten() {
            counts.specs += it.replicas;
            // A shrinking Deployment gives up unready pods first. What its status does not say yet
            // nobody can know.
            counts.ready += if counts_as_ready { it.counted.ready.min(it.replicas) } else { 0 };
        }
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

/// I1, I2, I3: what one write did to the counts.
pub(super) fn counts(
    world: &World,
    (seen, plan): (&Observed, &Plan),
    effect: &Effect,
    before: Counts,
) {
    match effect {
        Effect::Primary { .. }
        | Effect::Canary { .. }
        | Effect::Target { .. }
        | Effect::Drain { .. } => {}
        // Nobody wants consumers any more, or X has taken all units; checked at the release.
        Effect::RemoveChildren
        | Effect::Hold
        | Effect::SeedScale { .. }
        | Effect::Freeze { .. }
        | Effect::Refreeze { .. }
        | Effect::Reject { .. }
        | Effect::Lift { .. }
        | Effect::MarkPromoted { .. }
        | Effect::Bequeath
        | Effect::Release => return,
    }
    let after = Counts::of(world, seen);
    let total = believed_total(seen, plan);
    let surge = match seen.strategy.order {
        MoveOrder::SurgeFirst => 1,
        MoveOrder::DrainFirst => 0,
    };
    let ceiling = seen.max_consumers.map_or(total + surge, |it| it.min(total + surge));
    if before.specs < after.specs && ceiling < after.specs {
        world.fail(&format!("I3: {effect:?} brings {before:?} to {after:?}, above {ceiling}"));
    }
    let own = seen.target.as_ref().map(|it| it.max_unavailable);
    let own = own.or(seen.primary.as_ref().map(|it| it.max_unavailable)).unwrap_or(0);
    let slack = if total < ceiling { own } else { own.max(1) };
    if after.ready < before.ready && after.ready + slack < total {
        world.fail(&format!("I1: {effect:?} brings {before:?} to {after:?} at N = {total}"));
    }
}

/// N as the plan has it.
fn believed_total(seen: &Observed, plan: &Plan) -> u32 {
    let planned = plan.effects.iter().find_map(facts_of).map(|it| it.replicas);
    planned.or(seen.primary.as_ref().map(|it| it.facts.replicas)).unwrap_or(0)
}

/// What one effect may not do, whatever it was planned for: told before it is written, and held
/// against it only if the write is made.
pub(super) fn effect(world: &World, seen: &Observed, effect: &Effect) -> Option<String> {
    let rejected =
        |it: Revision| world.cluster.find(it).is_some_and(|it| it.frozen.rejection.is_some());
    match effect {
        Effect::Canary { revision, replicas } => {
            let now = world.cluster.canary.as_ref().map_or(0, |it| it.replicas);
            let planned = step_of(seen).map_or(0, |(_, step)| step.canary);
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
            let promoting = now.and_then(|it| it.facts.promoting);
            let promoted = now.and_then(|it| it.facts.promoted);
            let changes = promoted.is_some() && facts.promoted != promoted;
            (changes && facts.promoted != promoting)
                .then(|| format!("{effect:?} promotes what was not being promoted"))
        }
        Effect::Release => release(world, seen),
        Effect::Hold
        | Effect::SeedScale { .. }
        | Effect::Freeze { .. }
        | Effect::Refreeze { .. }
        | Effect::Target { .. }
        | Effect::Drain { .. }
        | Effect::Reject { .. }
        | Effect::Lift { .. }
        | Effect::MarkPromoted { .. }
        | Effect::Bequeath
        | Effect::RemoveChildren => None,
    }
}

/// A release leaves as many consumers as were wanted, wherever they are, and on nothing unproven.
fn release(world: &World, seen: &Observed) -> Option<String> {
    let primary = seen.primary.as_ref().filter(|it| it.facts.owner == seen.uid)?;
    let target = world.cluster.target.as_ref()?;
    let units = target.deployment.replicas;
    let foreign = 0 < units && target.written != Some(units);
    let total = if foreign { units } else { primary.facts.replicas };
    // What was asked for a moment ago may be less.
    let asked = [seen.replicas, seen.max_consumers].into_iter().flatten();
    let total = asked.fold(total, u32::min);
    let counts = Counts::of(world, seen);
    let known = world.cluster.primary.as_ref().map(|it| it.deployment.named);
    let template = known.is_none_or(|it| world.cluster.find(it).is_some());
    if counts.specs < total && template {
        return Some(format!("released with {counts:?} of {total}"));
    }
    let handed = world.cluster.primary.is_none() && 0 < total && primary.facts.adopted;
    let known = [primary.facts.promoted, primary.facts.promoting].into_iter().flatten();
    let live = trial_key(target.deployment.template);
    let proven = known.map(trial_key).any(|it| it == live);
    let as_seen = seen.target.as_ref().is_some_and(|it| it.desired.trial == live);
    (handed && as_seen && !proven).then(|| "handed back what was never promoted".to_owned())
}

/// What a whole plan may not do, before any of it is written.
pub(super) fn plan(world: &mut World, seen: &Observed, plan: &Plan) {
    if world.dice.one_in(16) && decide(seen, world.now) != *plan {
        world.fail("decides differently when asked again");
    }
    if let (State::Trial(_), State::RollingBack(it)) = (&seen.state, &plan.next)
        && (it.cause, it.from) == (Cause::GuardFailed, Origin::Trial)
    {
        let gone = plan.effects.iter().any(|it| matches!(it, Effect::Canary { replicas: 0, .. }));
        if !gone && seen.canary.as_ref().is_some_and(|it| 0 < it.replicas) {
            world.fail("I5: a guard failed, and the canary is not removed at once");
        }
    }
    let begun = plan.effects.iter().find_map(facts_of).and_then(|it| it.promoting);
    let known = seen.primary.as_ref().and_then(|it| it.facts.promoting);
    if begun.is_some() && begun != known {
        match plan.next {
            State::Promoting(it) if Some(it.id.revision) == begun => promotion(world, seen, it),
            State::Promoting(_)
            | State::Adopting
            | State::AtRest(_)
            | State::Trial(_)
            | State::RollingBack(_)
            | State::Terminating(_) => world.fail("I8: promotes outside of a promotion"),
        }
    }
    if let (Some((trial, step)), State::Trial(next)) = (step_of(seen), &plan.next)
        && let Stage::Progressing(entered) = next.stage
        && trial.id == next.id
        && step.index < entered.index
    {
        let skipped = seen.orders.contains(&Order::PromoteStep(trial.id, step.index));
        forward(world, seen, (trial, step), skipped);
    }
}

/// I8: what a promotion may follow from.
fn promotion(world: &World, seen: &Observed, promotion: Promotion) {
    let id = promotion.id;
    if seen.target.is_none() || !seen.spec_valid || seen.suspended || seen.deleted_at.is_some() {
        world.fail("I8: promotes although nothing may move forward");
    }
    let ordered = |it| seen.orders.contains(&it);
    let allowed = match promotion.how {
        PromotedBy::Passed => {
            let Some((trial, step)) = step_of(seen) else {
                world.fail("I8: passes without a step")
            };
            forward(world, seen, (trial, step), false);
            trial.id == id && step.index + 1 == seen.strategy.steps.len()
        }
        PromotedBy::Commanded => {
            let last = seen.strategy.steps.len().saturating_sub(1);
            ordered(Order::PromoteFull(id))
                || ordered(Order::PromoteStep(id, last))
                || ordered(Order::Start(id))
        }
        PromotedBy::Inconclusive => step_of(seen).is_some_and(|(_, step)| {
            let plan = seen.strategy.steps[step.index];
            seen.evidence == Evidence::Inconclusive { delivered: true }
                && !world.outage
                && seen.strategy.on_inconclusive == OnInconclusive::Promote
                && plan.max_hold <= step.delivered.elapsed(world.now)
        }),
        PromotedBy::Bypass => {
            let asked = seen.target.as_ref().and_then(|it| it.bypass.as_ref());
            let primary = seen.primary.as_ref().filter(|it| it.facts.owner == seen.uid);
            asked.is_some() && primary.is_some_and(|it| it.facts.bypass.as_ref() != asked)
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
fn forward(world: &World, seen: &Observed, (trial, step): (Trial, Step), skipped: bool) {
    if skipped {
        return;
    }
    let plan = seen.strategy.steps[step.index];
    let key = (trial.id.attempt, step.index);
    let since = world.memory.steps.iter().find(|it| it.0 == key).map(|it| it.1);
    let held = since.map_or(SignedDuration::ZERO, |it| world.now.duration_since(it));
    let approved = seen.orders.contains(&Order::Approve(trial.id, step.index));
    if held < plan.hold || seen.evidence != Evidence::Pass || (plan.approval && !approved) {
        world.fail(&format!("{trial:?} goes on after {held} of {}", plan.hold));
    }
}

/// I7, and what the tally counts.
pub(super) fn transition(world: &mut World, from: Phase, plan: &Plan) {
    let to = Phase::of(&plan.next);
    if !is_declared(from, to) {
        world.fail(&format!("I7: {from:?} -> {to:?} is not declared"));
    }
    if from == to {
        return;
    }
    *world.tally.edges.entry((from, to)).or_default() += 1;
    let name: &'static str = match &plan.next {
        State::Promoting(it) => it.how.into(),
        State::RollingBack(it) => it.cause.into(),
        State::Adopting => "adopting",
        State::AtRest(_) => "at rest",
        State::Trial(_) => "trial",
        State::Terminating(_) => "terminating",
    };
    world.count(name);
}

/// What a write that was made obliges to.
pub(super) fn written(world: &mut World, plan: &Plan, effect: &Effect) {
    if let (Effect::Reject { revision, rejection }, State::RollingBack(it)) = (effect, &plan.next) {
        world.memory.guard_failed.retain(|it| it.0 != *revision);
        if (rejection.cause, it.from) == (Cause::GuardFailed, Origin::Trial) {
            world.memory.guard_failed.push((*revision, world.now));
        }
    }
    // From then on `/scale` is listened to, not X.
    if matches!(effect, Effect::SeedScale { .. }) {
        world.memory.wish_by_rollout();
    }
}

/// How a release is counted.
pub(super) fn ending_name(plan: &Plan) -> &'static str {
    match (plan.held, plan.next) {
        (Some(Held::Overdue), _) => "released overdue",
        (_, State::Terminating(Ending::HandBack)) => "handed back",
        (_, State::Terminating(Ending::Remove)) => "removed",
        (_, _) => "left",
    }
}

/// The facts that an effect writes.
pub(super) const fn facts_of(effect: &Effect) -> Option<&Facts> {
    match effect {
        Effect::Primary { facts, .. } => Some(facts),
        Effect::Hold
        | Effect::SeedScale { .. }
        | Effect::Freeze { .. }
        | Effect::Refreeze { .. }
        | Effect::Canary { .. }
        | Effect::Target { .. }
        | Effect::Drain { .. }
        | Effect::Reject { .. }
        | Effect::Lift { .. }
        | Effect::MarkPromoted { .. }
        | Effect::Bequeath
        | Effect::RemoveChildren
        | Effect::Release => None,
    }
}

fn step_of(seen: &Observed) -> Option<(Trial, Step)> {
    match seen.state {
        State::Trial(trial) => match trial.stage {
            Stage::Preparing(_) => None,
            Stage::Progressing(step) | Stage::Paused(step) => Some((trial, step)),
        },
        State::Adopting
        | State::AtRest(_)
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => None,
    }
}
