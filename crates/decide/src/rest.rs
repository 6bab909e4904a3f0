//! At rest: primary serves at N, no canary. Every trial begins here and nowhere else.
//! Judges nothing; it only starts what is then judged.

use crate::observed::{Desired, Facts, Preflight, Rejection, Takeover};
use crate::order::Order;
use crate::plan::{Effect, Held, Plan, WriteScope};
use crate::revision::{Cause, Revision, RolloutId};
use crate::scene::{Relation, Scene};
use crate::state::{
    Headway, Origin, PromotedBy, Promotion, Rest, Rollback, Stage, State, Stopwatch, Trial,
};
use crate::trial::enter;

/// The rows of state `AtRest`.
pub(crate) fn at_rest(scene: &Scene<'_>, promoted: Revision, rest: Rest) -> Plan {
    if scene.canary_has_pods() {
        return roll_back_stray(scene, promoted, rest);
    }
    let repair = scene.enact_alone(promoted, &scene.facts);
    let stay = |rest, held| Plan::to(State::AtRest(rest), repair.clone()).held(held);
    if !scene.canary_gone() || scene.frozen(promoted).is_none() {
        // Its counts are not those of its spec yet, or what the target has can't be held against
        // what was promoted: nothing new before that is known.
        return stay(rest, None);
    }
    let Some(relation) = scene.relation() else {
        return stay(rest, Some(Held::TargetMissing));
    };
    let failed = matches!(rest, Rest::Failed { .. });
    match relation {
        // The user went back to what runs: nobody is needed any more.
        Relation::Promoted if failed => stay(Rest::Succeeded, None),
        Relation::Promoted => stay(rest, scene.brake().filter(|it| *it == Held::InvalidSpec)),
        Relation::Rejected(rejection) => rejected(scene, rejection, repair),
        Relation::NoTrialNeeded(_) | Relation::Untried(_) if scene.start_brake().is_some() => {
            stay(rest, scene.start_brake())
        }
        Relation::NoTrialNeeded(desired) => {
            let facts = scene.facts.clone();
            promote(scene, desired, PromotedBy::NoTrialNeeded, rest, facts)
        }
        Relation::Untried(desired) if scene.live_bypass() => {
            promote(scene, desired, PromotedBy::Bypass, rest, scene.consuming_bypass())
        }
        Relation::Untried(_) if scene.total == 0 => stay(rest, Some(Held::ScaledToZero)),
        Relation::Untried(desired) => try_out(scene, promoted, desired, rest),
    }
}

/// A canary without a record of its trial is removed before anything else.
fn roll_back_stray(scene: &Scene<'_>, promoted: Revision, before: Rest) -> Plan {
    let revision = scene.canary_as_it_is(promoted);
    let attempt = scene.frozen(revision).map_or(0, |it| it.attempt);
    let counts = scene.next_counts(scene.split(0));
    let effects = scene.enact_counts(promoted, counts, &scene.facts);
    let rollback = Rollback {
        id: RolloutId { revision, attempt },
        cause: Cause::Resumed,
        from: Origin::Trial,
        before,
        since: scene.now,
        headway: Headway::started(scene.now),
    };
    Plan::to(State::RollingBack(rollback), effects)
}

/// A rejected revision is not tried again, unless a person names the attempt that rejected it, or what
/// it was rejected for turns out to be the data's: that, once.
fn rejected(scene: &Scene<'_>, rejection: Rejection, repair: Vec<Effect>) -> Plan {
    let Rejection { cause, rollout } = rejection;
    let failed = State::AtRest(Rest::Failed { revision: rollout.revision, cause });
    let retried = scene.seen.orders.contains(&Order::Retry(rollout));
    let excused = (!retried && is_excused(scene, rejection)).then_some(rollout);
    if !(retried || excused.is_some()) || scene.brake().is_some() {
        return Plan::to(failed, repair).held(Held::RevisionRejected);
    }
    let mut effects = repair;
    effects.push(Effect::ClearRejection { revision: rollout.revision, excused });
    Plan::to(failed, effects)
}

/// Whether an attempt was rejected by evidence that is the data's, and its revision was not excused
/// before.
fn is_excused(scene: &Scene<'_>, rejection: Rejection) -> bool {
    let Rejection { cause, rollout } = rejection;
    let is_first = scene.frozen(rollout.revision).is_some_and(|it| it.excused.is_none());
    scene.seen.fault_stayed == Some(rollout) && cause == Cause::AnalysisFailed && is_first
}

/// Count the attempt and freeze the template. Where preflight has passed already, the first step is
/// entered with the same status: its size is persisted, and no look is spent on a state that is
/// over.
fn try_out(scene: &Scene<'_>, promoted: Revision, desired: Desired, before: Rest) -> Plan {
    let attempt = scene.next_attempt(desired.revision);
    let facts = Facts { attempts: attempt, ..scene.facts.clone() };
    // Frozen before it is counted: a template that can't be frozen uses up no number.
    let mut effects = scene.upkeep();
    effects.push(Effect::Freeze { revision: desired.revision, attempt });
    let (replicas, scope) = (scene.total, WriteScope::Whole);
    effects.push(Effect::Primary { revision: promoted, replicas, facts, scope });
    let stage = match scene.seen.preflight {
        Preflight::Passed => Stage::Progressing(enter(scene, 0)),
        Preflight::Failed => Stage::Preparing(Stopwatch::started(scene.now)),
    };
    let id = RolloutId { revision: desired.revision, attempt };
    Plan::to(State::Trial(Trial { id, before, stage }), effects)
}

/// Freeze the template and give it to primary: no trial is needed, or a person skipped it.
fn promote(
    scene: &Scene<'_>,
    desired: Desired,
    promoted_by: PromotedBy,
    before: Rest,
    facts: Facts,
) -> Plan {
    let revision = desired.revision;
    let attempt = scene.next_attempt(revision);
    let promoting = Some(Takeover { revision, promoted_by });
    let facts = Facts { attempts: attempt, promoting, ..facts };
    let mut effects = scene.upkeep();
    effects.push(Effect::Freeze { revision, attempt });
    let (replicas, scope) = (scene.total, WriteScope::Whole);
    effects.push(Effect::Primary { revision, replicas, facts, scope });
    let id = RolloutId { revision, attempt };
    let headway = Headway::started(scene.now);
    let since = scene.now;
    Plan::to(State::Promoting(Promotion { id, promoted_by, before, since, headway }), effects)
}
