//! A revision prepared for, or under, judgment. Ends of a trial are looked at before forward
//! moves, and a brake (suspended, invalid spec, the target missing) stops only the latter.

use jiff::{SignedDuration, Timestamp};

use crate::count::{canary_count, fit_canary};
use crate::observed::{
    Evidence, Facts, Frozen, Membership, OnInconclusive, Preflight, StepPlan, Takeover,
};
use crate::order::Order;
use crate::plan::{Held, Plan};
use crate::revision::{Cause, Revision};
use crate::scene::{Relation, Scene};
use crate::state::{
    CurrentStep, Origin, PromotedBy, Promotion, Rollback, Stage, State, Stopwatch, Trial,
};

/// The rows of state `Trial`.
pub(crate) fn on_trial(scene: &Scene<'_>, promoted: Revision, trial: Trial) -> Plan {
    if let Some(cause) = ending(scene, &trial) {
        return roll_back(scene, promoted, trial, cause);
    }
    match trial.stage {
        Stage::Preparing(waiting) => preparing(scene, promoted, trial, waiting),
        Stage::Progressing(step) | Stage::Paused(step) => {
            under_way(scene, promoted, trial, settle(scene, trial.id.revision, step))
        }
    }
}

/// Why the trial ends now, if it does. In the order of the table.
fn ending(scene: &Scene<'_>, trial: &Trial) -> Option<Cause> {
    let id = trial.id;
    if let Some(cause) = scene.rejected_for(id) {
        return Some(cause);
    }
    let judged = match trial.stage {
        Stage::Preparing(_) => None,
        Stage::Progressing(step) => Some((step, true)),
        Stage::Paused(step) => Some((step, false)),
    };
    if let Some((step, bounded)) = judged {
        match scene.seen.evidence {
            Evidence::Pass | Evidence::Inconclusive { .. } => {}
            Evidence::GuardFailed | Evidence::Failed if !scene.canary_speaks_for(id.revision) => {}
            Evidence::GuardFailed => return Some(Cause::GuardFailed),
            Evidence::Failed => return Some(Cause::AnalysisFailed),
        }
        let unsettled = settle(scene, id.revision, step).unsettled;
        let late = scene.seen.strategy.progress_deadline < unsettled.elapsed(scene.now);
        // One that has settled meanwhile is not late: nobody may have looked for a while.
        if bounded && late && unsettled.since.is_some() {
            return Some(Cause::DeadlineExceeded);
        }
    }
    if scene.seen.orders.contains(&Order::Abort(id)) {
        return Some(Cause::Aborted);
    }
    let same = |it: &Frozen| {
        scene.seen.target.as_ref().is_some_and(|target| target.desired.trial == it.trial)
    };
    match scene.relation()? {
        Relation::Promoted | Relation::NoTrialNeeded(_) => Some(Cause::Reverted),
        Relation::Rejected(_) => Some(Cause::Rejected),
        Relation::Untried(desired) if desired.revision == id.revision => None,
        // Equal by trial key: what differs belongs to the next look at rest, not to this trial.
        Relation::Untried(_) if scene.frozen(id.revision).is_some_and(same) => None,
        Relation::Untried(_) => Some(Cause::Superseded),
    }
}

fn roll_back(scene: &Scene<'_>, promoted: Revision, trial: Trial, cause: Cause) -> Plan {
    let revision = trial.id.revision;
    let mut effects = scene.reject(trial.id, cause);
    // A failed guard means that its pods serve nobody: both writes at once, in one pass.
    let none = scene.split(0);
    let counts = if cause == Cause::GuardFailed { none } else { scene.next_counts(none) };
    let canary = scene.canary_as_it_is(revision).at(counts.canary);
    effects.extend(scene.enact(promoted.at(counts.primary), canary, &scene.facts));
    let rollback = Rollback {
        id: trial.id,
        cause,
        from: Origin::Trial,
        before: trial.before,
        since: scene.now,
    };
    Plan::to(State::RollingBack(rollback), effects)
}

