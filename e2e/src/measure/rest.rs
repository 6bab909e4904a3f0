//! What the operator costs when nothing is to do: memory, processor time, writes.
//! The first rollout has real consumers; the others have fake pods, but groups that are sampled as real ones are.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::figures::tenths;
use super::process::Process;
use super::reaction::adopted;
use super::say::say;
use super::seed::{Groups, Seeded, seed};
use super::writes::{self, Writes};
use crate::scenario::operator::{NAMESPACE, labeled};
use crate::scenario::{Scenario, Source, Workload};
use crate::testbed::Testbed;

/// Time over which writes are counted: they are told per minute.
const SPAN: Duration = Duration::from_secs(60);
/// What rests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    pub(super) seeded: Seeded,
    /// Whether the groups of the seeded rollouts can't be reached.
    pub(super) kafka_away: bool,
    /// Time at rest before it counts.
    pub(super) settle: Duration,
}

/// Adopts rollouts, lets them rest, and looks for a minute.
pub(super) async fn measure(mut s: Scenario, rest: Rest) -> Result<Value> {
    let Rest { seeded, kafka_away, settle } = rest;
    adopted(&mut s, Workload::SHOWN, 6, include_str!("faults.yaml")).await?;
    let bootstrap =
        if kafka_away { s.given().a_proxy_to(Source::Kafka)? } else { s.run.bed.kafka_bootstrap() };
    let (bed, objects, namespace) = (s.run.bed.clone(), s.objects.clone(), s.namespace.clone());
    let fakes = Seeded { rollouts: seeded.rollouts.saturating_sub(1), ..seeded };
    if 0 < fakes.rollouts {
        let topic = s.topic();
        let groups = Groups { bootstrap: &bootstrap, topic: Some(&topic) };
        seed(&bed, &objects, &namespace, groups, fakes).await?;
    }
    if kafka_away {
        s.when().loses(Source::Kafka).await?;
    }
    // Its thousands of events are not needed any more, but its load is.
    s.forget_watches();
    say(&format!("{} s at rest before it counts", settle.as_secs()));
    tokio::time::sleep(settle).await;
    let process = Process::of_operator(&bed)?;
    let (before, asked) = (process.cpu_seconds()?, requests(&bed)?);
    say(&format!("{} s at rest that count", SPAN.as_secs()));
    let Writes { objects, events, leases } = writes::count(&bed, SPAN).await?;
    let (used, reads) = (process.cpu_seconds()? - before, requests(&bed)? - asked);
    for write in &objects {
        say(&format!("a write: {write}"));
    }
    Ok(json!({
        "rss_mb": process.rss_mb()?,
        "writes_per_min": objects.len() + usize::try_from(events)?,
        "lease_writes_per_min": leases,
        "cpu_percent": tenths(100.0 * used / SPAN.as_secs_f64()),
        "api_reads_per_s": tenths(reads / SPAN.as_secs_f64()),
        "rollouts": seeded.rollouts,
        "pods_each": seeded.pods,
        "kafka_away": kafka_away,
        "autoscaled": seeded.autoscaled,
    }))
}

/// Reads of the API server so far, as the operator counts them: one by one, and listings. Not those of its lease.
fn requests(bed: &Testbed) -> Result<f64> {
    let ours = ["-n", NAMESPACE, "-l", "app.kubernetes.io/name=siskin"];
    let name = ["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"];
    let pod = bed.kubectl(&[&name[..], &ours].concat())?;
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{}:8080/proxy/metrics", pod.trim());
    let text = bed.kubectl(&["get", "--raw", &path])?;
    let asked = labeled(&text, "siskin_api_requests_total", "verb");
    Ok(["get", "list"].iter().filter_map(|it| asked.get(*it)).sum())
}
