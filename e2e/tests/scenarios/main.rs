//! The scenarios of the real operator on a real cluster with a real Kafka, by theme.
//! Each is a test of its own; what they share is in `siskin_e2e::scenario`. `kafka_sampler` needs no operator.

mod autoscalers;
mod blame;
mod changes;
mod children;
mod commands;
mod deletion;
mod fake_pods;
mod gitops;
mod guard;
mod guarded_autoscalers;
mod inputs;
mod java;
mod kafka_sampler;
mod metered;
mod metrics;
mod operators;
mod outages;
mod outcomes;
mod ownership;
mod plugin;
mod policies;
mod refusals;
mod scaling;
mod shapes;
mod templates;
mod uninstall;
