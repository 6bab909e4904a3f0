//! Primary takes a revision over, then the canary's units go over to it. The canary may be the
//! only healthy copy, so until primary is ready both are kept, however long that takes.

use super::observed::{Evidence, Facts, Order, Rejection};
use super::plan::{Effect, Held, Plan};
use super::revision::{Cause, Revision};
use super::scene::{Relation, Scene};
use super::state::{Origin, Promotion, Rest, Rollback, State};

/// The rows of state `Promoting`.
pub(super) fn promoting(scene: &Scene<'_>, previous: Revision, promotion: Promotion) -> Plan {
    let revision = promotion.id.revision;
    if previous == revision && scene.facts.promoting.is_none() {
        // The last patch was made, the status write was lost.
        return finish(scene, revision);
    }
    let overdue = scene.overdue(promotion.since);
    if let Some(cause) = taken_back(scene, promotion, overdue) {
        return take_back(scene, previous, promotion, cause);
    }
    let facts = Facts { promoting: Some(revision), ..scene.facts.clone() };
    let canary_now = scene.seen.canary.as_ref().map_or(0, |it| it.replicas).min(scene.total);
    let rolled = scene.primary_serves(revision, scene.total - canary_now);
    if rolled && scene.primary_ready(scene.total) && scene.canary_gone() {
        let facts = Facts { promoting: None, promoted: Some(revision), ..facts };
        let mut effects = vec![Effect::MarkPromoted { revision }];
        effects.extend(scene.enact((revision, scene.total), (revision, 0), &facts));
        return Plan::to(State::AtRest(Rest::Succeeded), effects);
    }
    // Before primary has rolled only N moves it; afterwards the canary's units go over.
    let canary_goal = if rolled { 0 } else { canary_now };
    let (primary, canary) = scene.counts(scene.total - canary_goal, canary_goal);
    let effects = scene.enact((revision, primary), (revision, canary), &facts);
    Plan::to(State::Promoting(promotion), effects)
        .held(overdue.then_some(Held::Overdue))
        .wake((!overdue).then(|| scene.deadline(promotion.since)))
}

fn finish(scene: &Scene<'_>, revision: Revision) -> Plan {
    let effects = scene.enact((revision, scene.total), (revision, 0), &scene.facts);
    Plan::to(State::AtRest(Rest::Succeeded), effects)
}

fn taken_back(scene: &Scene<'_>, promotion: Promotion, overdue: bool) -> Option<Cause> {
    let revision = promotion.id.revision;
    if scene.is_rejected(revision) {
        return Some(Cause::Rejected);
    }
    if scene.seen.evidence == Evidence::GuardFailed {
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

/// Primary back to its previous template first; the canary follows when that is ready.
fn take_back(scene: &Scene<'_>, previous: Revision, promotion: Promotion, cause: Cause) -> Plan {
    let revision = promotion.id.revision;
    let mut effects = Vec::new();
    if cause.rejects() {
        let rejection = Rejection { cause, rollout: promotion.id };
        effects.push(Effect::Reject { revision, rejection });
    }
    let facts = Facts { promoting: None, ..scene.facts.clone() };
    let canary = scene.seen.canary.as_ref().map_or(0, |it| it.replicas);
    let primary = scene.primary.workload.replicas;
    effects.extend(scene.enact((previous, primary), (revision, canary), &facts));
    let rollback = Rollback {
        id: promotion.id,
        cause,
        from: Origin::Promoting,
        before: promotion.before,
        since: scene.now,
    };
    Plan::to(State::RollingBack(rollback), effects)
}
