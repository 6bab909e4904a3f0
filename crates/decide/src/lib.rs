//! The rollout policy of Siskin: one pure function from what was seen to what to do next.
//! No IO, no clock, no Kubernetes, no Kafka: what it needs to know stands in `Observed`.

mod adoption;
mod count;
mod ending;
mod moves;
mod observed;
mod order;
mod plan;
mod promotion;
mod rest;
mod revision;
mod rollback;
mod scene;
mod state;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transfer;
mod trial;

pub use count::canary_count;
pub use observed::{
    Desired, Evidence, Facts, Frozen, Membership, MoveOrder, Names, Observed, OnInconclusive,
    Preflight, Primary, Rejection, StepPlan, StepSize, Strategy, Takeover, Target, Uid, Workload,
};
pub use order::Order;
pub use plan::{Effect, Held, Plan};
pub use revision::{Cause, NotA, Revision, RolloutId, TrialKey};
pub use state::{
    Ending, Origin, Phase, PromotedBy, Promotion, Rest, Rollback, Stage, State, Step, Stopwatch,
    Trial,
};
pub use table::decide;

#[cfg(test)]
mod tests;
