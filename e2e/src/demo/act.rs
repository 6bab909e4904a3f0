//! One new version: shipped as a user ships it, watched until its rollout is over.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::fleet::Fleet;
use super::view::View;

/// Longer than any step's holds, proof and promotion together on a slow machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A change of the Deployment and what must come of it.
pub(super) struct Act {
    pub(super) title: &'static str,
    /// Arguments of `kubectl set env`.
    pub(super) environment: &'static [&'static str],
    /// The phase at the end.
    pub(super) expected: &'static str,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) phase: String,
    pub(super) message: String,
    /// From the change to the decision to roll back.
    pub(super) detected: Option<Duration>,
    /// From the change to the end.
    pub(super) total: Duration,
}

pub(super) fn play(act: &Act, fleet: &Fleet, view: &mut View<'_>) -> Result<Ended> {
    let started = Instant::now();
    let change = fleet.ship(act.environment)?;
    let mut detected = None;
    let seen = view.until(PATIENCE, |seen| {
        if seen.phase == "RollingBack" && detected.is_none() {
            detected = Some(started.elapsed());
        }
        seen.change == change && seen.completed
    })?;
    let total = started.elapsed();
    let failed = seen.phase == "Failed";
    let detected = detected.or(failed.then_some(total));
    Ok(Ended { phase: seen.phase, message: seen.message, detected, total })
}
