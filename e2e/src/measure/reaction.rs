//! How soon a template change is followed by the write that asks for the canary, beside a plain write.
//! Both ends are seen from outside: the API server's reply to the change, and a watch on the canary's Deployment.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::figures::{Unit, figures, tenths};
use super::say::say;
use crate::scenario::history::first;
use crate::scenario::objects::{ObjectKind, Objects};
use crate::scenario::{RolloutSpec, Scenario, Version, Workload};

const WORKLOAD: Workload =
    Workload { partitions: 6, rate: 60, commit_interval: "1s", ..Workload::SHOWN };

const PODS: u32 = 3;
/// Much longer than any reaction, so that one that is held is seen as such.
const PATIENCE: Duration = Duration::from_secs(120);
/// The sampler's interval by default: after it, the group has been seen without the last canary.
const BETWEEN: Duration = Duration::from_secs(10);

/// An object that nobody watches.
const PEER: &str = "plain";
/// Plain writes before each change.
const WRITES: u32 = 10;

/// One template change after the other, each taken back once the canary was asked for. A reaction is a row of reads and
/// writes, so that what one write takes at the time says how slow the machine is.
pub(super) async fn measure(s: &mut Scenario, changes: u32) -> Result<Value> {
    let serving = adopted(s, WORKLOAD, PODS, include_str!("reaction.yaml")).await?;
    let manifest = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": PEER},
    });
    s.objects.apply(ObjectKind::Lease, &manifest).await?;
    let (mut times, mut writes) = (Vec::new(), Vec::new());
    for change in 1..=changes {
        tokio::time::sleep(BETWEEN).await;
        for number in 0..WRITES {
            writes.push(written(&s.objects, &format!("{change}-{number}")).await?);
        }
        let since = s.log.length();
        s.when().applies(&Version::good(&format!("1.{change}")), PODS).await?;
        let replied = s.log.elapsed();
        let asked = s.log.until("the canary is asked for", PATIENCE, |view| {
            first(&view.history[since..], |it| it.canary_pods().is_some_and(|it| 0 < it))
        });
        // The watch may bring it before the reply is read.
        let time = asked.await?.saturating_sub(replied);
        say(&format!("change {change} of {changes}: {:.1} ms", time.as_secs_f64() * 1000.0));
        times.push(time);
        s.when().applies(&serving, PODS).await?;
        s.then().keeps(&serving.name).await?;
    }
    let mut all = figures(&times, Unit::Millis);
    let mut peer = figures(&writes, Unit::Millis);
    peer.as_object_mut().map(|it| it.remove("all_ms"));
    let in_writes = |it: &str| Some(tenths(all[it].as_f64()? / peer[it].as_f64()?));
    all["in_writes"] = json!({"p50": in_writes("p50_ms"), "p95": in_writes("p95_ms")});
    all["write"] = peer;
    Ok(all)
}

/// What one write takes that nobody hears of.
async fn written(objects: &Objects, mark: &str) -> Result<Duration> {
    let begun = Instant::now();
    let fields = json!({"metadata": {"annotations": {"measured": mark}}});
    objects.merge(ObjectKind::Lease, PEER, &fields).await?;
    Ok(begun.elapsed())
}

/// A fleet of the first version, under load, adopted by this `CanaryRollout`.
pub(super) async fn adopted(
    s: &mut Scenario,
    workload: Workload,
    pods: u32,
    rollout: &str,
) -> Result<Version> {
    say(&format!("a fleet of {pods} consumers under load"));
    s.given().a_workload(workload);
    s.given().a_fleet(pods).await?;
    s.given().a_rollout(&RolloutSpec::read(rollout)?).await?;
    s.given().rest().await?;
    s.then().serves("1").await?;
    say("adopted");
    Ok(Version::good("1"))
}
