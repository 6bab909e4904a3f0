//! What is told of a pass: Events, metrics and one log line, all from the transition.
//! Never fails a pass and never decides anything.

use kube::Resource;
use siskin_analysis::observation::Role;
use siskin_api::CommandOutcome;
use siskin_decide::{Cause, Effect, Rest, RolloutId, State, WriteScope};

use crate::observe::world::World;
use crate::persisted;
use crate::process::events::{Announcement, EventKind, Events};
use crate::process::metrics::Metrics;
use crate::report::refusals::ToldRefusal;
use crate::report::repairs::{self, Touched};
use crate::report::round::Round;
use crate::report::{history, scaling, words};
use crate::workloads::children::child_name;

/// Tells people.
#[derive(Clone)]
pub struct Reporter {
    events: Events,
    metrics: Metrics,
}

impl Reporter {
    /// Publishes through `events`, counts in `metrics`.
    #[must_use]
    pub fn new(events: Events, metrics: Metrics) -> Self {
        metrics.endings().can_be(history::all_ends());
        Self { events, metrics }
    }

    /// Tells what a round has changed. Of one whose status is not written only what was made.
    pub(crate) fn tell(&self, round: &Round<'_>, is_recorded: bool) {
        self.refused(round.world, round.refusals);
        for missing in round.untold {
            let (kind, reason) = (EventKind::Warning, missing.reason);
            let (action, note) = (missing.key.clone(), missing.words.clone());
            self.announce(round.world, Announcement { kind, reason, action, note });
        }
        self.effects(round);
        if !is_recorded {
            return;
        }
        self.transition(round);
        for answer in round.answers {
            let (kind, reason) = match answer.record.outcome {
                CommandOutcome::Consumed => (EventKind::Normal, "CommandFollowed"),
                CommandOutcome::Stale => (EventKind::Warning, "CommandStale"),
                CommandOutcome::Malformed => (EventKind::Warning, "CommandMalformed"),
            };
            let action = answer.record.value.clone();
            self.announce(
                round.world,
                Announcement { kind, reason, action, note: answer.note.clone() },
            );
        }
    }

    /// Tells of refused writes: each once, and again at a low rate.
    pub(crate) fn refused(&self, world: &World, refusals: &[ToldRefusal]) {
        for refusal in refusals.iter().filter(|it| it.is_due) {
            let (reason, note) = (refusal.reason.into(), refusal.sentence());
            tracing::warn!(
                rollout = %world.name, write = refusal.what, reason, times = refusal.times, note,
                "a write was refused and is tried again"
            );
            let (kind, action) = (EventKind::Warning, refusal.what.to_owned());
            self.announce(world, Announcement { kind, reason, action, note });
        }
    }

    fn transition(&self, round: &Round<'_>) {
        let Round { world, evidence, plan, .. } = *round;
        let (from, to) = (&world.state, &plan.next);
        let before: &'static str = persisted::wire_phase(from).into();
        let after: &'static str = persisted::wire_phase(to).into();
        if same_place(from, to) && world.rollout.status.is_some() {
            return;
        }
        let step = to.step().map(|it| it.index + 1);
        self.metrics.transition(persisted::wire_phase(to));
        if let Some(assessment) = &evidence.assessment {
            self.metrics.verdict(assessment.verdict);
        }
        self.ends(round);
        let text = words::message(round);
        let id = to.rollout().or(from.rollout()).map(|it| it.to_string()).unwrap_or_default();
        tracing::info!(
            rollout = %world.name, from = before, to = after,
            id, step, held = ?plan.held, note = text, "transition"
        );
        let kind = match to {
            State::RollingBack(_) | State::AtRest(Rest::Failed { .. }) => EventKind::Warning,
            State::Pending
            | State::Adopting
            | State::AtRest(Rest::Initialized | Rest::Succeeded)
            | State::Trial(_)
            | State::Promoting(_)
            | State::Terminating(_) => EventKind::Normal,
        };
        // What tells two announcements apart; the API server wants it filled.
        let step = step.map(|it| format!(" step {it}")).unwrap_or_default();
        let action = if id.is_empty() { "adoption".to_owned() } else { format!("{id}{step}") };
        self.announce(world, Announcement { kind, reason: after, action, note: text });
    }

