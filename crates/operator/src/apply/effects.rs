//! A plan applied: effects in their order, up to the first that is refused. A crash between two of
//! them repeats idempotent writes; it can never record a state that was not reached.

use siskin_analysis::observation::Role;
use siskin_decide::{Effect, Plan};

use crate::apply::deployments::ChildWrite;
use crate::apply::objects::Objects;
use crate::apply::writer::{ApplyFailed, Writer};
use crate::observe::world::World;

/// What became of a plan: each of its effects was made, or refused, or stood behind one that was.
#[derive(Debug)]
pub struct Applied {
    /// Effects that were made, in the order of the plan. What was written stays written.
    pub made: Vec<Effect>,
    /// The effect that was refused; none after it was tried.
    pub refused: Option<Refused>,
    /// `resourceVersion` of the rollout after the last write to it.
    pub(super) rollout_version: Option<String>,
}

/// An effect that was not made, or not known to be.
#[derive(Debug)]
pub struct Refused {
    /// The effect.
    pub effect: Effect,
    /// The reason.
    pub why: ApplyFailed,
}

impl Applied {
    /// Whether the finalizer was taken off: there may be nothing left to write a status to.
    pub(crate) fn is_released(&self) -> bool {
        self.made.contains(&Effect::RemoveFinalizer)
    }

    /// Nothing, or why an effect was refused.
    pub(crate) fn finish(self) -> Result<(), ApplyFailed> {
        self.refused.map_or(Ok(()), |it| Err(it.why))
    }
}

impl Writer {
    /// Makes every effect of the plan, in order, up to the first that is refused.
    pub(crate) async fn apply(&self, world: &World, plan: &Plan) -> Applied {
        let mut objects = Objects::of(self, world);
        let (mut made, mut refused) = (Vec::new(), None);
        for effect in plan.effects.iter().cloned() {
            if let Err(why) = objects.make(&effect).await {
                refused = Some(Refused { effect, why });
                break;
            }
            self.metrics.effect(&effect);
            made.push(effect);
        }
        Applied { made, refused, rollout_version: objects.rollout.resource_version }
    }
}

impl Objects<'_> {
    async fn make(&mut self, effect: &Effect) -> Result<(), ApplyFailed> {
        match effect {
            Effect::AddFinalizer => self.add_finalizer().await,
            Effect::SeedScale { replicas } => self.seed_scale(*replicas).await,
            Effect::Freeze { revision, attempt } => self.freeze(*revision, *attempt).await,
            Effect::Refreeze { revision } => self.refreeze(*revision).await,
            Effect::Primary { revision, replicas, facts } => {
                let (revision, replicas) = (*revision, *replicas);
                let role = Role::Primary;
                let write = ChildWrite { role, revision, replicas, facts: Some(facts) };
                self.write_child(write).await
            }
            Effect::Canary { revision, replicas } => {
                let (revision, replicas) = (*revision, *replicas);
                let write = ChildWrite { role: Role::Canary, revision, replicas, facts: None };
                self.write_child(write).await
            }
            Effect::Target { replicas } => self.write_target(*replicas).await,
            Effect::Drain { noted } => {
                self.writer.metrics.replicas_conflict();
                self.drain(*noted).await
            }
            Effect::DropFieldOwnership => self.drop_field_ownership().await,
            Effect::Reject { revision, rejection } => self.reject(*revision, *rejection).await,
            Effect::ClearRejection { revision } => self.clear_rejection(*revision).await,
            Effect::MarkPromoted { revision } => self.mark_promoted(*revision).await,
            Effect::OwnPrimaryByTarget => self.own_primary_by_target().await,
            Effect::RemoveChildren => self.remove_children().await,
            Effect::RemoveFinalizer => self.remove_finalizer().await,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
