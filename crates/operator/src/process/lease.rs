//! Leader election by one Lease: its rules, its times, and the requests that follow from them.
//! Knows nothing of rollouts.

mod candidate;
pub mod election;
pub mod lost;
mod record;
pub mod timings;
