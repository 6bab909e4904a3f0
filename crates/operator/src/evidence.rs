//! Kafka and metrics asked, the judge fed: what the evidence says of a canary.
//! Writes nothing to the cluster.

pub mod after_rollback;
pub mod concern;

mod definitions;
mod exporters;
pub mod feeder;
mod kept_memory;
mod meter;
pub mod neighbors;
mod preflight;
mod queries;
pub mod replay_ranges;
pub mod rollout_evidence;
pub mod sampling;
mod secrets;
mod sources;
pub mod streams;
pub mod view;
pub mod weigh;
