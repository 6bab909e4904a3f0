//! Which rollouts are looked at, and when: watches, queue, retries.
//! No content: an event becomes a name, and a name becomes a pass.

pub mod autoscalers;
pub mod runner;
mod schedule;
mod watched_objects;
pub mod watches;
