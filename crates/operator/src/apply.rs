//! A plan made into writes, each conditional on the object that was read.
//! Decides nothing.

mod deployments;
pub mod effects;
mod objects;
mod revisions;
mod rollout;
pub mod writer;