fn preparing(scene: &Scene<'_>, promoted: Revision, trial: Trial, waiting: Stopwatch) -> Plan {
    let revision = trial.id.revision;
    let waiting = waiting.run(scene.brake().is_none() && 0 < scene.total, scene.now);
    let stage = |stage| State::Trial(Trial { stage, ..trial });
    let mut effects = scene.enact(promoted.at(scene.total), revision.at(0), &scene.facts);
    effects.extend(scene.freeze_again(revision, trial.id.attempt));
    if let Some(held) = scene.brake() {
        return Plan::to(stage(Stage::Preparing(waiting)), effects).held(held);
    }
    if scene.live_bypass() {
        return promote(scene, trial, PromotedBy::Bypass, scene.consuming_bypass());
    }
    if scene.total == 0 {
        return Plan::to(stage(Stage::Preparing(waiting)), effects).held(Held::ScaledToZero);
    }
    if skips_all(scene, trial) {
        return promote(scene, trial, PromotedBy::Commanded, scene.facts.clone());
    }
    let started = scene.seen.orders.contains(&Order::Start(trial.id));
    if scene.seen.preflight == Preflight::Passed || started {
        return Plan::to(stage(Stage::Progressing(enter(scene, 0))), effects);
    }
    let deadline = scene.seen.strategy.progress_deadline;
    let overdue = deadline < waiting.elapsed(scene.now);
    let held = if overdue { Held::PreflightFailed } else { Held::PreflightPending };
    Plan::to(stage(Stage::Preparing(waiting)), effects)
        .held(held)
        .wake(waiting.due(deadline).filter(|_| !overdue))
}

fn under_way(scene: &Scene<'_>, promoted: Revision, trial: Trial, step: CurrentStep) -> Plan {
    let revision = trial.id.revision;
    let freeze = scene.freeze_again(revision, trial.id.attempt);
    // Without its template nowhere a canary can't get pods; what it has it keeps.
    let can_grow = scene.frozen(revision).is_some() || freeze.is_some();
    let planned = fit_canary(step.canary, scene.total);
    let canary_goal = if can_grow { planned } else { planned.min(scene.canary_units()) };
    let counts = scene.next_counts(scene.split(canary_goal));
    let (primary, canary) = (promoted.at(counts.primary), revision.at(counts.canary));
    let mut effects: Vec<_> = freeze.into_iter().collect();
    effects.extend(scene.enact(primary, canary, &scene.facts));
    let stay = |paused: bool, held: Option<Held>| {
        let paused = paused || matches!(trial.stage, Stage::Paused(_));
        let stage = if paused { Stage::Paused(step) } else { Stage::Progressing(step) };
        Plan::to(State::Trial(Trial { stage, ..trial }), effects.clone())
            .held(held)
            .wake(next_look(scene, step))
    };
    if let Some(held) = scene.brake() {
        return stay(false, Some(held));
    }
    if scene.live_bypass() {
        return promote(scene, trial, PromotedBy::Bypass, scene.consuming_bypass());
    }
    if scene.total == 0 {
        return stay(false, Some(Held::ScaledToZero));
    }
    if skips_all(scene, trial) {
        return promote(scene, trial, PromotedBy::Commanded, scene.facts.clone());
    }
    if scene.seen.orders.contains(&Order::PromoteStep(trial.id, step.index)) {
        return forward(scene, trial, step, PromotedBy::Commanded);
    }
    let Some(plan) = scene.seen.strategy.steps.get(step.index).copied() else {
        // The frozen strategy always has this step; without it nothing may move by itself.
        return stay(true, Some(Held::Inconclusive));
    };
    judge(scene, trial, step, plan, stay)
}

/// Hold over and Pass leads on; Inconclusive waits, and at `maxHold` does what the user chose.
fn judge(
    scene: &Scene<'_>,
    trial: Trial,
    step: CurrentStep,
    plan: StepPlan,
    stay: impl Fn(bool, Option<Held>) -> Plan,
) -> Plan {
    let held_for = step.hold.elapsed(scene.now);
    if held_for < plan.hold || step.hold.since.is_none() {
        return stay(false, None);
    }
    match scene.seen.evidence {
        // `on_trial` has already rolled these back; were they to come here, nothing moves.
        Evidence::GuardFailed | Evidence::Failed => stay(false, None),
        Evidence::Pass => {
            let approved = scene.seen.orders.contains(&Order::Approve(trial.id, step.index));
            if plan.approval && !approved {
                return stay(true, Some(Held::ApprovalRequired));
            }
            forward(scene, trial, step, PromotedBy::Passed)
        }
        Evidence::Inconclusive { .. } if held_for < plan.max_hold => stay(false, None),
        Evidence::Inconclusive { delivered } => {
            let enough = delivered && plan.max_hold <= step.delivered.elapsed(scene.now);
            match scene.seen.strategy.on_inconclusive {
                OnInconclusive::Promote if enough => {
                    promote(scene, trial, PromotedBy::Inconclusive, scene.facts.clone())
                }
                OnInconclusive::Rollback if enough => {
                    let promoted = scene.promoted.unwrap_or(trial.id.revision);
                    roll_back(scene, promoted, trial, Cause::Inconclusive)
                }
                OnInconclusive::Pause | OnInconclusive::Promote | OnInconclusive::Rollback => {
                    stay(true, Some(Held::Inconclusive))
                }
            }
        }
    }
}

