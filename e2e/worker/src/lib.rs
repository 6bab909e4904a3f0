//! The sample Kafka consumer of the test bed, with faults to order, and the load that it works on.
//! A test program: it may know nothing of Siskin, so that it stands for anybody's worker.

mod acknowledge;
mod clock;
mod fate;
mod ledger;
pub mod load;
mod membership;
pub mod metrics;
mod pace;
pub mod settings;
pub mod stop;
pub mod telemetry;
pub mod topics;
pub mod units;
pub mod verify;
pub mod work;
