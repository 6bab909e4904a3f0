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
    /// It serves already: there is nothing to try.
    Kept,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What the operator remembers of it; nothing if there was nothing to try.
    pub past: Option<Past>,
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
        Outcome::Promoted | Outcome::Kept => change,
        Outcome::RolledBack => serving,
    };
    let over = |scene: &Scene| {
        let rollout = scene.rollout.as_ref().filter(|it| it.has_completed(change))?;
        let of_this = rollout.history.first().filter(|it| it.change_id == *change);
        Some(of_this.cloned())
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
    complaints.extend(not_as_expected(act, past.as_ref()));
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

fn not_as_expected(act: &Act, past: Option<&Past>) -> Option<String> {
    let outcome = past.map(|it| (&*it.outcome, &*it.cause));
    let as_expected = match act.expected {
        Outcome::Promoted => outcome.is_some_and(|(outcome, _)| outcome == "Promoted"),
        Outcome::RolledBack => outcome == Some(("RolledBack", "GuardFailed")),
        Outcome::Kept => outcome.is_none(),
    };
    let message = past.map_or("", |it| &it.message);
    (!as_expected).then(|| format!("expected {:?}: {outcome:?} {message}", act.expected))
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
        let broken = Some(past("RolledBack", "GuardFailed"));
        let slow = Some(past("RolledBack", "DeadlineExceeded"));
        let promoted = Some(past("Promoted", ""));
        for (expected, right, wrong) in [
            (Outcome::RolledBack, &broken, [&slow, &promoted, &None]),
            (Outcome::Promoted, &promoted, [&slow, &broken, &None]),
            (Outcome::Kept, &None, [&slow, &broken, &promoted]),
        ] {
            assert_eq!(not_as_expected(&act(expected), right.as_ref()), None);
            for past in wrong {
                assert!(not_as_expected(&act(expected), past.as_ref()).is_some(), "{past:?}");
            }
        }
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
