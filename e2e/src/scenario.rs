//! Scenarios: given a fleet on the test bed, when something happens, then this must follow, and all the while the
//! invariants hold. Speaks to the cluster as a user does; it knows no code of Siskin.
//!
//! Each scenario has a namespace, a topic, a consumer group and an operator process of its own, so that several run side
//! by side on one test bed. From its first moment on, every change in the namespace is written down (`event_log`), and
//! judged at its end (`invariants`). The demo and the measurements are of the same cast, with the operator as a pod.

pub mod alerts;
pub mod autoscaler;
mod brokers;
pub mod cases;
mod dump;
pub mod event_log;
mod fake;
pub(crate) mod fleet;
mod given;
pub mod history;
pub(crate) mod installed;
pub mod interrupt;
mod invariants;
pub mod java;
mod load;
pub mod objects;
mod offsets;
pub(crate) mod operator;
pub mod plugin;
mod policy;
mod proxy;
mod random;
mod recorded;
mod rollout;
mod run;
pub mod seen;
mod shipped;
mod stalls;
pub mod test_run;
mod then;
mod when;

pub use brokers::Placement;
pub use fake::FakePods;
pub(crate) use fake::run_members;
pub use fleet::Version;
pub(crate) use fleet::{Fleet, Workload};
pub(crate) use load::{Account, Load};
pub use offsets::Gaps;
pub use operator::Election;
pub use policy::Policy;
pub use proxy::Source;
pub use rollout::RolloutSpec;
pub use run::{ROLLOUT, Scenario, scenario, scenario_alone};
pub(crate) use then::{latest, phase};
