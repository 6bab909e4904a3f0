//! A plan made into writes, each conditional on the object that was read.
//! Decides nothing.

mod deployments;
mod revisions;
mod rollout;
pub mod writer;
