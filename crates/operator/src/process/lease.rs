//! Leader election by one Lease: its rules, its times, and the requests that follow from them.
//! Knows nothing of rollouts.

pub mod candidate;
pub mod election;
mod record;
pub mod thread;
pub mod timings;
