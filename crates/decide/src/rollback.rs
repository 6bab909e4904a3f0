//! The canary is removed and primary is at N again on the promoted revision. From a promotion
//! primary goes first: until it is ready the canary may be the only healthy copy.

use jiff::{SignedDuration, Timestamp};

use crate::moves::beside;
use crate::observed::{Facts, Takeover};
use crate::order::Order;
use crate::plan::{Effect, Held, Plan};
use crate::revision::{Revision, RolloutId};
use crate::scene::{Relation, Scene};
use crate::state::{Headway, Origin, PromotedBy, Promotion, Rest, Rollback, State};

/// A rollback waits so long for the sample that completes its replay ranges: two polls of a group
/// that is asked rarely. A Kafka that is away for longer leaves them incomplete, and told so.
const LAST_SAMPLE_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// The rows of state `RollingBack`.
pub(crate) fn rolling_back(scene: &Scene<'_>, promoted: Revision, rollback: Rollback) -> Plan {
    let headway = scene.headway(rollback.headway, scene.taken_over(promoted));
    let rollback = Rollback { headway, ..rollback };
    let overdue = scene.overdue(headway.since);
    if overdue && let Some(plan) = ship_a_fix(scene, rollback.before) {
        return plan;
    }
    // The mark may have been refused when the canary went: without it the same would be tried again.
    let mark = scene.reject(rollback.id, rollback.cause);
    if scene.primary_complete(promoted, scene.total) && scene.canary_gone() && mark.is_empty() {
        let effects = scene.enact_alone(promoted, &scene.facts);
        if scene.seen.awaits_last_sample && !last_sample_is_overdue(headway.since, scene.now) {
            let given_up = headway.since.saturating_add(LAST_SAMPLE_WITHIN).ok();
            return Plan::to(State::RollingBack(rollback), effects).wake(given_up);
        }
        return Plan::to(State::AtRest(rest_after(scene, rollback)), effects);
    }
    let canary_now = scene.canary_units().min(scene.total);
    let waited = scene.overdue_here(headway.since);
    let (primary_first, dispensable) = match rollback.from {
        Origin::Trial => (false, true),
        // Healthy pods leave unit by unit while primary lacks some; no longer than a version may take.
        Origin::Promoting => (
            !scene.primary_carries(promoted, canary_now),
            waited || scene.canary_failed() || scene.primary_carries(promoted, 0),
        ),
    };
    let stuck = waited && scene.canary_hangs();
    let at_once = (rollback.cause.is_immediate() && dispensable || stuck)
        && scene.canary_speaks_for(rollback.id.revision);
    let counts = if primary_first {
        scene.next_counts(scene.keep_canary(canary_now))
    } else if at_once {
        scene.give_up_canary()
    } else {
        scene.next_counts(scene.split(0))
    };
    let effects = scene.enact_counts(promoted, counts, &scene.facts);
    Plan::to(State::RollingBack(rollback), beside(effects, mark))
        .held(overdue.then_some(Held::Overdue).or(scene.primary_blocked()))
        .wake((!overdue).then(|| scene.deadline(headway.since)))
}

/// Whether the last sample is waited for no longer. A clock that was set back does not hold it up.
fn last_sample_is_overdue(since: Timestamp, now: Timestamp) -> bool {
    let waited = now.duration_since(since);
    waited.is_negative() || LAST_SAMPLE_WITHIN <= waited
}

/// A rollback ends where its revision's mark says: without one, at the rest before.
fn rest_after(scene: &Scene<'_>, rollback: Rollback) -> Rest {
    let revision = rollback.id.revision;
    match scene.frozen(revision).and_then(|it| it.rejection) {
        Some(rejection) => Rest::Failed { revision, cause: rejection.cause },
        None if rollback.cause.rejects() => Rest::Failed { revision, cause: rollback.cause },
        None => rollback.before,
    }
}

/// A rollback that can't finish because primary is broken must not lock out the fix: a person
/// starts or bypasses the new revision, and the canary stays until primary is ready on it.
pub(crate) fn ship_a_fix(scene: &Scene<'_>, before: Rest) -> Option<Plan> {
    let desired = match scene.relation()? {
        Relation::NoTrialNeeded(desired) | Relation::Untried(desired) => desired,
        Relation::Promoted | Relation::Rejected(_) => return None,
    };
    if scene.brake().is_some() {
        return None;
    }
    let id =
        RolloutId { revision: desired.revision, attempt: scene.next_attempt(desired.revision) };
    let (promoted_by, facts) = if scene.live_bypass() {
        (PromotedBy::Bypass, scene.consuming_bypass())
    } else if scene.seen.orders.contains(&Order::Start(id)) {
        (PromotedBy::Commanded, scene.facts.clone())
    } else {
        return None;
    };
    let counts = scene.counts_to_roll();
    if !scene.may_roll_primary(counts) {
        return None;
    }
    let promoting = Some(Takeover { revision: id.revision, promoted_by });
    let facts = Facts { attempts: id.attempt, promoting, ..facts };
    let mut effects = vec![Effect::Freeze { revision: id.revision, attempt: id.attempt }];
    effects.extend(scene.enact_counts(id.revision, counts, &facts));
    let headway = Headway::started(scene.now);
    let promotion = Promotion { id, promoted_by, before, since: scene.now, headway };
    Some(Plan::to(State::Promoting(promotion), effects))
}
