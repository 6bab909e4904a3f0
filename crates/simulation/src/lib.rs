//! A simulated consumer group, and the randomness it is made of.
//! For tests and benchmarks: nothing that runs in a cluster depends on it.
//!
//! ```
//! use siskin_analysis::Verdict;
//! use siskin_simulation::Shape;
//! use siskin_simulation::trial::Trial;
//!
//! // Ten minutes of record, a canary that hangs, and five minutes of trial, for a seed.
//! let mut trial = Trial::begin(Shape::small(), 1);
//! trial.world.canary().for_each(|pod| pod.health = 0.0);
//! trial.run(5 * 60_000);
//! assert!(trial.first(Verdict::Fail).is_some());
//! assert!(trial.never(Verdict::Pass));
//! ```

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
