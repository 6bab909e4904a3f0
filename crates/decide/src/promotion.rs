//! Primary takes a revision over, then the canary's units go over to it. The canary may be the
//! only healthy copy, so until primary is ready both are kept, however long that takes.

use crate::moves::{beside, forget_rejections};
use crate::observed::{Evidence, Facts, Takeover};
use crate::order::Order;
use crate::plan::{Effect, Held, Plan};
use crate::revision::{Cause, Revision};
use crate::rollback::ship_a_fix;
use crate::scene::{Relation, Scene};
use crate::state::{Headway, Origin, Promotion, Rest, Rollback, State};

/// The rows of state `Promoting`.
pub(crate) fn promoting(scene: &Scene<'_>, previous: Revision, promotion: Promotion) -> Plan {
    let revision = promotion.id.revision;
    let headway = scene.headway(promotion.headway, scene.taken_over(revision));
    let promotion = Promotion { headway, ..promotion };
    let overdue = scene.overdue(headway.since);
    let taken_back = taken_back(scene, promotion, overdue);
    if let Some(cause) = taken_back {
        if scene.has_template(previous)
            && let Some(plan) = take_back(scene, previous, promotion, cause)
        {
            return plan;
        }
        if !scene.is_live(revision)
            && let Some(plan) = ship_a_fix(scene, promotion.before)
        {
            return plan;
        }
    }
    let promoting = Some(Takeover { revision, promoted_by: promotion.promoted_by });
    let facts = Facts { promoting, ..scene.facts.clone() };
    let canary_now = scene.canary_units().min(scene.total);
    let serves = scene.primary_carries(revision, canary_now);
    if scene.primary_complete(revision, scene.total) && scene.canary_gone() {
        return finish(scene, revision, facts);
    }
    // Before primary has rolled only N moves it; afterwards the canary's units go over.
    let goal = if serves { scene.split(0) } else { scene.keep_canary(canary_now) };
    let stuck = serves && scene.overdue_here(headway.since) && scene.canary_hangs();
    let counts = if stuck { scene.give_up_canary() } else { scene.next_counts(goal) };
    let effects = scene.enact_counts(revision, counts, &facts);
    let lost = taken_back.filter(|_| !scene.has_template(previous)).map(|_| Held::PrimaryLost);
    Plan::to(State::Promoting(promotion), effects)
        .held(lost.or(overdue.then_some(Held::Overdue)).or(scene.primary_blocked()))
        .wake((!overdue).then(|| scene.deadline(headway.since)))
}

/// The fact first, then the mark: between the two the mark is behind, never ahead of what serves.
fn finish(scene: &Scene<'_>, revision: Revision, facts: Facts) -> Plan {
    // A bypass that came while its version was being promoted was meant for that one.
    let spent = scene.live_bypass() && scene.is_live(revision);
    let bypass = if spent { scene.consuming_bypass().bypass } else { facts.bypass };
    let facts = Facts { promoting: None, promoted: Some(revision), bypass, ..facts };
    let mut effects = scene.enact_alone(revision, &facts);
    effects.push(Effect::MarkPromoted { revision });
    effects.extend(forget_rejections(scene.seen));
    Plan::to(State::AtRest(Rest::Succeeded), effects)
}

fn taken_back(scene: &Scene<'_>, promotion: Promotion, overdue: bool) -> Option<Cause> {
    let revision = promotion.id.revision;
    // What primary runs already has passed: it is slow, and nothing else.
    let overdue = overdue && !scene.primary_runs(revision);
    if let Some(cause) = scene.rejected_for(promotion.id) {
        return Some(cause);
    }
    if scene.canary_speaks_for(revision) && scene.seen.evidence == Evidence::GuardFailed {
        return Some(Cause::GuardFailed);
    }
    if scene.seen.orders.contains(&Order::Abort(promotion.id)) {
        return Some(Cause::Aborted);
    }
    match scene.relation()? {
        Relation::Promoted => Some(Cause::Reverted),
        Relation::Rejected(_) if overdue => Some(Cause::Superseded),
        Relation::NoTrialNeeded(desired) | Relation::Untried(desired)
            if overdue && desired.revision != revision =>
        {
            Some(Cause::Superseded)
        }
        Relation::Rejected(_) | Relation::NoTrialNeeded(_) | Relation::Untried(_) => None,
    }
}

/// Why a promotion that the facts show taken back was: the status that would say so was not written.
pub(crate) fn was_taken_back(scene: &Scene<'_>, promotion: Promotion) -> Cause {
    // What rejects leaves its mark before anything moves: without one it was not the reason.
    let marked = scene.rejected_for(promotion.id);
    let cause = taken_back(scene, promotion, scene.overdue(promotion.headway.since));
    cause.filter(|it| marked == Some(*it) || !it.rejects()).unwrap_or(Cause::Resumed)
}

/// Primary back to its previous template first; the canary follows when that is ready. `None` while
/// too few others serve for primary to replace its pods.
fn take_back(
    scene: &Scene<'_>,
    previous: Revision,
    promotion: Promotion,
    cause: Cause,
) -> Option<Plan> {
    let facts = Facts { promoting: None, ..scene.facts.clone() };
    // The canary goes after primary, also when a guard failed it: it may be the only copy.
    let guard_failed = cause == Cause::GuardFailed;
    let counts = if guard_failed { scene.counts_now() } else { scene.counts_to_roll() };
    if !scene.may_roll_primary(counts) {
        return None;
    }
    let writes = scene.enact_counts(previous, counts, &facts);
    let effects = beside(writes, scene.reject(promotion.id, cause));
    let rollback = Rollback {
        id: promotion.id,
        cause,
        from: Origin::Promoting,
        before: promotion.before,
        since: scene.now,
        headway: Headway::started(scene.now),
    };
    Some(Plan::to(State::RollingBack(rollback), effects))
}
