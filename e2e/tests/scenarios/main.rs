//! The scenarios of the real operator on a real cluster with a real Kafka, by theme.
//! Each is a test of its own; what they share is in `siskin_e2e::scenario`. `kafka_sampler` needs no operator.

mod alerts;
mod autoscalers;
mod changes;
mod children;
mod commands;
mod deletion;
mod guard;
mod inputs;
mod kafka_sampler;
mod metrics;
mod operators;
mod outcomes;
mod ownership;
mod refusals;
mod scaling;
