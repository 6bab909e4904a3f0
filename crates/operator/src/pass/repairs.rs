//! Repairs of children: which writes are any, and which follow the last one of their child too soon.
//! Makes no write, and says nothing of those that move a rollout on.

use std::time::{Duration, Instant};

use siskin_analysis::observation::Role;
use siskin_decide::{Effect, Plan, State, WriteScope};

use crate::observe::world::World;
use crate::report::repairs::touched;
use crate::report::reporter::same_place;

/// The shortest time between two repairs of one child. Whatever changes it at every change is answered at
/// once the first time, then at this rate: at the speed of the watch two controllers that fight would
/// make and stop pods many times a second.
const REPAIR_AGAIN: Duration = Duration::from_secs(5);

/// Repairs of the children of a rollout that were made lately: at most one of each kind.
#[derive(Debug, Default)]
pub(super) struct Repairs(Vec<Repair>);

/// A repair that was made.
#[derive(Clone, Copy, Debug)]
struct Repair {
    kind: RepairKind,
    at: Instant,
}

/// What was repaired. A count may have to be put right before the template that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RepairKind {
    role: Role,
    scope: WriteScope,
}

/// Repairs that wait.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Postponed {
    pub(super) effects: Vec<Effect>,
    /// How long until the first of them may be made; `None` if none waits.
    pub(super) wait: Option<Duration>,
}

impl Repairs {
    /// Repairs of the plan that would follow the last one of their child too soon.
    pub(super) fn too_soon(&self, world: &World, plan: &Plan, now: Instant) -> Postponed {
        let mut postponed = Postponed::default();
        for effect in &plan.effects {
            let last = repair(world, plan, effect)
                .and_then(|kind| self.0.iter().find(|it| it.kind == kind));
            let left = |it: &Repair| REPAIR_AGAIN.checked_sub(now.duration_since(it.at));
            if let Some(left) = last.and_then(left) {
                postponed.effects.push(effect.clone());
                postponed.wait = Some(postponed.wait.map_or(left, |it| it.min(left)));
            }
        }
        postponed
    }

    /// Notes those repairs of the plan that were made.
    pub(super) fn note(&mut self, world: &World, plan: &Plan, made: &[Effect], now: Instant) {
        for kind in made.iter().filter_map(|it| repair(world, plan, it)) {
            self.0.retain(|it| it.kind != kind);
            self.0.push(Repair { kind, at: now });
        }
    }
}

/// What the effect repairs: a child that somebody touched while the rollout stays where it is.
///
/// Nothing is while a canary is given up, or the consumers go over to another Deployment: that never
/// waits.
fn repair(world: &World, plan: &Plan, effect: &Effect) -> Option<RepairKind> {
    match world.state {
        State::AtRest(_) | State::Trial(_) | State::Promoting(_) => {}
        State::Pending | State::Adopting | State::RollingBack(_) | State::Terminating(_) => {
            return None;
        }
    }
    let kind = match effect {
        Effect::Primary { scope, .. } => RepairKind { role: Role::Primary, scope: *scope },
        Effect::Canary { replicas, scope, .. } if canary_may_wait(world, plan, *replicas) => {
            RepairKind { role: Role::Canary, scope: *scope }
        }
        Effect::AddFinalizer
        | Effect::SeedScale { .. }
        | Effect::UnseedScale
        | Effect::TakeScale { .. }
        | Effect::GiveScale { .. }
        | Effect::Freeze { .. }
        | Effect::Refreeze { .. }
        | Effect::Canary { .. }
        | Effect::Target { .. }
        | Effect::Drain { .. }
        | Effect::DropFieldOwnership
        | Effect::Reject { .. }
        | Effect::ClearRejection { .. }
        | Effect::MarkPromoted { .. }
        | Effect::OwnPrimaryByTarget
        | Effect::RemoveChildren
        | Effect::RemoveFinalizer => return None,
    };
    let stays = same_place(&world.state, &plan.next);
    (stays && touched(world, kind.role).is_some()).then_some(kind)
}

/// Whether nothing relies on the canary having this count at once. Taking its last pods never waits, nor
/// does what makes room for primary, which grows in the same plan.
fn canary_may_wait(world: &World, plan: &Plan, replicas: u32) -> bool {
    // One that is gone is made empty, and filled afterwards.
    let Some(canary) = &world.canary else { return true };
    let writes_primary = plan.effects.iter().any(|it| matches!(it, Effect::Primary { .. }));
    0 < replicas && !(replicas < canary.replicas && writes_primary)
}
