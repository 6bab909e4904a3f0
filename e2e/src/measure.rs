//! `cargo testbed measure`: how soon Siskin reacts, and what it costs at rest, measured from outside on the test bed.
//! What it tells goes to standard error; the last line of standard output is the result.

mod faults;
mod figures;
mod guard;
mod kafka;
mod process;
mod reaction;
mod requests;
mod rest;
mod say;
mod seed;
mod start;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use serde_json::Value;
use siskin_launch::progress::Activity;

use crate::scenario::Scenario;
use crate::scenario::installed::{Installed, remove_namespace};
use crate::scenario::interrupt::Interrupt;
use crate::testbed::Profile;
use kafka::Sampling;
use rest::Rest;
use say::say;
use seed::Seeded;

/// The namespace of measurements; what an earlier one left in it is removed first.
const NAMESPACE: &str = "siskin-measure";
/// Two hundred rollouts are handed over and removed one after the other.
const END: Duration = Duration::from_secs(900);

/// Measure Siskin from outside: how soon it reacts, what it costs at rest
#[derive(Debug, Parser)]
#[command(name = "cargo testbed measure", bin_name = "cargo testbed measure")]
pub struct Options {
    #[command(subcommand)]
    what: Measurement,
    /// End standard output with one line that is a JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Measurement {
    /// From the API server's reply to a template change until the canary is asked for
    Reaction {
        /// Template changes
        #[arg(long, default_value_t = 20)]
        changes: u32,
    },
    /// From the second crash of a canary's container until the canary is at 0
    CrashLoop {
        /// Versions that crash
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
    /// From the first unprocessed record of a stalled partition until the canary is at 0, at 5 s commits
    Stall {
        /// Versions that stall
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
    /// A Deployment write in a namespace of many rollouts, with and without the guard, and their adoption under it
    Guard {
        /// `CanaryRollouts` of one namespace, each with a fake pod
        #[arg(long, default_value_t = 1000)]
        rollouts: u32,
    },
    /// One sample of 10,000 partitions beside Kafka's own tool, and what many groups take of the operator
    Kafka {
        /// Samples of the group of 10,000 partitions
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        samples: u32,
        /// `CanaryRollouts` of a fake pod, each with a group and a topic of its own; 0: none
        #[arg(long, default_value_t = 500)]
        groups: u32,
    },
    /// Memory, processor time and writes of the operator with nothing to do
    Rest {
        /// `CanaryRollouts`: the first of real consumers, the others of fake pods
        #[arg(long, default_value_t = 1)]
        rollouts: u32,
        /// Fake pods of each
        #[arg(long, default_value_t = 1)]
        pods: u32,
        /// Whether the groups of the fake ones can't be reached
        #[arg(long)]
        kafka_away: bool,
        /// Whether each of the fake ones has an autoscaler, taken over
        #[arg(long)]
        autoscaled: bool,
        /// Seconds at rest before it is measured; what is remembered of the groups grows for 1200
        #[arg(long, default_value_t = 60)]
        settle: u64,
    },
    /// From a new leader's lease until it has looked at everything: time, connections, memory, requests
    Start {
        /// `CanaryRollouts`, all of fake pods
        #[arg(long, default_value_t = 100)]
        rollouts: u32,
        /// Fake pods of each
        #[arg(long, default_value_t = 6)]
        pods: u32,
        /// Starts that are measured
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
}

/// Builds and installs the operator, optimized, measures it, and clears up.
pub fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("a runtime")?;
    let figures = runtime.block_on(perform(options.what))?;
    if options.json {
        println!("{figures}");
    } else {
        println!("{figures:#}");
    }
    Ok(())
}

async fn perform(what: Measurement) -> Result<Value> {
    let interrupt = Interrupt::listen()?;
    let installed = Installed::prepare(Profile::Release, &interrupt, say).await?;
    let _activity = Activity::begin("measure: at it");
    let outcome = interrupt.unless(measure(&installed, what)).await;
    say("clearing up");
    let cleared = clear(installed).await;
    let figures = outcome?;
    if cleared.is_err() {
        say(&format!("{figures}"));
    }
    cleared.map(|()| figures)
}

async fn measure(installed: &Installed, what: Measurement) -> Result<Value> {
    let client = installed.run.bed.client().await?;
    remove_namespace(&client, NAMESPACE, END).await?;
    // Topic and group are of this run alone, for Kafka remembers both.
    let group = format!("orders-{}", std::process::id());
    let mut s = Scenario::begin(Arc::clone(&installed.run), NAMESPACE, &group).await?;
    match what {
        Measurement::Reaction { changes } => reaction::measure(&mut s, changes).await,
        Measurement::CrashLoop { runs } => faults::measure(&mut s, runs, &faults::CRASH_LOOP).await,
        Measurement::Stall { runs } => faults::measure(&mut s, runs, &faults::STALL).await,
        Measurement::Guard { rollouts } => guard::measure(s, rollouts).await,
        Measurement::Kafka { samples, groups } => {
            kafka::measure(s, Sampling { samples, groups }).await
        }
        Measurement::Rest { rollouts, pods, kafka_away, autoscaled, settle } => {
            let settle = Duration::from_secs(settle);
            let seeded = Seeded { rollouts, pods, autoscaled };
            rest::measure(s, Rest { seeded, kafka_away, settle }).await
        }
        Measurement::Start { rollouts, pods, runs } => {
            start::measure(s, Seeded { rollouts, pods, autoscaled: false }, runs).await
        }
    }
}

/// A test bed that ends takes the namespace with it.
async fn clear(installed: Installed) -> Result<()> {
    if installed.was_up() {
        let bed = installed.run.bed.clone();
        let client = bed.client().await?;
        // Rollouts that nobody releases stay, and their namespace with them.
        tokio::task::spawn_blocking(move || bed.bring_operator_back()).await??;
        remove_namespace(&client, NAMESPACE, END).await?;
    }
    installed.restore().await
}
