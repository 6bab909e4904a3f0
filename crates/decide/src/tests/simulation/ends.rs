//! What the end of a trial, of a promotion and of a deletion may follow from, and what it must do at
//! once. Computed from what was observed, not from how `decide` came to its plan.

use jiff::Timestamp;

use super::world::World;
use crate::observed::{Evidence, MoveOrder, Observed, OnInconclusive};
use crate::order::Order;
use crate::plan::{Effect, Plan};
use crate::revision::Cause;
use crate::state::{Origin, Rollback};

/// I5: what is rejected goes in one pass, and primary gets all that is left of N in the same, unless
/// it has to wait for the pods that leave.
pub(super) fn at_once(world: &World, seen: &Observed, plan: &Plan, cause: Cause) {
    let gone = plan.effects.iter().any(|it| matches!(it, Effect::Canary { replicas: 0, .. }));
    if !gone && seen.canary.as_ref().is_some_and(|it| 0 < it.replicas) {
        world.fail(&format!("I5: {cause:?}, and the canary is not removed at once"));
    }
    let written = plan.effects.iter().find_map(|it| {
        let Effect::Primary { replicas, facts, .. } = it else { return None };
        Some((*replicas, facts.replicas))
    });
    let known = seen.primary.as_ref().map(|it| (it.workload.replicas, it.facts.replicas));
    let waits = seen.strategy.order == MoveOrder::DrainFirst;
    if let Some((replicas, total)) = written.or(known).filter(|it| it.0 < it.1 && !waits) {
        world.fail(&format!("I5: {cause:?}, and primary is at {replicas} of {total}"));
    }
}

/// What a rollback may follow from, and what it must leave behind: a mark before anything else.
pub(super) fn rollback(world: &World, seen: &Observed, plan: &Plan, it: Rollback) {
    let asked_for = matches!(it.cause, Cause::Aborted | Cause::Inconclusive);
    if world.profile.benign && it.cause.rejects() && !asked_for {
        world.fail(&format!("a healthy version is rejected: {:?}", it.cause));
    }
    let primary = world.cluster.primary.as_ref().map(|it| &it.deployment);
    let runs = primary
        .is_some_and(|it| it.named == it.made.from && it.has_rolled() && 0 < it.counted.available);
    if (it.cause, it.from) == (Cause::Superseded, Origin::Promoting)
        && runs
        && primary.is_some_and(|primary| primary.named == it.id.revision)
    {
        world.fail("takes back a promotion that primary already runs");
    }
    let ordered = seen.orders.contains(&Order::Abort(it.id));
    let other =
        seen.target.as_ref().is_some_and(|target| target.desired.revision != it.id.revision);
    let mark = seen.frozen.iter().find(|frozen| frozen.revision == it.id.revision);
    let mark = mark.and_then(|frozen| frozen.rejection);
    let entered = seen.state.step().and_then(|step| {
        world.memory.entered.iter().find(|at| at.0 == (it.id.attempt, step.index))
    });
    let late = |at: &((u32, usize), Timestamp)| {
        seen.strategy.progress_deadline < world.felt.duration_since(at.1)
    };
    let delivered = seen.evidence == Evidence::Inconclusive { delivered: true };
    let follows = match it.cause {
        Cause::GuardFailed => seen.evidence == Evidence::GuardFailed,
        Cause::AnalysisFailed => seen.evidence == Evidence::Failed,
        Cause::DeadlineExceeded => entered.is_some_and(late),
        Cause::Aborted => ordered,
        Cause::Inconclusive => {
            delivered && seen.strategy.on_inconclusive == OnInconclusive::Rollback
        }
        Cause::Superseded | Cause::Reverted => other,
        Cause::Rejected => mark.is_some() || other,
        Cause::Resumed => true,
    };
    // A crash may have come between the mark and the status.
    if !follows && mark.is_none_or(|mark| (mark.cause, mark.rollout) != (it.cause, it.id)) {
        world.fail(&format!("{it:?} has nothing to follow from"));
    }
    let rejects = |effect: &Effect| matches!(effect, Effect::Reject { .. });
    let moves = |effect: &Effect| matches!(effect, Effect::Primary { .. } | Effect::Canary { .. });
    let first_move = plan.effects.iter().position(moves);
    let marks = plan.effects.iter().position(rejects);
    // A template that must be frozen again before, which may fail for ever, waits for the moves.
    let again = |it: &Effect| matches!(it, Effect::Freeze { .. } | Effect::Refreeze { .. });
    let known = !plan.effects.iter().any(again);
    if known && marks.is_some_and(|marks| first_move.is_some_and(|first| first < marks)) {
        world.fail("moves before it marks the revision rejected");
    }
    let template = world.cluster.find(it.id.revision).is_some();
    if it.cause.rejects() && marks.is_none() && mark.is_none() && template {
        world.fail(&format!("{it:?} leaves no mark"));
    }
}
