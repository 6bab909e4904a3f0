//! A plan made into writes, each conditional on the object that was read.
//! Decides nothing.

mod autoscalers;
mod deployments;
pub mod effects;
pub mod guard;
mod objects;
mod ranges;
mod revisions;
mod rollout;
pub mod writer;
