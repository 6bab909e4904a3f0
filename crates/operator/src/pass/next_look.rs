//! When a rollout is looked at again if no watch brings it before.
//! Pure: sets no timer.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use siskin_api::Analysis;
use siskin_decide::{Autoscalers, Held, Plan, State};

use crate::evidence::view::{Delivery, EvidenceView};
use crate::name::Name;
use crate::observe::world::World;

/// Everything is looked at again about this often: watches miss nothing, networks do.
const RESYNC: Duration = Duration::from_secs(300);

/// A rollout at rest is looked at again about this often: whatever changes it, a watch brings, and
/// a watch is begun anew every five minutes. A thousand of them cost 1.4 reads a second.
const RESYNC_AT_REST: Duration = Duration::from_secs(3_600);

/// What holds a rollout and no watch brings is looked at this often: soon enough for the person who
/// has just mended it.
const LOOK_AT_UNWATCHED: Duration = Duration::from_secs(10);

/// What no watch brings is looked at this often at rest, where nothing waits for it but a line of the status.
const LOOK_AT_UNWATCHED_AT_REST: Duration = Duration::from_secs(60);

/// The shortest wait for a deadline.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// Percent by which looks that nobody waits for are brought forward at most: a thousand rollouts
/// that were looked at within seconds are not looked at within seconds ever after.
const SPREAD: u32 = 30;

/// Why a rollout is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something has changed, or a time has come.
    Change,
    /// Nothing is known to have changed.
    Routine,
}

impl Cause {
    /// The graver of two.
    #[must_use]
    pub const fn graver(self, other: Self) -> Self {
        match (self, other) {
            (Self::Routine, Self::Routine) => Self::Routine,
            (Self::Change, _) | (_, Self::Change) => Self::Change,
        }
    }
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextLook {
    /// After this time.
    At {
        /// Counted from the end of the pass.
        after: Duration,
        /// What the look is for.
        cause: Cause,
    },
    /// Soon: the gate was shut and may open again without anybody asking.
    AfterGate,
    /// When somebody asks.
    WhenAsked,
}

impl NextLook {
    /// This look, or one after `after`, for a change that is due then, if that comes before.
    pub(super) fn no_later_than(self, after: Duration) -> Self {
        match self {
            Self::At { after: sooner, .. } if sooner <= after => self,
            Self::At { .. } | Self::AfterGate | Self::WhenAsked => Self::after(after),
        }
    }

    /// A look after this time, for a change that is due then.
    pub(super) const fn after(after: Duration) -> Self {
        Self::At { after, cause: Cause::Change }
    }
}

/// How long to wait after a round that changed nothing.
pub(super) fn next_look(
    world: &World,
    evidence: &EvidenceView,
    plan: &Plan,
    now: Timestamp,
) -> NextLook {
    let at_rest = matches!(plan.next, State::AtRest(_)) && plan.held.is_none();
    let routine = match (is_unwatched(world, evidence, plan), at_rest) {
        (true, false) => LOOK_AT_UNWATCHED,
        (true, true) => spread(LOOK_AT_UNWATCHED_AT_REST, &world.name, now),
        (false, false) => spread(RESYNC, &world.name, now),
        (false, true) => spread(RESYNC_AT_REST, &world.name, now),
    };
    let wait = plan.wake.map(|at| at.duration_since(now).max(SignedDuration::ZERO));
    let wait = wait.and_then(|it| Duration::try_from(it).ok()).map(|it| it.max(SHORTEST_WAIT));
    match wait.filter(|it| *it <= routine) {
        Some(after) => NextLook::after(after),
        None => NextLook::At { after: routine, cause: Cause::Routine },
    }
}

/// Whether what is waited for is brought by no watch, no sample and no sweep: a Secret, an answer on
/// autoscalers that was not given.
fn is_unwatched(world: &World, evidence: &EvidenceView, plan: &Plan) -> bool {
    let mended_unseen = match evidence.delivery {
        Delivery::CannotAsk(_) => true,
        Delivery::Failed(_) => names_secret(&world.rollout.spec.analysis),
        Delivery::Answered | Delivery::Silent => false,
    };
    let unanswered = world.scaling.known == Autoscalers::Unknown;
    let waits = matches!(plan.held, Some(Held::AutoscalerOnTarget | Held::AutoscalerPending));
    // Before the watches have shown every autoscaler once nobody misses one that is gone.
    let taken = world.primary.as_ref().is_some_and(|it| it.facts.scaled_by.is_some());
    mended_unseen || (waits && world.primary.is_none()) || (unanswered && (waits || taken))
}

fn names_secret(analysis: &Analysis) -> bool {
    let prometheus = analysis.prometheus.as_ref();
    analysis.kafka.credentials_secret_ref.is_some()
        || prometheus.is_some_and(|it| it.credentials_secret_ref.is_some())
}

/// A time between 70 and 100 % of `most`, of this look at this rollout alone.
fn spread(most: Duration, name: &Name, now: Timestamp) -> Duration {
    let mut hasher = DefaultHasher::new();
    (name, now.as_millisecond()).hash(&mut hasher);
    let permille = u32::try_from(hasher.finish() % u64::from(SPREAD * 10 + 1)).unwrap_or(0);
    most.saturating_sub(most * permille / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rollouts_that_were_looked_at_together_are_looked_at_again_one_by_one() {
        let now = Timestamp::UNIX_EPOCH;
        let times = (0..1_000).map(|it| spread(RESYNC, &Name::new("shop", format!("{it}")), now));
        let mut seconds = [0_u32; 301];
        for time in times {
            assert!(RESYNC * 7 / 10 <= time && time <= RESYNC, "{time:?}");
            seconds[usize::try_from(time.as_secs()).expect("small")] += 1;
        }
        // 11 a second on average: no second has three times as many.
        assert!(seconds.iter().all(|it| *it < 33), "{seconds:?}");
    }

    #[test]
    fn two_looks_at_one_rollout_are_not_equally_far_apart() {
        let (name, later) = (Name::new("shop", "orders"), Timestamp::from_millisecond(1));
        let first = spread(RESYNC, &name, Timestamp::UNIX_EPOCH);
        assert_ne!(first, spread(RESYNC, &name, later.expect("a time")));
    }
}
