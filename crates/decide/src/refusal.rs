//! What a refused effect leaves of the plan that it stood in: which effects may still be made, and
//! which state holds afterwards. Refuses nothing itself; the API server does.

use jiff::Timestamp;

use crate::observed::{Facts, Observed, Primary};
use crate::plan::{Effect, Held, Plan, WriteScope};
use crate::revision::{Revision, RolloutId};
use crate::scene::shares_target;
use crate::state::{CurrentStep, Stage, State, Trial};

impl Plan {
    /// What is still made of `effect` though those in `refused`, earlier ones of this plan, were not;
    /// nothing if it waits for one of them.
    ///
    /// What removes a canary, fills primary up or drains the target waits for no mark and no other
    /// bookkeeping. What makes more pods waits for the write that was to make room for them. A
    /// revision that can't be frozen is not begun, but primary is given its count.
    #[must_use]
    pub fn what_remains(
        &self,
        seen: &Observed,
        effect: &Effect,
        refused: &[Effect],
    ) -> Option<Effect> {
        // A deletion that is late waits for no autoscaler either.
        let late = self.held == Some(Held::Overdue);
        let counts = |it: &&Effect| !late || !matches!(it, Effect::GiveScale { .. });
        if !refused.iter().filter(counts).any(|it| needs(seen, effect, it)) {
            return Some(effect.clone());
        }
        let unfrozen = refused.iter().all(|it| !it.moves_pods());
        count_alone(seen.primary.as_ref()?, effect).filter(|_| unfrozen)
    }

    /// The plan as it was carried out: the effects made, and a state that they have reached.
    ///
    /// A state is reached without an effect that every look makes up for; it is not reached without
    /// a durable fact that it rests on. Where a count could not be written the clocks of a trial
    /// stand: what the cluster refuses is no fault of the version on trial.
    #[must_use]
    pub fn without(
        self,
        seen: &Observed,
        made: Vec<Effect>,
        refused: &[Effect],
        now: Timestamp,
    ) -> Self {
        let reached = !refused.iter().any(|it| self.rests_on(seen, it));
        let next = if reached { self.next } else { seen.state };
        let counts = |it: &Effect| matches!(it, Effect::Primary { .. } | Effect::Canary { .. });
        let stands = refused.iter().any(counts);
        Self { effects: made, next: if stands { standing(next, now) } else { next }, ..self }
    }

    /// What is left undone while an object refuses the mark of a new leader, so that a write of an
    /// older one may still reach it.
    ///
    /// A canary that is given up at once goes, primary is filled up, and the target is drained: each of
    /// these writes keeps older ones of the same object out by itself, and a late promotion is taken
    /// back for the mark of the rejection. Everything else relies on objects that it does not write.
    #[must_use]
    pub fn waits_for_fence(&self) -> Vec<Effect> {
        let given_up = match self.next {
            State::RollingBack(it) => it.cause.is_immediate(),
            State::Pending
            | State::Adopting
            | State::AtRest(_)
            | State::Trial(_)
            | State::Promoting(_)
            | State::Terminating(_) => false,
        };
        let goes = |it: &Effect| {
            let of_canary = matches!(
                it,
                Effect::Primary { .. } | Effect::Canary { .. } | Effect::Reject { .. }
            );
            matches!(it, Effect::Drain { .. }) || given_up && of_canary
        };
        self.effects.iter().filter(|it| !goes(it)).cloned().collect()
    }

    /// Whether `next` is true only once this effect was made. One that is not is planned again at
    /// every look until it is.
    fn rests_on(&self, seen: &Observed, refused: &Effect) -> bool {
        let first = seen.primary.is_none();
        let Some(live) = seen.primary.as_ref().map(|it| &it.facts) else { return first };
        let entered = self.next.rollout().filter(|it| seen.state.rollout() != Some(*it));
        match refused {
            Effect::Freeze { revision, attempt } => {
                entered == Some(RolloutId { revision: *revision, attempt: *attempt })
            }
            Effect::Primary { facts, .. } => {
                let durable = |it: &Facts| (it.adopted, it.promoted, it.promoting, it.ending);
                durable(facts) != durable(live)
                    || entered.is_some_and(|it| it.attempt == facts.attempts)
                        && facts.attempts != live.attempts
            }
            Effect::ClearRejection { .. } => true,
            Effect::AddFinalizer
            | Effect::SeedScale { .. }
            | Effect::UnseedScale
            | Effect::TakeScale { .. }
            | Effect::GiveScale { .. }
            | Effect::Refreeze { .. }
            | Effect::Canary { .. }
            | Effect::Target { .. }
            | Effect::Drain { .. }
            | Effect::DropFieldOwnership
            | Effect::Reject { .. }
            | Effect::MarkPromoted { .. }
            | Effect::OwnPrimaryByTarget
            | Effect::RemoveChildren
            | Effect::RemoveFinalizer => false,
        }
    }
}

