//! What the Deployments of a rollout should look like: pod templates and children.
//! Pure: reads and writes nothing.

pub mod children;
pub mod labels;
pub mod selector;
mod shape;
pub mod template;
