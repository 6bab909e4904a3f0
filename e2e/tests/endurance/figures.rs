//! When what happened in a scenario: from the history that its watches wrote.
//! Reads only; what must have happened is the cases' business.

use std::time::Duration;

use siskin_api::Phase;
use siskin_e2e::scenario::Scenario;
use siskin_e2e::scenario::history::{Change, first};
use siskin_e2e::scenario::seen::{Part, Seen};

/// From the first Ready pod of the canary, or else from its first pod, until the rollback began.
pub fn found_after(s: &Scenario) -> Option<(Duration, &'static str)> {
    let history = s.log.history();
    let found = first(&history, |it| it.enters(Phase::RollingBack))?;
    let canary = |ready: bool| {
        first(
            &history,
            |it| matches!(it, Change::Put(_, Seen::Pod(pod)) if pod.part == Some(Part::Canary) && pod.ready >= ready),
        )
    };
    let (begin, what) = match canary(true) {
        Some(at) => (at, "after its canary was Ready"),
        None => (canary(false)?, "after its canary was started"),
    };
    Some((found.saturating_sub(begin), what))
}

/// How often the rollout entered this phase.
pub fn times(s: &Scenario, phase: Phase) -> usize {
    let history = s.log.history();
    let phases = history.iter().filter_map(|it| match &it.change {
        Change::Put(_, Seen::Rollout(rollout)) => Some(rollout.status.phase),
        Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
    });
    let mut phases: Vec<_> = phases.collect();
    phases.dedup();
    phases.iter().filter(|it| **it == Some(phase)).count()
}
