//! What is told of a pass: Events, metrics and one log line, all from the transition.
//! Never fails a pass and never decides anything.

use kube::Resource;
use siskin_analysis::Summary;
use siskin_analysis::observation::Role;
use siskin_api::{CommandOutcome, ReplayRange};

use crate::commands::Answer;
use crate::observe::world::World;
use crate::persisted;
use crate::process::events::{Announcement, Events, Kind};
use crate::process::metrics::Metrics;
use crate::report::conditions::phase_name;
use crate::report::{repairs, words};
use crate::workloads::children::child_name;
use siskin_decide::{Effect, Plan, Rest, State};

/// Figures beside the verdict, read from the ledger once per pass.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Lag, throughput and shares.
    pub figures: Summary,
    /// The judge's accounts.
    pub accounts: Option<String>,
    /// Ranges of offsets that the canary consumed; whether some were left out.
    pub replay: Option<(Vec<ReplayRange>, bool)>,
}

/// Tells people.
#[derive(Clone)]
pub struct Reporter {
    events: Events,
    metrics: Metrics,
}

impl Reporter {
    /// Through these.
    #[must_use]
    pub const fn new(events: Events, metrics: Metrics) -> Self {
        Self { events, metrics }
    }

    /// What a plan that was applied has changed.
    pub fn report(&self, world: &World, plan: &Plan, answers: &[Answer]) {
        self.transition(world, plan);
        self.effects(world, plan);
        for answer in answers {
            let (kind, reason) = match answer.record.outcome {
                CommandOutcome::Consumed => (Kind::Normal, "CommandFollowed"),
                CommandOutcome::Stale => (Kind::Warning, "CommandStale"),
                CommandOutcome::Malformed => (Kind::Warning, "CommandMalformed"),
            };
            self.announce(world, kind, (reason, answer.record.value.clone()), &answer.note);
        }
    }

    fn transition(&self, world: &World, plan: &Plan) {
        let (from, to) = (&world.observed.state, &plan.next);
        let (before, after) = (persisted::phase(from), persisted::phase(to));
        if same_place(from, to) && world.rollout.status.is_some() {
            return;
        }
        let step = words::current_step(to).map(|it| it.index + 1);
        self.metrics.transition(after);
        if let Some(assessment) = &world.assessment {
            self.metrics.verdict(assessment.verdict);
        }
        let text = words::message(world, plan);
        let id = to.rollout().or(from.rollout()).map(|it| it.to_string()).unwrap_or_default();
        tracing::info!(
            rollout = %world.name, from = phase_name(before), to = phase_name(after),
            id, step, held = ?plan.held, note = text, "transition"
        );
        let kind = match to {
            State::RollingBack(_) | State::AtRest(Rest::Failed { .. }) => Kind::Warning,
            State::Adopting
            | State::AtRest(Rest::Initialized | Rest::Succeeded)
            | State::Trial(_)
            | State::Promoting(_)
            | State::Terminating(_) => Kind::Normal,
        };
        // What tells two announcements apart; the API server wants it filled.
        let step = step.map(|it| format!(" step {it}")).unwrap_or_default();
        let action = if id.is_empty() { "adoption".to_owned() } else { format!("{id}{step}") };
        self.announce(world, kind, (phase_name(after), action), &text);
    }

    /// What its effects alone have changed: those that were made of a plan that could not be ended.
    pub fn effects(&self, world: &World, plan: &Plan) {
        let target = &world.rollout.spec.target_ref.name;
        for effect in &plan.effects {
            match effect {
                Effect::Drain { noted }
                    if world.observed.primary.as_ref().is_some_and(|it| it.facts.adopted) =>
                {
                    let note = format!(
                        "{target} was set to {noted} replicas by someone else; its pods run as {target}-primary, so it was drained again"
                    );
                    self.announce(world, Kind::Normal, ("TargetDrained", noted.to_string()), &note);
                }
                Effect::Primary { .. } => self.repair(world, plan, Role::Primary),
                Effect::Canary { .. } => self.repair(world, plan, Role::Canary),
                Effect::OwnPrimaryByTarget => {
                    let note = format!(
                        "the template of {target} was not promoted: {target}-primary keeps serving and belongs to {target} now. Revert {target} in Git before the next sync, the guard is off"
                    );
                    self.announce(world, Kind::Warning, ("PrimaryLeft", target.clone()), &note);
                }
                Effect::AddFinalizer
                | Effect::SeedScale { .. }
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

    /// A child that was written without the rollout having moved on: somebody had touched it.
    fn repair(&self, world: &World, plan: &Plan, role: Role) {
        if !same_place(&world.observed.state, &plan.next) {
            return;
        }
        if let Some(touched) = repairs::touched(world, role) {
            let child = child_name(&world.rollout.spec.target_ref.name, role);
            let note = format!("{child} {touched}");
            self.announce(world, Kind::Normal, ("ChildRepaired", child), &note);
        }
    }

    fn announce(
        &self,
        world: &World,
        kind: Kind,
        (reason, action): (&'static str, String),
        note: &str,
    ) {
        let regarding = world.rollout.object_ref(&());
        let note = note.to_owned();
        self.events.publish(&regarding, Announcement { kind, reason, action, note });
    }
}

/// Whether nothing that people follow has changed: phase, step and attempt.
fn same_place(from: &State, to: &State) -> bool {
    let step = |state| words::current_step(state).map(|it| it.index);
    persisted::phase(from) == persisted::phase(to)
        && step(from) == step(to)
        && from.rollout() == to.rollout()
}
