//! How soon a broken version is off the group: from what it did wrong until its canary is at 0.
//! What went wrong is seen where it happens, in the pod's status or in its log; the end, on a watch.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::figures::{Unit, figures};
use super::reaction::adopted;
use super::{NAMESPACE, say};
use crate::demo::fleet::{Fleet, Version, Workload};
use crate::demo::watch::{Happening, Moment, Watch};
use crate::testbed::Testbed;

/// 25 records per second and partition; of two partitions one stalls some ten seconds after the start.
const WORKLOAD: Workload = Workload {
    pods: 6,
    partitions: 12,
    rate: 300,
    poison_share: "0.002",
    commit_interval: "5s",
    rollout: include_str!("faults.yaml"),
};

/// A fault that is not found in this time is not found.
const PATIENCE: Duration = Duration::from_secs(300);
/// What a rollout in use has had for hours: the healthy commits of the primary, to learn from.
const RECORD: Duration = Duration::from_secs(90);

/// A version that is broken, and the moment from which it is.
struct Fault {
    knobs: &'static [(&'static str, &'static str)],
    is_begin: fn(&Happening) -> bool,
}

/// From the second crash of the container.
pub(super) async fn crash_loop(bed: &Testbed, runs: u32) -> Result<Value> {
    let is_begin = |it: &Happening| matches!(it, Happening::Crashed(2..));
    measure(bed, runs, &Fault { knobs: &[("CRASH_AT_START", "true")], is_begin }).await
}

/// From the first record on which a partition stands still.
pub(super) async fn stall(bed: &Testbed, runs: u32) -> Result<Value> {
    let is_begin = |it: &Happening| matches!(it, Happening::Stalled(_));
    measure(bed, runs, &Fault { knobs: &[("STALL_ON", "poison")], is_begin }).await
}

async fn measure(bed: &Testbed, runs: u32, fault: &Fault) -> Result<Value> {
    let fleet = Fleet::planned(bed, NAMESPACE, WORKLOAD).await?;
    let watch = Watch::begin(fleet.client(), NAMESPACE);
    let first = adopted(&fleet, &watch, WORKLOAD.pods).await?;
    say(&format!("{} s of healthy commits, to learn from", RECORD.as_secs()));
    tokio::time::sleep(RECORD).await;
    let mut times = Vec::new();
    for run in 1..=runs {
        let since = watch.length();
        let version = Version { name: format!("1.{run}"), knobs: fault.knobs };
        fleet.ship(&version).await?;
        let removed = |moments: &[Moment]| {
            let up = moments.iter().position(|it| matches!(it.what, Happening::CanaryAt(1..)))?;
            let down = |it: &&Moment| it.what == Happening::CanaryAt(0);
            moments[up..].iter().find(down).map(|it| it.at)
        };
        let off =
            watch.until("the canary is at 0", PATIENCE, |_, moments| removed(&moments[since..]));
        let off = off.await?;
        let begin =
            begin(&watch, since, fault).context("it was removed before anything was seen")?;
        let time = off.saturating_duration_since(begin);
        say(&format!("run {run} of {runs}: {:.1} s", time.as_secs_f64()));
        times.push(time);
        let at_rest = watch.until("back at rest", PATIENCE, |scene, _| {
            let completed = scene.rollout.as_ref()?.has_completed(&version.name);
            (completed && scene.serves_alone(&first.name, WORKLOAD.pods)).then_some(())
        });
        at_rest.await?;
    }
    Ok(figures(&times, Unit::Seconds))
}

fn begin(watch: &Watch, since: usize, fault: &Fault) -> Option<Instant> {
    watch.look(|_, moments| {
        moments[since..].iter().find(|it| (fault.is_begin)(&it.what)).map(|it| it.at)
    })
}
