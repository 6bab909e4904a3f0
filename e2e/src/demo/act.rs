//! One new version: shipped as a pipeline ships it, watched until its rollout is over, and compared with what must come of it.
//! What counts is what was seen from outside: pods, and the status as a pipeline reads it.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::fleet::{Fleet, Version};
use super::seen::{Past, Role, Scene};
use super::show::Show;
use super::watch::{Happening, Moment};

/// More than the holds, proofs and moves of one rollout take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A version to be shipped and what must come of it.
#[derive(Clone, Debug)]
pub struct Act {
    /// For the audience.
    pub title: &'static str,
    /// What is shipped.
    pub version: Version,
    /// What must come of it.
    pub expected: Outcome,
}

/// What can come of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It serves.
    Promoted,
    /// A guard found it broken; the version before it serves.
    RolledBack,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What the operator says of it.
    pub past: Past,
    /// From the API server's reply to the first canary pod that was asked for.
    pub started: Option<Duration>,
    /// From the first thing that the canary did wrong to the decision to roll back.
    pub found: Option<Duration>,
    /// From that decision until no canary pod was left and the primary was complete.
    pub rolled_back: Option<Duration>,
    /// From the reply to the end.
    pub total: Duration,
    /// What was not as it must be.
    pub complaints: Vec<String>,
}

/// Plays one act. `serving` is the version that served before.
///
/// # Errors
/// It came to no end.
pub async fn play(
    act: &Act,
    serving: &str,
    pods: usize,
    (fleet, show): (&Fleet, &mut Show),
) -> Result<Ended> {
    show.title(act.title);
    let since = show.length();
    let shipped = fleet.ship(&act.version).await?;
    let change = &act.version.name;
    let then = match act.expected {
        Outcome::Promoted => change,
        Outcome::RolledBack => serving,
    };
    let over = |scene: &Scene| {
        let rollout = scene.rollout.as_ref().filter(|it| it.has_completed(change))?;
        rollout.history.iter().find(|it| it.change_id == *change).cloned()
    };
    let past = show.until("the rollout's end", PATIENCE, |scene, _| over(scene)).await?;
    let mut complaints = Vec::new();
    let served = show.until("the pods that must serve then", PATIENCE, |scene, _| {
        scene.serves_alone(then, pods).then_some(())
    });
    if let Err(error) = served.await {
        complaints.push(error.to_string());
    }
    let ended = Instant::now();
    let moments = show.moments_since(since);
    complaints.extend(not_as_expected(act, &past));
    complaints.extend(outside_the_canary(act, &moments));
    let found_at = first(&moments, |it| *it == Happening::Phase("RollingBack".to_owned()));
    let fault = first(&moments, |it| matches!(it, Happening::Stalled(_) | Happening::Crashed(_)));
    Ok(Ended {
        past,
        started: first(&moments, |it| matches!(it, Happening::CanaryAt(1..)))
            .map(|at| at.saturating_duration_since(shipped)),
        found: found_at.zip(fault).map(|(found, fault)| found.saturating_duration_since(fault)),
        rolled_back: found_at.map(|found| ended.saturating_duration_since(found)),
        total: ended.saturating_duration_since(shipped),
        complaints,
    })
}

fn first(moments: &[Moment], is: impl Fn(&Happening) -> bool) -> Option<Instant> {
    moments.iter().find(|it| is(&it.what)).map(|it| it.at)
}

fn not_as_expected(act: &Act, past: &Past) -> Option<String> {
    let as_expected = match act.expected {
        Outcome::Promoted => past.outcome == "Promoted",
        Outcome::RolledBack => past.outcome == "RolledBack" && past.cause == "GuardFailed",
    };
    let Past { outcome, cause, message, .. } = past;
    (!as_expected).then(|| format!("expected {:?}: {outcome} {cause} {message}", act.expected))
}

/// A version that was rolled back must never have run anywhere but as a canary.
fn outside_the_canary(act: &Act, moments: &[Moment]) -> Option<String> {
    let version = &act.version.name;
    let elsewhere = moments.iter().find_map(|it| match &it.what {
        Happening::Appeared(role, of) if of == version && *role != Role::Canary => Some(*role),
        Happening::Appeared(..)
        | Happening::Told { .. }
        | Happening::Phase(_)
        | Happening::CanaryAt(_)
        | Happening::Crashed(_)
        | Happening::Stalled(_) => None,
    })?;
    let rolled_back = act.expected == Outcome::RolledBack;
    rolled_back.then(|| format!("a pod of version {version} ran as {elsewhere:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(expected: Outcome) -> Act {
        let version = Version { name: "3".to_owned(), knobs: &[] };
        Act { title: "an act", version, expected }
    }

    fn past(outcome: &str, cause: &str) -> Past {
        Past { outcome: outcome.to_owned(), cause: cause.to_owned(), ..Past::default() }
    }

    #[test]
    fn only_a_guard_may_have_ended_a_broken_version() {
        let rolled_back = act(Outcome::RolledBack);
        assert_eq!(not_as_expected(&rolled_back, &past("RolledBack", "GuardFailed")), None);
        assert!(not_as_expected(&rolled_back, &past("RolledBack", "DeadlineExceeded")).is_some());
        assert!(not_as_expected(&rolled_back, &past("Promoted", "")).is_some());
        assert_eq!(not_as_expected(&act(Outcome::Promoted), &past("Promoted", "")), None);
        assert!(not_as_expected(&act(Outcome::Promoted), &past("RolledBack", "Aborted")).is_some());
    }

    #[test]
    fn a_broken_version_outside_the_canary_is_a_complaint() {
        let seen =
            |role| [Moment { at: Instant::now(), what: Happening::Appeared(role, "3".to_owned()) }];
        let rolled_back = act(Outcome::RolledBack);
        assert_eq!(outside_the_canary(&rolled_back, &seen(Role::Canary)), None);
        assert!(outside_the_canary(&rolled_back, &seen(Role::Target)).is_some());
        assert!(outside_the_canary(&rolled_back, &seen(Role::Primary)).is_some());
        assert_eq!(outside_the_canary(&act(Outcome::Promoted), &seen(Role::Primary)), None);
    }
}
