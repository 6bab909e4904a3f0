//! The judge: observations of canary and primary in, a verdict with its reasons out.
//! Pure: no Kubernetes, no Kafka client, no runtime, no clock, no randomness.

pub mod observation;
