//! How soon a template change is followed by the write that asks for the canary.
//! Both ends are seen from outside: the API server's reply to the change, and a watch on the canary's Deployment.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::figures::{Unit, figures};
use super::{NAMESPACE, say};
use crate::demo::fleet::{Fleet, Version, Workload};
use crate::demo::watch::{Happening, Watch};
use crate::testbed::Testbed;

const WORKLOAD: Workload = Workload {
    pods: 3,
    partitions: 6,
    rate: 60,
    poison_share: "0",
    commit_interval: "1s",
    rollout: include_str!("reaction.yaml"),
};

/// Much longer than any reaction, so that one that is held is seen as such.
const PATIENCE: Duration = Duration::from_secs(120);
/// The sampler's interval by default: after it, the group has been seen without the last canary.
const BETWEEN: Duration = Duration::from_secs(10);

/// One template change after the other, each taken back once the canary was asked for.
pub(super) async fn measure(bed: &Testbed, changes: u32) -> Result<Value> {
    let fleet = Fleet::planned(bed, NAMESPACE, WORKLOAD).await?;
    let watch = Watch::begin(fleet.client(), NAMESPACE);
    let first = adopted(&fleet, &watch, WORKLOAD.pods).await?;
    let mut times = Vec::new();
    for change in 1..=changes {
        tokio::time::sleep(BETWEEN).await;
        let since = watch.length();
        let version = Version { name: format!("1.{change}"), knobs: &[] };
        let replied = fleet.ship(&version).await?;
        let asked = watch.until("the canary is asked for", PATIENCE, |_, moments| {
            let up = |it: &Happening| matches!(it, Happening::CanaryAt(1..));
            moments[since..].iter().find(|it| up(&it.what)).map(|it| it.at)
        });
        // The watch may bring it before the reply is read.
        let time = asked.await?.saturating_duration_since(replied);
        say(&format!("change {change} of {changes}: {:.1} ms", time.as_secs_f64() * 1000.0));
        times.push(time);
        fleet.ship(&first).await?;
        let at_rest = watch.until("back at rest", PATIENCE, |scene, _| {
            let completed = scene.rollout.as_ref()?.has_completed(&first.name);
            (completed && scene.serves_alone(&first.name, WORKLOAD.pods)).then_some(())
        });
        at_rest.await?;
    }
    Ok(figures(&times, Unit::Millis))
}

/// A fleet of the first version, under load, adopted by its `CanaryRollout`.
pub(super) async fn adopted(fleet: &Fleet, watch: &Watch, pods: usize) -> Result<Version> {
    let first = Version { name: "1".to_owned(), knobs: &[] };
    say(&format!("a fleet of {pods} consumers under load"));
    fleet.start(&first).await?;
    fleet.add_rollout().await?;
    let adopted = watch.until("the adoption", PATIENCE, |scene, _| {
        let completed = scene.rollout.as_ref()?.has_completed(&first.name);
        (completed && scene.serves_alone(&first.name, pods)).then_some(())
    });
    adopted.await?;
    say("adopted");
    Ok(first)
}
