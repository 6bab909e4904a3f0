//! Kubernetes read into a `World`: the rollout, its Deployments, frozen templates, pods.
//! Asks no source of evidence and writes nothing.

pub(crate) mod ahead;
pub(crate) mod asked;
mod autoscaled;
pub mod autoscalers;
mod by_target;
mod containers;
mod defaults;
pub mod doubt;
pub mod exports;
pub(crate) mod gone;
pub mod guarded;
pub mod index;
mod kept;
mod lanes;
pub mod missing_pods;
pub(crate) mod news;
mod novelty;
mod objects;
pub mod observer;
mod ownership;
pub mod parse;
pub mod pods;
pub mod scaling;
pub(crate) mod sight;
pub mod troubles;
mod vouched;
mod watched;
pub mod world;
