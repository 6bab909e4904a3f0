//! The sample Kafka consumer of the test bed, with faults to order, and the load that it works on.
//! A test program: it may know nothing of Siskin, so that it stands for anybody's worker.

pub mod fate;
pub mod metrics;
pub mod settings;
pub mod telemetry;
pub mod verify;
pub mod work;
