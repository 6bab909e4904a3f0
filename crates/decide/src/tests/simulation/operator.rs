//! The operator's pass over the real `decide`: look, decide, write effects, write status last.
//! It may die before any write, meet other writers, or act as a leader that has lost its lease.

use jiff::{SignedDuration, Timestamp};

use super::cluster::{Status, View};
use super::counts;
use super::refusals::{self, Written};
use super::storm;
use super::watch;
use super::world::World;
use super::writes::{Failed, Fate, write};
use crate::plan::{Effect, Held, Plan};
use crate::state::State;
use crate::table::decide;

/// Rounds of one pass, as in production.
const MAX_ROUNDS: u32 = 8;

/// What nothing has happened to is looked at again this late, as in production.
const RESYNC: SignedDuration = SignedDuration::from_secs(300);

/// What the process knows beside the cluster.
#[derive(Debug, Default)]
pub(super) struct Operator {
    absent_since: Option<Timestamp>,
    /// When it first looked.
    begun: Option<Timestamp>,
    /// A new leader has not stamped the objects of this rollout yet.
    unstamped: bool,
    /// State and hold of the last decision.
    pub(super) last: Option<(State, Option<Held>)>,
    /// The last leader's unfinished business.
    old: Option<(View, Plan, u32)>,
    /// What the last look saw; `None` when it did not come to its end.
    looked: Option<Look>,
}

/// A look that has come to its end: another one like it would change nothing.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// Every write until then, by number.
    versions: u32,
    foreign: u32,
    /// When the plan asks for the next one.
    due: Timestamp,
}

impl Operator {
    pub(super) fn watched_since(&mut self, now: Timestamp) -> Timestamp {
        *self.begun.get_or_insert(now)
    }

    pub(super) fn absent_for(&mut self, absent: bool, now: Timestamp) -> SignedDuration {
        if !absent {
            self.absent_since = None;
            return SignedDuration::ZERO;
        }
        now.duration_since(*self.absent_since.get_or_insert(now))
    }
}

/// What brings a pass: somebody has written, a sample has come for an attempt, the plan's time has
/// come. A plan that asks for no look when one is due lets its world stand still for ever.
fn is_asked_for(world: &World) -> bool {
    let Some(look) = world.operator.looked else { return true };
    let rollout = world.cluster.rollout.as_ref();
    let sampled = rollout.is_some_and(|it| it.state().rollout().is_some());
    let written = (look.versions, look.foreign) != (world.cluster.versions, world.foreign);
    sampled || written || look.due <= world.now
}

/// One pass: rounds until nothing moves, something fails, or the process dies.
pub(super) fn pass(world: &mut World) {
    if !is_asked_for(world) {
        return;
    }
    world.operator.looked = None;
    for _ in 0..MAX_ROUNDS {
        world.remember();
        let Some(view) = world.view() else { return };
        let plan = decide(&view.seen, world.now);
        world.log(|| {
            let (state, held, effects) = (&view.seen.state, plan.held, &plan.effects);
            let counts = world.cluster.summary();
            format!(
                "{counts} {state:?}\n          -> {:?} {held:?}\n          {effects:?}",
                plan.next
            )
        });
        let rests = matches!(view.seen.state, State::AtRest(_)) && plan.effects.is_empty();
        if world.operator.unstamped && !rests {
            stamp(world);
            continue;
        }
        watch::plan(world, &view.seen, &plan);
        world.operator.last = Some((plan.next, plan.held));
        if world.profile.crashes && !world.calm && world.dice.one_in(40) && view.seen.finalizer {
            // This process freezes here, with its plan made; another one takes the lease.
            world.operator = Operator {
                unstamped: true,
                old: Some((view, plan, world.foreign)),
                ..Operator::default()
            };
            world.count("leader lost");
            return;
        }
        let moved = plan.next != view.seen.state;
        let foreign = world.foreign;
        let before = world.cluster.versions;
        if !carry_out(world, view, &plan, Since { foreign, old: false }) {
            return;
        }
        if !moved {
            let resync = world.now + RESYNC;
            let due = plan.wake.map_or(resync, |it| it.min(resync));
            // What this pass has written itself comes back by its watch.
            world.operator.looked = Some(Look { versions: before, foreign, due });
            return;
        }
    }
}

/// A new leader writes its epoch onto every object, before it decides on a rollout that is not at
/// rest and before its first write on any: each older resourceVersion is stale from then on.
fn stamp(world: &mut World) {
    world.operator.unstamped = false;
    let cluster = &mut world.cluster;
    let version = cluster.next_version();
    if let Some(it) = &mut cluster.rollout {
        it.version = version;
    }
    for it in [
        cluster.target.as_mut().map(|it| &mut it.deployment),
        cluster.primary.as_mut().map(|it| &mut it.deployment),
        cluster.canary.as_mut(),
    ]
    .into_iter()
    .flatten()
    {
        it.version = version;
    }
}