    /// Counts a rollout that is over, and a version that was found out.
    fn ends(&self, round: &Round<'_>) {
        if let Some((end, took)) = history::counted(round) {
            self.metrics.endings().ended(end, took);
        }
        let (before, next) = (&round.world.state, &round.plan.next);
        let found = |it: &State| matches!(it, State::RollingBack(it) if matches!(it.cause, Cause::GuardFailed | Cause::AnalysisFailed));
        if found(next) && !found(before) {
            self.metrics.endings().detected(history::since_started(round));
        }
    }

    /// Tells what effects alone have changed.
    fn effects(&self, round: &Round<'_>) {
        let world = round.world;
        if let Some(kept) = scaling::kept_drained(world, &round.applied.made) {
            self.announce(world, kept);
        }
        for effect in &round.applied.made {
            match effect {
                Effect::Drain { noted }
                    if world.primary.as_ref().is_some_and(|it| it.facts.adopted) =>
                {
                    self.announce(world, scaling::drained(world, *noted));
                }
                Effect::Primary { scope: WriteScope::Whole, .. } => {
                    self.repair(round, Role::Primary);
                }
                Effect::Canary { scope: WriteScope::Whole, .. } => {
                    self.repair(round, Role::Canary);
                }
                Effect::OwnPrimaryByTarget => {
                    let target = world.target_name();
                    let note = format!(
                        "the template of {target} was not promoted: {target}-primary keeps serving and belongs to {target} now. Revert {target} in Git before the next sync, the guard is off"
                    );
                    let (kind, action) = (EventKind::Warning, target.to_owned());
                    self.announce(
                        world,
                        Announcement { kind, reason: "PrimaryLeft", action, note },
                    );
                }
                Effect::ClearRejection { excused: Some(id), .. } => self.excuses(round, *id),
                Effect::TakeScale { scaler } if round.tells_of_take => {
                    self.announce(world, scaling::taken(world, scaler));
                }
                Effect::GiveScale { scaler, to } => {
                    self.announce(world, scaling::given_back(world, scaler, *to));
                }
                Effect::AddFinalizer
                | Effect::SeedScale { .. }
                | Effect::UnseedScale
                | Effect::TakeScale { .. }
                | Effect::Primary { .. }
                | Effect::Canary { .. }
                | Effect::Freeze { .. }
                | Effect::Refreeze { .. }
                | Effect::Target { .. }
                | Effect::Drain { .. }
                | Effect::DropFieldOwnership
                | Effect::Reject { .. }
                | Effect::ClearRejection { .. }
                | Effect::MarkPromoted { .. }
                | Effect::RemoveChildren
                | Effect::RemoveFinalizer => {}
            }
        }
    }

    /// Tells that an attempt was rolled back for what its data does, and is made again.
    fn excuses(&self, round: &Round<'_>, id: RolloutId) {
        let stayed = round.evidence.stayed.as_ref().map_or("", |it| &it.sentence);
        let note = format!(
            "{id} was rolled back for its data, not for its version: {stayed}. Its version is tried again, once"
        );
        let (kind, action) = (EventKind::Warning, id.to_string());
        self.announce(round.world, Announcement { kind, reason: "DataNotVersion", action, note });
    }

    /// Tells of a child that was written without the rollout having moved on: somebody had touched
    /// it.
    fn repair(&self, round: &Round<'_>, role: Role) {
        let Round { world, plan, .. } = *round;
        if !same_place(&world.state, &plan.next) {
            return;
        }
        if let Some(touched) = repairs::touched(world, role) {
            let child = child_name(world.target_name(), role);
            let note = repairs::sentence(touched, &child, world.target_name());
            let reason = "ChildRepaired";
            let kind = match touched {
                Touched::Gone | Touched::Changed => EventKind::Normal,
                Touched::Scaled => EventKind::Warning,
            };
            self.announce(world, Announcement { kind, reason, action: child, note });
        }
    }

    fn announce(&self, world: &World, announcement: Announcement) {
        self.events.publish(&world.rollout.object_ref(&()), announcement);
    }
}

/// Whether nothing that people follow has changed: phase, step and attempt.
pub(crate) fn same_place(from: &State, to: &State) -> bool {
    let step = |state: &State| state.step().map(|it| it.index);
    from.phase() == to.phase() && step(from) == step(to) && from.rollout() == to.rollout()
}
