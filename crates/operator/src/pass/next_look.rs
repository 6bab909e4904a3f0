//! When a rollout is looked at again if no watch brings it before.
//! Pure: sets no timer.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use siskin_decide::{Held, Plan};

use crate::evidence::view::EvidenceView;

/// Everything is looked at again this often at least: watches miss nothing, networks do.
const RESYNC: Duration = Duration::from_secs(300);

/// What holds a rollout and no watch brings is looked at this often: soon enough for the person who
/// has just mended it.
const LOOK_AT_UNWATCHED: Duration = Duration::from_secs(10);

/// The shortest wait for a deadline.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// How long to wait after a round that changed nothing.
pub(super) fn next_look(evidence: &EvidenceView, plan: &Plan, now: Timestamp) -> Duration {
    let most = if is_unwatched(evidence, plan) { LOOK_AT_UNWATCHED } else { RESYNC };
    let wait = plan.wake.map(|at| at.duration_since(now).max(SignedDuration::ZERO));
    let wait = wait.and_then(|it| Duration::try_from(it).ok());
    wait.map_or(most, |it| it.max(SHORTEST_WAIT)).min(most)
}

/// Whether what is waited for is brought by no watch: a Secret, a broker, an autoscaler.
fn is_unwatched(evidence: &EvidenceView, plan: &Plan) -> bool {
    evidence.delivery.concern().is_some() || plan.held == Some(Held::AutoscalerOnTarget)
}