/// A leader that lost its lease wakes up and goes on where it stopped.
pub(super) fn old_leader(world: &mut World) {
    if world.dice.one_in(2) {
        return;
    }
    if let Some((view, plan, foreign)) = world.operator.old.take() {
        world.log(|| format!("an old leader wakes up: {:?}", plan.effects));
        let before = world.cluster.versions;
        carry_out(world, view, &plan, Since { foreign, old: true });
        if before != world.cluster.versions {
            world.count("old leader wrote");
        }
    }
}

/// From which moment a plan is.
#[derive(Clone, Copy)]
struct Since {
    /// What others had written when the view was taken.
    foreign: u32,
    /// Another process leads by now.
    old: bool,
}

/// Effects in order, status last. Whether everything was written. What is refused stops what needs it
/// and no more, as in production.
fn carry_out(world: &mut World, mut view: View, plan: &Plan, since: Since) -> bool {
    let Since { foreign, old } = since;
    let stormy = !world.calm;
    let brittle = stormy && world.profile.crashes && world.dice.one_in(5);
    let mut written = Written::default();
    for planned in &plan.effects {
        // Nothing fences an autoscaler from a leader that froze within the write itself.
        let points = matches!(planned, Effect::TakeScale { .. } | Effect::GiveScale { .. });
        if old && points {
            return false;
        }
        if brittle && world.dice.one_in(3) {
            world.operator.absent_since = None;
            world.count("crash before an effect");
            return false;
        }
        if stormy && world.profile.crashes && world.dice.one_in(60) {
            storm::strike(world);
        }
        let Some(effect) = plan.what_remains(&view.seen, planned, &written.missing) else {
            written.missing.push(planned.clone());
            continue;
        };
        if effect != *planned {
            written.missing.push(planned.clone());
        }
        let before = counts::before(world, &view.seen, &effect);
        let complaint = watch::effect(world, &view.seen, &effect);
        if world.refusals.refuses(&effect) {
            world.count("refused");
            written.refuse(effect);
            continue;
        }
        let fate = &mut Fate { dice: &mut world.dice, brittle };
        match write(&mut world.cluster, &mut view, &effect, fate) {
            Ok(()) => {}
            // Its template could not be frozen.
            Err(Failed::Impossible(_)) if !written.missing.is_empty() => {
                written.refuse(effect);
                continue;
            }
            Err(failed) => {
                lost(world, &effect, failed);
                return false;
            }
        }
        let by_others = effect == Effect::RemoveFinalizer && world.foreign != foreign;
        if let Some(complaint) = complaint.filter(|_| !by_others) {
            world.fail(&complaint);
        }
        watch::written(world, &view.seen, plan, &effect);
        world.memory.writes += u32::from(world.calm);
        if let Some(before) = before.filter(|_| world.foreign == foreign) {
            counts::check(world, &view.seen, plan, &effect, before);
        }
        written.made.push(effect);
    }
    refusals::check(world, &view.seen, plan, &written);
    if written.made.contains(&Effect::RemoveFinalizer) {
        world.count(watch::ending_name(plan));
        return true;
    }
    if brittle && world.dice.one_in(3) {
        world.count("crash before the status");
        return false;
    }
    let Written { made, missing, .. } = written;
    let whole = missing.is_empty();
    let carried = plan.clone().without(&view.seen, made, &missing, world.now);
    write_status(world, &view, &carried) && whole
}

/// A write that ends the pass.
fn lost(world: &mut World, effect: &Effect, failed: Failed) {
    match failed {
        Failed::Conflict => world.count("conflict"),
        Failed::Crash => world.count("crash within an effect"),
        Failed::Impossible(what) => world.fail(&format!("{effect:?} {what}")),
    }
}

fn write_status(world: &mut World, view: &View, plan: &Plan) -> bool {
    let facts = plan.effects.iter().rev().find_map(Effect::facts);
    let facts = facts.or(view.seen.primary.as_ref().map(|it| &it.facts));
    let status = Status {
        state: plan.next,
        total: facts.map(|it| it.replicas).or(view.seen.last_total),
        plan: plan.next.rollout().map(|_| view.seen.strategy.clone()),
    };
    let version = world.cluster.versions + 1;
    let Some(rollout) = &mut world.cluster.rollout else { return false };
    if rollout.version != view.versions.rollout {
        world.count("conflict");
        return false;
    }
    if rollout.status.as_ref() != Some(&status) {
        let from = rollout.state().phase();
        rollout.status = Some(status);
        (rollout.version, world.cluster.versions) = (version, version);
        watch::transition(world, from, plan);
    }
    true
}
