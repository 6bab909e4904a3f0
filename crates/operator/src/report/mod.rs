//! What is told of a pass: Events, metrics and one log line, all from the transition.
//! Never fails a pass and never decides anything.

mod conditions;
mod status;
mod words;

use kube::Resource;
use siskin_analysis::Summary;
use siskin_analysis::observation::Role;
use siskin_api::{CommandOutcome, ReplayRange};

use crate::commands::Answer;
use crate::decide::{Effect, Plan, Rest, State};
use crate::events::{Announcement, Events, Kind};
use crate::metrics::Metrics;
use crate::observe::World;
use crate::record;

pub use conditions::{SOURCES_REACHABLE, phase_name};
pub use status::{facts_after, status};
pub use words::{cause_text, message};

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
        let (before, after) = (record::phase(from), record::phase(to));
        let step = words::current_step(to).map(|it| it.index + 1);
        let same_step = words::current_step(from).map(|it| it.index + 1) == step;
        let same_attempt = from.rollout() == to.rollout();
        let known = world.rollout.status.is_some();
        if before == after && same_step && same_attempt && known {
            return;
        }
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

    fn effects(&self, world: &World, plan: &Plan) {
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
                Effect::Primary { .. }
                    if differs(world, Role::Primary) && world.observed.state == plan.next =>
                {
                    let note =
                        format!("{target}-primary did not look as it should and was repaired");
                    self.announce(world, Kind::Normal, ("ChildRepaired", "primary".into()), &note);
                }
                Effect::Canary { .. }
                    if differs(world, Role::Canary) && world.observed.state == plan.next =>
                {
                    let note =
                        format!("{target}-canary did not look as it should and was repaired");
                    self.announce(world, Kind::Normal, ("ChildRepaired", "canary".into()), &note);
                }
                Effect::Bequeath => {
                    let note = format!(
                        "the template of {target} was not promoted: {target}-primary keeps serving and belongs to {target} now. Revert {target} in Git before the next sync, the guard is off"
                    );
                    self.announce(world, Kind::Warning, ("PrimaryLeft", target.clone()), &note);
                }
                Effect::Hold
                | Effect::SeedScale { .. }
                | Effect::Freeze { .. }
                | Effect::Refreeze { .. }
                | Effect::Primary { .. }
                | Effect::Canary { .. }
                | Effect::Target { .. }
                | Effect::Drain { .. }
                | Effect::Reject { .. }
                | Effect::Lift { .. }
                | Effect::MarkPromoted { .. }
                | Effect::RemoveChildren
                | Effect::Release => {}
            }
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

fn differs(world: &World, role: Role) -> bool {
    match role {
        Role::Primary => world.observed.primary.as_ref().is_some_and(|it| it.workload.differs),
        Role::Canary => world.observed.canary.as_ref().is_some_and(|it| it.differs),
    }
}
