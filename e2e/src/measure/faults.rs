//! How soon a broken version is off the group: from what it did wrong until its canary is at 0.
//! What went wrong is seen where it happens, in the pod's status or in its log; the end, on a watch.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::figures::{Unit, figures};
use super::reaction::adopted;
use super::say::say;
use crate::scenario::history::{Change, first};
use crate::scenario::{Scenario, Version, Workload};

/// 25 records per second and partition; of two partitions one stalls some ten seconds after the start.
const WORKLOAD: Workload = Workload { poison_share: "0.002", ..Workload::SHOWN };

const PODS: u32 = 6;
/// A fault that is not found in this time is not found.
const PATIENCE: Duration = Duration::from_secs(300);
/// What a rollout in use has had for hours: the healthy commits of the primary, to learn from.
const RECORD: Duration = Duration::from_secs(90);

/// A version that is broken, and the moment from which it is.
struct Fault {
    version: fn(&str) -> Version,
    begins: fn(&Change) -> bool,
}

/// Measures from the second crash of the container.
pub(super) async fn crash_loop(s: &mut Scenario, runs: u32) -> Result<Value> {
    let begins = |it: &Change| 1 < it.canary_crashes();
    measure(s, runs, &Fault { version: Version::crashing, begins }).await
}

/// Measures from the first record on which a partition stands still.
pub(super) async fn stall(s: &mut Scenario, runs: u32) -> Result<Value> {
    let begins = |it: &Change| matches!(it, Change::Stalled(_));
    measure(s, runs, &Fault { version: Version::stalling, begins }).await
}

async fn measure(s: &mut Scenario, runs: u32, fault: &Fault) -> Result<Value> {
    s.given().watched_logs();
    let serving = adopted(s, WORKLOAD, PODS, include_str!("faults.yaml")).await?;
    say(&format!("{} s of healthy commits, to learn from", RECORD.as_secs()));
    tokio::time::sleep(RECORD).await;
    let mut times = Vec::new();
    for run in 1..=runs {
        let since = s.log.length();
        let version = (fault.version)(&format!("1.{run}"));
        s.when().applies(&version, PODS).await?;
        let off = s.log.until("the canary is at 0", PATIENCE, |view| {
            let history = &view.history[since..];
            let up = history.iter().position(|it| it.change.canary_pods().is_some_and(|it| 0 < it));
            first(&history[up?..], |it| it.canary_pods() == Some(0))
        });
        let off = off.await?;
        let begin = s.log.look(|view| first(&view.history[since..], fault.begins));
        let begin = begin.context("it was removed before anything was seen")?;
        let time = off.saturating_sub(begin);
        say(&format!("run {run} of {runs}: {:.1} s", time.as_secs_f64()));
        times.push(time);
        s.then().serves(&serving.name).await?;
    }
    Ok(figures(&times, Unit::Seconds))
}
