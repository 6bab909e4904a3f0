//! The trace format: examples, schema, round trips and refusals.
//! Judges nothing.

mod format;
mod schema;
mod user_metrics;
