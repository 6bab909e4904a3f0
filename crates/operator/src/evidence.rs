//! Kafka and metrics asked, the judge fed: what the evidence says of a canary.
//! Writes nothing to the cluster.

pub mod definitions;
pub mod exporters;
pub mod meter;
pub mod neighbours;
pub mod preflight;
pub mod queries;
pub mod replay_ranges;
pub mod rollout_evidence;
pub mod sampling;
pub mod secrets;
pub mod sources;
pub mod weigh;