/// Whether `effect` makes sense, and is safe, only once `refused` was made.
fn needs(seen: &Observed, effect: &Effect, refused: &Effect) -> bool {
    let first = seen.primary.is_none();
    match effect {
        Effect::Freeze { .. } => first && *refused == Effect::AddFinalizer,
        Effect::Primary { replicas, facts, .. } => match refused {
            Effect::AddFinalizer => first,
            Effect::Freeze { revision, attempt } => {
                first || begins(seen, facts, *revision, *attempt)
            }
            // Two copies of the same pods: one hands over before the other grows.
            Effect::Target { .. } | Effect::Drain { .. } => {
                let shared = seen.primary.as_ref().is_some_and(|it| shares_target(&it.facts));
                shared && counts(seen).primary < *replicas
            }
            Effect::SeedScale { .. }
            | Effect::UnseedScale
            | Effect::TakeScale { .. }
            | Effect::GiveScale { .. }
            | Effect::Refreeze { .. }
            | Effect::Primary { .. }
            | Effect::Canary { .. }
            | Effect::DropFieldOwnership
            | Effect::Reject { .. }
            | Effect::ClearRejection { .. }
            | Effect::MarkPromoted { .. }
            | Effect::OwnPrimaryByTarget
            | Effect::RemoveChildren
            | Effect::RemoveFinalizer => false,
        },
        Effect::Canary { replicas, .. } => counts(seen).canary < *replicas && refused.moves_pods(),
        Effect::Target { replicas } => counts(seen).target < *replicas && refused.moves_pods(),
        Effect::Reject { revision, .. } | Effect::ClearRejection { revision, .. } => {
            refused.freezes() == Some(*revision)
        }
        Effect::MarkPromoted { revision } => {
            let fact = refused.facts().is_some_and(|it| it.promoted == Some(*revision));
            fact || first && *refused == Effect::AddFinalizer
                || refused.freezes() == Some(*revision)
        }
        // One that reads no count does not work, and is given back for nothing.
        Effect::TakeScale { .. } => matches!(refused, Effect::SeedScale { .. }),
        // A target that comes back while they stand leaves them in charge, and their autoscaler with them.
        Effect::GiveScale { .. } => *refused == Effect::RemoveChildren,
        // With the children goes what would be scaled.
        Effect::RemoveChildren | Effect::OwnPrimaryByTarget => {
            refused.moves_pods() && *effect == Effect::RemoveChildren
                || matches!(refused, Effect::GiveScale { .. })
        }
        Effect::RemoveFinalizer => {
            let removes = matches!(refused, Effect::OwnPrimaryByTarget | Effect::RemoveChildren);
            removes || refused.moves_pods()
        }
        Effect::AddFinalizer
        | Effect::SeedScale { .. }
        | Effect::UnseedScale
        | Effect::Refreeze { .. }
        | Effect::Drain { .. }
        | Effect::DropFieldOwnership => false,
    }
}

/// Primary as it is, but for N and its own share of it.
fn count_alone(primary: &Primary, effect: &Effect) -> Option<Effect> {
    let Effect::Primary { replicas, facts: wanted, .. } = effect else { return None };
    let (live, revision) = (&primary.workload, primary.workload.revision?);
    let facts = Facts {
        replicas: wanted.replicas,
        target_replicas: wanted.target_replicas,
        ..primary.facts.clone()
    };
    let differs = live.replicas != *replicas || facts != primary.facts;
    let (replicas, scope) = (*replicas, WriteScope::CountOnly);
    differs.then_some(Effect::Primary { revision, replicas, facts, scope })
}

impl Effect {
    /// Whether it changes how many pods run, or which.
    #[must_use]
    pub const fn moves_pods(&self) -> bool {
        matches!(
            self,
            Self::Primary { .. } | Self::Canary { .. } | Self::Target { .. } | Self::Drain { .. }
        )
    }

    /// The revision that it freezes.
    const fn freezes(&self) -> Option<Revision> {
        let (Self::Freeze { revision, .. } | Self::Refreeze { revision }) = self else {
            return None;
        };
        Some(*revision)
    }
}

/// What the specs ask for now.
struct SpecCounts {
    primary: u32,
    canary: u32,
    target: u32,
}

fn counts(seen: &Observed) -> SpecCounts {
    SpecCounts {
        primary: seen.primary.as_ref().map_or(0, |it| it.workload.replicas),
        canary: seen.canary.as_ref().map_or(0, |it| it.replicas),
        target: seen.target.as_ref().map_or(0, |it| it.workload.replicas),
    }
}

/// Whether these facts are those of the attempt that this template was to be frozen for.
fn begins(seen: &Observed, facts: &Facts, revision: Revision, attempt: u32) -> bool {
    let live = seen.primary.as_ref().map(|it| &it.facts);
    let promotes = |it: &Facts| it.promoting.is_some_and(|it| it.revision == revision);
    let counted = facts.attempts == attempt && live.is_none_or(|it| it.attempts != attempt);
    counted || promotes(facts) && !live.is_some_and(promotes)
}

/// The state with every clock of a trial stopped.
fn standing(reached: State, now: Timestamp) -> State {
    let halted = |step: CurrentStep| CurrentStep {
        unsettled: step.unsettled.run(false, now),
        hold: step.hold.run(false, now),
        delivered: step.delivered.run(false, now),
        ..step
    };
    match reached {
        State::Trial(trial) => {
            let stage = match trial.stage {
                Stage::Preparing(waiting) => Stage::Preparing(waiting.run(false, now)),
                Stage::Progressing(step) => Stage::Progressing(halted(step)),
                Stage::Paused(step) => Stage::Paused(halted(step)),
            };
            State::Trial(Trial { stage, ..trial })
        }
        State::Pending
        | State::Adopting
        | State::AtRest(_)
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => reached,
    }
}
