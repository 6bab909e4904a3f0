//! The process around the rollouts: election, gate, metrics, Events.
//! Knows no rollout's content.

pub mod events;
pub mod gate;
pub mod health;
pub mod lease;
pub mod metrics;
