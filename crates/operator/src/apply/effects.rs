//! A plan applied: effects in their order, and on past those that are refused where nothing depends
//! on them. A crash between two repeats idempotent writes; none records a state not reached.

use jiff::Timestamp;
use siskin_analysis::observation::Role;
use siskin_decide::{Effect, Observed, Plan};

use crate::apply::deployments::ChildWrite;
use crate::apply::objects::Objects;
use crate::apply::writer::{ApplyFailed, Writer};
use crate::cluster::refusal::RefusalReason;
use crate::observe::doubt::Novelty;
use crate::observe::world::World;

/// What became of a plan: each of its effects was made, or refused, or waits for one that was.
#[derive(Debug, Default)]
pub struct Applied {
    /// Effects that were made, in the order of the plan. What was written stays written.
    pub made: Vec<Effect>,
    /// Effects that were refused, in that order. What depends on none of them was made all the same.
    pub refused: Vec<Refused>,
    /// Effects that wait, for a refused one mostly.
    pub waiting: Vec<Effect>,
    /// Why the pass ended halfway: somebody else wrote, the API server is away, or the lease ends.
    pub stopped: Option<ApplyFailed>,
    /// Somebody else's write that bookkeeping met: the pass goes to its end and looks again.
    pub(super) conflict: Option<ApplyFailed>,
    /// `resourceVersion` of the rollout after the last write to it.
    pub(super) rollout_version: Option<String>,
}

/// A write that the API server would not make.
#[derive(Debug)]
pub struct Refused {
    /// The effect.
    pub effect: Effect,
    /// Reason of a condition.
    pub reason: RefusalReason,
    /// What was tried, and the server's words.
    pub told: String,
}

impl Applied {
    /// Whether the finalizer was taken off: there may be nothing left to write a status to.
    pub(crate) fn is_released(&self) -> bool {
        self.made.contains(&Effect::RemoveFinalizer)
    }

    /// The plan as far as it was carried out, and the state that it has reached.
    pub(crate) fn carried_out(&self, plan: &Plan, seen: &Observed, now: Timestamp) -> Plan {
        let refused = self.refused.iter().map(|it| &it.effect).chain(&self.waiting);
        let refused: Vec<_> = refused.cloned().collect();
        plan.clone().without(seen, self.made.clone(), &refused, now)
    }

    /// Nothing, or why the pass ends here.
    pub(crate) fn finish(self) -> Result<(), ApplyFailed> {
        self.stopped.or(self.conflict).map_or(Ok(()), Err)
    }
}

impl Writer {
    /// Makes every effect of the plan, in order. One that is refused stops only those that need it;
    /// a conflict, or an API server that is away, stops the pass, unless it met mere bookkeeping.
    /// Those in `held_back` are not tried.
    pub(crate) async fn apply(
        &self,
        world: &World,
        seen: &Observed,
        plan: &Plan,
        held_back: &[Effect],
    ) -> Applied {
        let mut objects = Objects::of(self, world);
        let (mut applied, mut missing) = (Applied::default(), Vec::new());
        for planned in &plan.effects {
            let remains = plan.what_remains(seen, planned, &missing);
            let Some(effect) = remains.filter(|_| !held_back.contains(planned)) else {
                applied.waiting.push(planned.clone());
                missing.push(planned.clone());
                continue;
            };
            if effect != *planned {
                applied.waiting.push(planned.clone());
                missing.push(planned.clone());
            }
            let Err(error) = objects.make(&effect).await else {
                self.metrics.effect(&effect);
                applied.made.push(effect);
                continue;
            };
            missing.push(effect.clone());
            if let Some(failed) = applied.note(effect, error) {
                applied.stopped = Some(failed);
                break;
            }
        }
        objects.take_back().await;
        applied.rollout_version = objects.rollout.resource_version;
        applied
    }
}

impl Applied {
    /// Notes an effect that was not made; the error that ends the pass, if it does.
    fn note(&mut self, effect: Effect, error: ApplyFailed) -> Option<ApplyFailed> {
        let passed_over = effect.is_housekeeping() && !error.ends_the_pass();
        match error.refusal() {
            Some(reason) if reason != RefusalReason::Unanswered || passed_over => {
                self.refused.push(Refused { effect, reason, told: error.told() });
                None
            }
            // Somebody writes a mark at the same time: its own next write waits, no pod does.
            None if passed_over => {
                self.waiting.push(effect);
                self.conflict.get_or_insert(error);
                None
            }
            Some(_) | None => Some(error),
        }
    }
}

impl Objects<'_> {
    /// Deletes what was frozen as a new version and is not known to be one: what is frozen is never
    /// asked about again.
    async fn take_back(&self) {
        let Some(revision) = self.frozen else { return };
        if self.world.novelty().await != Novelty::New
            && let Err(error) = self.unfreeze(revision).await
        {
            tracing::warn!(%error, "a template that is no version of its own stays frozen");
        }
    }

    async fn make(&mut self, effect: &Effect) -> Result<(), ApplyFailed> {
        // A template is frozen while it is asked whether it is new; what follows waits for the answer.
        if self.frozen.is_some() {
            match self.world.novelty().await {
                Novelty::New => {}
                Novelty::Known => return Err(ApplyFailed::Gone("the new version")),
                Novelty::Unanswered => return Err(ApplyFailed::Gone("the answer of a dry run")),
            }
        }
        match effect {
            Effect::AddFinalizer => self.add_finalizer().await,
            Effect::SeedScale { replicas } => self.seed_scale(*replicas).await,
            Effect::UnseedScale => self.unseed_scale().await,
            Effect::TakeScale { scaler } => self.take_scale(scaler).await,
            Effect::GiveScale { scaler, to } => self.give_scale(scaler, *to).await,
            Effect::Freeze { revision, attempt } => self.freeze(*revision, *attempt).await,
            Effect::Refreeze { revision } => self.refreeze(*revision).await,
            Effect::Primary { revision, replicas, facts, scope } => {
                Box::pin(self.vouch(facts.promoting)).await?;
                let (revision, replicas, scope) = (*revision, *replicas, *scope);
                let role = Role::Primary;
                let write = ChildWrite { role, revision, replicas, facts: Some(facts), scope };
                self.write_child(write).await
            }
            Effect::Canary { revision, replicas, scope } => {
                let (revision, replicas, scope) = (*revision, *replicas, *scope);
                let role = Role::Canary;
                let write = ChildWrite { role, revision, replicas, facts: None, scope };
                self.write_child(write).await
            }
            Effect::Target { replicas } => self.write_target(*replicas).await,
            Effect::Drain { noted } => {
                self.writer.metrics.replicas_conflict();
                self.drain(*noted).await
            }
            Effect::DropFieldOwnership => self.drop_field_ownership().await,
            Effect::Reject { revision, rejection } => self.reject(*revision, *rejection).await,
            Effect::ClearRejection { revision, excused } => {
                self.clear_rejection(*revision, *excused).await
            }
            Effect::MarkPromoted { revision } => self.mark_promoted(*revision).await,
            Effect::OwnPrimaryByTarget => self.own_primary_by_target().await,
            Effect::RemoveChildren => self.remove_children().await,
            Effect::RemoveFinalizer => self.remove_finalizer().await,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
