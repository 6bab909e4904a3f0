//! Kubernetes read into a `World`: the rollout, its Deployments, frozen templates, pods.
//! Asks no source of evidence and writes nothing.

pub(crate) mod asked;
pub mod autoscalers;
mod by_target;
mod containers;
mod defaults;
pub mod doubt;
pub mod exports;
pub mod guarded;
pub mod index;
mod kept;
pub mod missing_pods;
mod novelty;
pub mod observer;
mod ownership;
pub mod parse;
pub mod pods;
pub mod troubles;
pub mod world;