/// The next step, entered without effects: its size must be persisted before its pods exist.
fn forward(scene: &Scene<'_>, trial: Trial, step: CurrentStep, promoted_by: PromotedBy) -> Plan {
    let index = step.index + 1;
    if index < scene.seen.strategy.steps.len() {
        let stage = Stage::Progressing(enter(scene, index));
        return Plan::to(State::Trial(Trial { stage, ..trial }), scene.upkeep());
    }
    promote(scene, trial, promoted_by, scene.facts.clone())
}

fn promote(scene: &Scene<'_>, trial: Trial, promoted_by: PromotedBy, facts: Facts) -> Plan {
    let revision = trial.id.revision;
    let facts = Facts { promoting: Some(Takeover { revision, promoted_by }), ..facts };
    let mut effects: Vec<_> = scene.freeze_again(revision, trial.id.attempt).into_iter().collect();
    effects.extend(scene.enact_counts(revision, scene.counts_to_roll(), &facts));
    let promotion = Promotion { id: trial.id, promoted_by, before: trial.before, since: scene.now };
    Plan::to(State::Promoting(promotion), effects)
}

fn skips_all(scene: &Scene<'_>, trial: Trial) -> bool {
    scene.seen.orders.contains(&Order::PromoteFull(trial.id))
}

/// The step of this index, its clocks at zero and its canary count fixed.
pub(crate) fn enter(scene: &Scene<'_>, index: usize) -> CurrentStep {
    let size = scene.seen.strategy.steps.get(index).map(|it| it.size);
    CurrentStep {
        index,
        canary: size.map_or(1, |it| canary_count(it, scene.total)),
        unsettled: Stopwatch::default(),
        hold: Stopwatch::default(),
        delivered: Stopwatch::default(),
    }
}

/// The step with its clocks set by what is seen: the canary's own delay counts towards its
/// deadline; an outage of Kafka, a primary that is not ready and N = 0 stop that clock, and so does
/// a move that we could have made: an operator that was away must not cost a revision its trial.
fn settle(scene: &Scene<'_>, revision: Revision, step: CurrentStep) -> CurrentStep {
    let goal = fit_canary(step.canary, scene.total);
    let primary = &scene.primary.workload;
    let leaving = primary.terminating + scene.seen.canary.as_ref().map_or(0, |it| it.terminating);
    let scaled = scene.seen.canary.as_ref().is_some_and(|it| {
        let runs = it.revision == Some(revision) && it.rolled && !it.differs;
        it.current && runs && it.replicas == goal && goal <= it.available
    }) && primary.replicas == scene.total - goal
        && leaving == 0;
    let running = 0 < scene.total;
    let joined = match scene.seen.membership {
        Membership::Settled | Membership::Unknown => true,
        Membership::Rebalancing | Membership::NotJoined => false,
    };
    let settled = running && scaled && joined;
    let primary_waits = primary.available < primary.replicas;
    let blamed = running
        && !settled
        && !primary_waits
        && !is_our_move(scene, goal)
        && scene.seen.membership != Membership::Unknown;
    let watched = scene.seen.watched_since;
    let delivers =
        matches!(scene.seen.evidence, Evidence::Pass | Evidence::Inconclusive { delivered: true });
    CurrentStep {
        unsettled: step.unsettled.watched(watched).run(blamed, scene.now),
        hold: step.hold.run(settled, scene.now),
        delivered: step.delivered.watched(watched).run(settled && delivers, scene.now),
        ..step
    }
}

/// Whether the canary is all that it was asked to be, and could be asked for more right now.
fn is_our_move(scene: &Scene<'_>, goal: u32) -> bool {
    let canary = scene.canary_side();
    canary.spec <= canary.available && scene.next_counts(scene.split(goal)) != scene.counts_now()
}

fn next_look(scene: &Scene<'_>, step: CurrentStep) -> Option<Timestamp> {
    let plan = scene.seen.strategy.steps.get(step.index)?;
    let ahead = |at: &Timestamp| scene.now < *at;
    // A deadline is over when it has passed, not when it is reached.
    let deadline = scene.seen.strategy.progress_deadline + SignedDuration::from_millis(1);
    [step.unsettled.due(deadline), step.hold.due(plan.hold), step.hold.due(plan.max_hold)]
        .into_iter()
        .flatten()
        .filter(ahead)
        .min()
}
