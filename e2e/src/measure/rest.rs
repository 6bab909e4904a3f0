//! What the operator costs when nothing is to do: memory, processor time, writes.
//! The first rollout has real consumers; the others have fake pods, but groups that are sampled as real ones are.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::figures::tenths;
use super::process::Process;
use super::reaction::adopted;
use super::say::say;
use super::writes::{self, Writes};
use crate::scenario::{Scenario, Workload};
use crate::testbed::Testbed;

const FAKE: &str = include_str!("fake.yaml");
/// The bound of a fake node.
const PODS_PER_NODE: u32 = 110;

/// Time over which writes are counted: they are told per minute.
const SPAN: Duration = Duration::from_secs(60);
/// Hundreds of adoptions at the same time, on two cores.
const ADOPTION: Duration = Duration::from_secs(600);

/// Adopts `rollouts`, lets them rest for `settle`, and looks for a minute.
pub(super) async fn measure(mut s: Scenario, rollouts: u32, settle: Duration) -> Result<Value> {
    adopted(&mut s, Workload::SHOWN, 6, include_str!("faults.yaml")).await?;
    // Its thousands of events are not needed any more, but its load is.
    let namespace = s.namespace.clone();
    let (bed, topic, _load) = s.without_watches();
    let bed = &bed;
    let fakes = rollouts.saturating_sub(1);
    if 0 < fakes {
        let bed = bed.clone();
        tokio::task::spawn_blocking(move || add_fakes(&bed, fakes, &namespace, &topic)).await??;
    }
    say(&format!("{} s at rest before it counts", settle.as_secs()));
    tokio::time::sleep(settle).await;
    let process = Process::of_operator(bed)?;
    let before = process.cpu_seconds()?;
    say(&format!("{} s at rest that count", SPAN.as_secs()));
    let Writes { objects, events, leases } = writes::count(bed, SPAN).await?;
    let used = process.cpu_seconds()? - before;
    for write in &objects {
        say(&format!("a write: {write}"));
    }
    Ok(json!({
        "rss_mb": process.rss_mb()?,
        "writes_per_min": objects.len() + usize::try_from(events)?,
        "lease_writes_per_min": leases,
        "cpu_percent": tenths(100.0 * used / SPAN.as_secs_f64()),
        "rollouts": fakes + 1,
    }))
}

/// Deployments of one fake pod each, and their `CanaryRollouts`: adopted as real ones are.
fn add_fakes(bed: &Testbed, count: u32, namespace: &str, topic: &str) -> Result<()> {
    say(&format!("{count} Deployments of fake pods (the first time this builds kwok)"));
    // While a pod moves, there are two.
    bed.fake_nodes((2 * count).div_ceil(PODS_PER_NODE))?;
    let mut manifest = String::new();
    for number in 1..=count {
        let one = FAKE.replace("{{name}}", &format!("fake-{number}"));
        let one = one.replace("{{namespace}}", namespace).replace("{{topic}}", topic);
        writeln!(manifest, "---\n{}", one.replace("{{bootstrap}}", &bed.kafka_bootstrap()))?;
    }
    bed.apply(&manifest)?;
    let wait = ["wait", "canaryrollouts", "--all", "--for=jsonpath={.status.adopted}=true"];
    let patience = format!("--timeout={}s", ADOPTION.as_secs());
    bed.kubectl(&[&wait[..], &["-n", namespace, &patience]].concat()).context("their adoption")?;
    say("adopted");
    Ok(())
}
