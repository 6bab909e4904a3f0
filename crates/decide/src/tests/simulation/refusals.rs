//! A policy that refuses one kind of write, for as long as it stands, and what it may not stop.
//! What the operator makes of a refusal is its own; here is what must be made all the same.

use super::world::World;
use crate::observed::Observed;
use crate::plan::{Effect, Held, Plan};
use crate::state::State;
use siskin_simulation::random::Random;

/// Which writes are refused now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusals {
    None,
    /// Any write to `ControllerRevision`s: templates and marks.
    Templates,
    /// Only that of a mark.
    Marks,
    /// Any write to the `CanaryRollout` but its status.
    Rollout,
    /// Any write to the primary Deployment.
    Primary,
    /// Any write to the canary Deployment.
    Canary,
    /// Any write to the target.
    Target,
    /// Any write to an autoscaler.
    Autoscalers,
}

impl Refusals {
    pub(super) fn of(dice: &mut Random) -> Self {
        dice.pick(&[
            Self::None,
            Self::None,
            Self::Templates,
            Self::Templates,
            Self::Marks,
            Self::Rollout,
            Self::Primary,
            Self::Canary,
            Self::Target,
            Self::Autoscalers,
        ])
    }

    /// Whether this write is refused.
    pub(super) fn refuses(self, effect: &Effect) -> bool {
        match effect {
            Effect::AddFinalizer
            | Effect::SeedScale { .. }
            | Effect::UnseedScale
            | Effect::RemoveFinalizer => self == Self::Rollout,
            Effect::TakeScale { .. } | Effect::GiveScale { .. } => self == Self::Autoscalers,
            Effect::Freeze { .. } | Effect::Refreeze { .. } => self == Self::Templates,
            Effect::Reject { .. } | Effect::ClearRejection { .. } | Effect::MarkPromoted { .. } => {
                matches!(self, Self::Templates | Self::Marks)
            }
            Effect::Primary { .. } | Effect::OwnPrimaryByTarget => self == Self::Primary,
            Effect::Canary { .. } => self == Self::Canary,
            Effect::Target { .. } | Effect::Drain { .. } | Effect::DropFieldOwnership => {
                self == Self::Target
            }
            // Several objects; the first of them is the canary.
            Effect::RemoveChildren => {
                matches!(self, Self::Primary | Self::Canary | Self::Templates)
            }
        }
    }

    /// Whether the children can be written: then a bad version goes, whatever else is refused.
    pub(super) const fn spare_children(self) -> bool {
        match self {
            Self::Templates | Self::Marks | Self::Rollout | Self::Target | Self::Autoscalers => {
                true
            }
            Self::None | Self::Primary | Self::Canary => false,
        }
    }
}

/// What became of the effects of a plan.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) made: Vec<Effect>,
    /// Refused ones, and those that wait for one.
    pub(super) missing: Vec<Effect>,
    refused: Vec<Effect>,
}

impl Written {
    pub(super) fn refuse(&mut self, effect: Effect) {
        self.missing.push(effect.clone());
        self.refused.push(effect);
    }
}

/// No refusal stops what removes a canary or drains the target; one that counts no pods stops
/// nothing that gives primary its count either.
pub(super) fn check(world: &World, seen: &Observed, plan: &Plan, written: &Written) {
    autoscaler(world, seen, plan, written);
    let undoes = matches!(plan.next, State::RollingBack(_));
    let house_only = !written.refused.iter().any(Effect::moves_pods);
    let (primary, canary) = (seen.primary.as_ref(), seen.canary.as_ref());
    let grows = |count: u32| primary.is_some_and(|it| it.workload.replicas < count);
    for effect in &plan.effects {
        let is_safety = match effect {
            Effect::Drain { .. } => true,
            Effect::Canary { replicas, .. } => canary.is_some_and(|it| *replicas < it.replicas),
            Effect::Primary { replicas, .. } => undoes && house_only && grows(*replicas),
            Effect::AddFinalizer
            | Effect::SeedScale { .. }
            | Effect::UnseedScale
            | Effect::TakeScale { .. }
            | Effect::GiveScale { .. }
            | Effect::Freeze { .. }
            | Effect::Refreeze { .. }
            | Effect::Target { .. }
            | Effect::DropFieldOwnership
            | Effect::Reject { .. }
            | Effect::ClearRejection { .. }
            | Effect::MarkPromoted { .. }
            | Effect::OwnPrimaryByTarget
            | Effect::RemoveChildren
            | Effect::RemoveFinalizer => false,
        };
        let was_tried = written.made.contains(effect) || written.refused.contains(effect);
        if is_safety && !was_tried {
            world.fail(&format!("a refusal stops {effect:?}: {:?}", written.refused));
        }
    }
}

/// An autoscaler that could not be given back keeps what it scales, until the deletion is late, or where
/// nothing is left to be scaled.
fn autoscaler(world: &World, seen: &Observed, plan: &Plan, written: &Written) {
    let gives = |it: &Effect| matches!(it, Effect::GiveScale { .. });
    let is_late = plan.held == Some(Held::Overdue) || seen.target.is_none();
    let kept = written.refused.iter().any(gives) && !is_late;
    if kept && written.made.contains(&Effect::RemoveChildren) {
        world.fail("what an autoscaler scales goes before it is given back");
    }
    let only = !written.refused.is_empty() && written.refused.iter().all(gives);
    if only && is_late && !written.made.contains(&Effect::RemoveFinalizer) {
        world.fail("an autoscaler keeps a late deletion from its end");
    }
}

/// What keeps consumers safe comes before what only keeps the house: a process may die in between.
pub(super) fn order(world: &World, seen: &Observed, plan: &Plan) {
    let is_house = |it: &Effect| {
        matches!(
            it,
            Effect::AddFinalizer
                | Effect::SeedScale { .. }
                | Effect::UnseedScale
                | Effect::TakeScale { .. }
                | Effect::GiveScale { .. }
                | Effect::DropFieldOwnership
                | Effect::MarkPromoted { .. }
        )
    };
    let is_move = |it: &Effect| matches!(it, Effect::Primary { .. } | Effect::Canary { .. });
    let undoes = matches!(plan.next, State::RollingBack(_));
    let first = plan.effects.iter().position(is_house);
    let moves = plan.effects.iter().rposition(is_move).filter(|_| undoes);
    let drains = plan.effects.iter().position(|it| matches!(it, Effect::Drain { .. }));
    let late = |it: Option<usize>| it.zip(first).is_some_and(|(it, house)| house < it);
    // What is created is held before.
    if seen.primary.is_some() && (late(moves) || late(drains)) {
        world.fail(&format!("the house is kept before consumers are: {:?}", plan.effects));
    }
}
