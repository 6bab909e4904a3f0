//! One rollout by the usual plan: two steps, each held until Siskin says Pass or holds too long.
//! Says when each step was left, and how it ended; what that means, `report` knows.

use crate::observed_group::ObservedGroup;
use crate::ours::{Ours, Sight};
use crate::scenario::Scenario;

/// A step of a plan, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct PlanStep {
    /// How long it is held at least.
    pub hold: i64,
    /// How long it is held at most; then the rollout is paused.
    pub most: i64,
}

/// The usual plan: `hold: 10m` and `hold: 30m`, `maxHold` three times as long.
pub const PLAN: [PlanStep; 2] =
    [PlanStep { hold: 600, most: 1_800 }, PlanStep { hold: 1_800, most: 5_400 }];

/// How a rollout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanEnd {
    /// All steps are left: promoted.
    Promoted,
    /// A step was held for as long as may be, with a doubt of this name.
    Paused(&'static str),
    /// Rolled back, by a signal or guard of this name.
    RolledBack(&'static str),
}

/// What one rollout gave.
#[derive(Clone, Debug)]
pub struct PlanOutcome {
    /// The seconds for which each step that was left was held.
    pub held: Vec<i64>,
    pub end: PlanEnd,
}

/// Runs one rollout with one seed, as Siskin with this sight would have it.
pub fn run(scenario: &Scenario, seed: u64, sight: Sight) -> PlanOutcome {
    let mut group = ObservedGroup::before_trial(scenario, seed);
    let mut ours = Ours::new(scenario, &group, sight);
    let mut held = Vec::new();
    let mut since = 0;
    while let Some(step) = PLAN.get(held.len()) {
        let mut look = group.next_look();
        ours.take(&mut look, group.now());
        let holds = group.now() - since;
        if let Some((_, reason)) = ours.fault {
            return PlanOutcome { held, end: PlanEnd::RolledBack(reason) };
        } else if ours.passes && holds >= step.hold {
            held.push(holds);
            since = group.now();
            group.world.next_step();
        } else if holds >= step.most {
            return PlanOutcome { held, end: PlanEnd::Paused(ours.finding) };
        }
    }
    PlanOutcome { held, end: PlanEnd::Promoted }
}
