//! The rollout policy of Siskin: one pure function from what was observed to what is done next.
//! No IO, no clock, no Kubernetes and no Kafka: whatever it may know stands in [`Observed`].
//!
//! A rollout at rest whose target gets another template puts it on trial, frozen before any pod of
//! it exists:
//!
//! ```
//! use siskin_decide::testing::{NEXT, NOW, ask, at_rest};
//! use siskin_decide::{Effect, Phase, decide};
//!
//! let mut seen = at_rest();
//! assert_eq!(decide(&seen, NOW).effects, []);
//!
//! ask(&mut seen, NEXT);
//! let plan = decide(&seen, NOW);
//! assert_eq!(plan.next.phase(), Phase::Progressing);
//! assert!(plan.effects.contains(&Effect::Freeze { revision: NEXT, attempt: 1 }));
//! ```
//!
//! The state table, `docs/architecture/state-table.md`, has one file here for each state and one
//! table for each file; of its rows the first that holds wins. Tests hold page and code equal.

mod adoption;
mod autoscaler;
mod count;
mod ending;
mod moves;
mod observed;
mod order;
mod plan;
mod pointing;
mod promotion;
mod refusal;
mod rest;
mod revision;
mod rollback;
mod rolls;
mod scaling;
mod scene;
mod shape;
mod state;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transfer;
mod trial;

pub use autoscaler::{
    Answer, Autoscalers, Bar, Declined, InTheWay, Scaler, ScalerKind, ScalerName, Scales, Taken,
};
pub use count::canary_count;
pub use observed::{
    Desired, Evidence, Facts, Frozen, Membership, MoveOrder, Names, Observed, OnInconclusive,
    Preflight, Primary, Rejection, StepPlan, StepSize, Strategy, Takeover, Target, Uid, Workload,
};
pub use order::Order;
pub use plan::{Effect, Held, Plan, ScaleTo, WriteScope};
pub use revision::{Cause, NotA, Revision, RolloutId, TrialKey};
pub use scaling::in_the_way;
pub use shape::{DeploymentStrategy, Portion};
pub use state::{
    CurrentStep, Ending, Headway, Origin, Phase, PromotedBy, Promotion, Rest, Rollback, Stage,
    State, Stopwatch, Termination, Trial, Unbroken,
};
pub use table::decide;

#[cfg(test)]
mod tests;
