//! A simulated consumer group, and the randomness it is made of.
//! For tests and benchmarks: nothing that runs in a cluster depends on it.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::should_implement_trait,
    reason = "written as test code; to be mended"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers in a simulation"
)]

pub mod large;
pub mod pod;
pub mod random;
pub mod shape;
pub mod trial;
pub mod wander;
pub mod world;

pub use shape::{START, Shape, healthy_pod};
pub use world::World;
