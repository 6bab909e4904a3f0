//! Tests of the public API and of the files that are made from it, one module per subject.
//! One binary, no cluster, no network, no sleep.

mod checks;
mod conditions;
mod golden;
mod guard;
mod metrics;
mod pages;
mod rules;
mod schema;
mod status;
mod strategy;
mod units;
