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
pub(super) struct Fault {
    version: fn(&str) -> Version,
    begins: fn(&Change) -> bool,
}

/// A container that crashes, from its second crash on.
pub(super) const CRASH_LOOP: Fault =
    Fault { version: Version::crashing, begins: |it| 1 < it.canary_crashes() };
/// A partition that stands still, from the first record on which it does.
pub(super) const STALL: Fault =
    Fault { version: Version::stalling, begins: |it| matches!(it, Change::Stalled(_)) };

/// Ships broken versions one after the other, and tells how long each was in the group.
pub(super) async fn measure(s: &mut Scenario, runs: u32, fault: &Fault) -> Result<Value> {
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
