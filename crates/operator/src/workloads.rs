//! What the Deployments of a rollout should look like: pod templates and children.
//! Pure: reads and writes nothing.

mod canonical;
pub mod children;
pub(crate) mod identity;
pub mod labels;
pub(crate) mod naming;
pub mod selector;
mod shape;
pub mod template;
