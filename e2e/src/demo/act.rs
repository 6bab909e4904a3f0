//! One new version: shipped as a pipeline ships it, watched until its rollout is over, and compared with what must come of it.
//! What counts is what was seen from outside: pods, and the status as a pipeline reads it.

use std::time::Duration;

use anyhow::{Result, bail};
use siskin_api::{Cause, HistoryEntry, Phase, PromotionReason};

use crate::scenario::history::{Change, Entry, first};
use crate::scenario::seen::{Part, Seen};
use crate::scenario::{Scenario, Version, latest};

/// More than the holds, proofs and moves of one rollout take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A version to be shipped and what must come of it.
#[derive(Clone, Debug)]
pub struct Act {
    /// Heading for the audience.
    pub title: &'static str,
    /// What is shipped.
    pub version: Version,
    /// What must come of it.
    pub expected: Expected,
}

/// What can come of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The version serves.
    Promoted,
    /// A guard found the version broken; the one before it serves.
    RolledBack,
    /// The version serves already: there is nothing to try.
    Kept,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What the operator remembers of it; nothing if there was nothing to try.
    pub past: Option<HistoryEntry>,
    /// Time from the API server's reply to the first canary pod that was asked for.
    pub started: Option<Duration>,
    /// Time from the first thing that the canary did wrong to the decision to roll back.
    pub found: Option<Duration>,
    /// Time from the decision to roll back until no canary pod was left and the primary was complete.
    pub rolled_back: Option<Duration>,
    /// Time from the API server's reply to the end.
    pub total: Duration,
}

/// Plays one act. `serving` is the version that served before.
pub async fn play(s: &mut Scenario, act: &Act, serving: &str, pods: u32) -> Result<Ended> {
    let since = s.log.length();
    let version = &act.version.name;
    s.when().applies(&act.version, pods).await?;
    let shipped = s.log.elapsed();
    match act.expected {
        Expected::Promoted => {
            s.then().promotes_within(PATIENCE, version, PromotionReason::Passed).await?;
        }
        Expected::RolledBack => {
            s.then().rolls_back_within(PATIENCE, Cause::GuardFailed, serving).await?;
        }
        Expected::Kept => s.then().keeps(version).await?,
    }
    let ended = s.log.elapsed();
    s.log.look(|view| {
        let history = &view.history[since..];
        if act.expected == Expected::RolledBack {
            only_as_canary(version, history)?;
        }
        let of_this = |it: &&HistoryEntry| it.change_id.as_ref() == Some(version);
        let fault =
            first(history, |it| matches!(it, Change::Stalled(_)) || 0 < it.canary_crashes());
        let decided = first(history, |it| it.enters(Phase::RollingBack));
        let started = first(history, |it| it.canary_pods().is_some_and(|pods| 0 < pods));
        Ok(Ended {
            past: latest(view.state).filter(of_this).cloned(),
            // The watch may bring it before the reply is read.
            started: started.map(|at| at.saturating_sub(shipped)),
            found: decided.zip(fault).map(|(decided, fault)| decided.saturating_sub(fault)),
            rolled_back: decided.map(|at| ended.saturating_sub(at)),
            total: ended.saturating_sub(shipped),
        })
    })
}

/// A version that was rolled back must never have run anywhere but as a canary.
fn only_as_canary(version: &str, history: &[Entry]) -> Result<()> {
    let elsewhere = |it: &Entry| match &it.change {
        Change::Put(name, Seen::Pod(pod)) => {
            let is_it = pod.version.as_deref() == Some(version) && pod.part != Some(Part::Canary);
            is_it.then(|| name.clone())
        }
        Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
    };
    match history.iter().find_map(elsewhere) {
        Some(pod) => bail!("version {version} ran in pod {pod}, which is no canary"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::seen::SeenPod;

    #[test]
    fn a_broken_version_outside_the_canary_is_found() {
        let seen = |part| {
            let version = Some("3".to_owned());
            let pod = SeenPod {
                part: Some(part),
                version,
                ready: true,
                terminating: false,
                crashes: 0,
                running: true,
            };
            let change = Change::Put("p".to_owned(), Seen::Pod(pod));
            [Entry { revision: 1, at: Duration::ZERO, listed: false, change }]
        };
        assert!(only_as_canary("3", &seen(Part::Canary)).is_ok());
        assert!(only_as_canary("3", &seen(Part::Target)).is_err());
        assert!(only_as_canary("3", &seen(Part::Primary)).is_err());
        assert!(only_as_canary("2", &seen(Part::Primary)).is_ok());
    }
}
