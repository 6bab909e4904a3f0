//! A revision prepared for, or under, judgment. Ends of a trial are looked at before forward
//! moves, and a brake (suspended, invalid spec, the target missing) stops only the latter.

use jiff::{SignedDuration, Timestamp};

use crate::count::{Counts, canary_count, fit_canary};
use crate::moves::beside;
use crate::observed::{
    Evidence, Facts, Frozen, Membership, OnInconclusive, Preflight, StepPlan, Takeover,
};
use crate::order::Order;
use crate::plan::{Held, Plan};
use crate::revision::{Cause, Revision};
use crate::scene::{Relation, Scene};
use crate::state::{
    CurrentStep, Headway, Origin, PromotedBy, Promotion, Rollback, Stage, State, Stopwatch, Trial,
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
    let none = scene.split(0);
    let at_once = cause.is_immediate();
    let counts = if at_once { scene.give_up_canary() } else { scene.next_counts(none) };
    let canary = scene.canary_as_it_is(revision).at(counts.canary);
    let writes = scene.enact(promoted.at(counts.primary), canary, &scene.facts);
    let effects = beside(writes, scene.reject(trial.id, cause));
    let rollback = Rollback {
        id: trial.id,
        cause,
        from: Origin::Trial,
        before: trial.before,
        since: scene.now,
        headway: Headway::started(scene.now),
    };
    Plan::to(State::RollingBack(rollback), effects)
}

fn preparing(scene: &Scene<'_>, promoted: Revision, trial: Trial, waiting: Stopwatch) -> Plan {
    let revision = trial.id.revision;
    let waiting = waiting.run(scene.start_brake().is_none() && 0 < scene.total, scene.now);
    let stage = |stage| State::Trial(Trial { stage, ..trial });
    let mut effects = scene.enact(promoted.at(scene.total), revision.at(0), &scene.facts);
    effects.extend(scene.freeze_again(revision, trial.id.attempt));
    if let Some(held) = scene.start_brake() {
        return Plan::to(stage(Stage::Preparing(waiting)), effects).held(held);
    }
    if let Some(plan) = ordered_promotion(scene, trial) {
        return plan;
    }
    if scene.total == 0 {
        return Plan::to(stage(Stage::Preparing(waiting)), effects).held(Held::ScaledToZero);
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
    let counts = next_counts(scene, step, canary_goal);
    let (primary, canary) = (promoted.at(counts.primary), revision.at(counts.canary));
    let grows = scene.canary_units() < canary.replicas;
    let writes = scene.enact(primary, canary, &scene.facts);
    let freeze: Vec<_> = freeze.into_iter().collect();
    let effects = if grows { [freeze, writes].concat() } else { [writes, freeze].concat() };
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
    if let Some(plan) = ordered_promotion(scene, trial) {
        return plan;
    }
    if scene.total == 0 {
        return stay(false, Some(Held::ScaledToZero));
    }
    if scene.seen.orders.contains(&Order::PromoteStep(trial.id, step.index)) {
        let plan = forward(scene, trial, step, PromotedBy::Commanded);
        return plan.unwrap_or_else(|| stay(false, None));
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
        return stay(false, scene.stands_still(step).or(scene.canary_blocked(step)));
    }
    match told(scene) {
        // `on_trial` has already rolled these back; were they to come here, nothing moves.
        Evidence::GuardFailed | Evidence::Failed => stay(false, None),
        Evidence::Pass => {
            let approved = scene.seen.orders.contains(&Order::Approve(trial.id, step.index));
            if plan.approval && !approved {
                return stay(true, Some(Held::ApprovalRequired));
            }
            let plan = forward(scene, trial, step, PromotedBy::Passed);
            plan.unwrap_or_else(|| stay(false, None))
        }
        Evidence::Inconclusive { .. } if held_for < plan.max_hold => stay(false, None),
        Evidence::Inconclusive { delivered } => {
            let enough = delivered && plan.max_hold <= step.delivered.elapsed(scene.now);
            match scene.seen.strategy.on_inconclusive {
                OnInconclusive::Promote if enough => {
                    let facts = scene.facts.clone();
                    let plan = promote(scene, trial, PromotedBy::Inconclusive, facts);
                    plan.unwrap_or_else(|| stay(false, None))
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

/// The judge's word; nothing that was said of a group which nobody can see now leads on.
const fn told(scene: &Scene<'_>) -> Evidence {
    match (scene.seen.evidence, scene.seen.membership) {
        (Evidence::Pass | Evidence::Inconclusive { .. }, Membership::Unknown) => {
            Evidence::Inconclusive { delivered: false }
        }
        (
            evidence,
            Membership::Settled
            | Membership::Rebalancing
            | Membership::NotJoined
            | Membership::Unknown,
        ) => evidence,
    }
}

/// The next step, entered without effects: its size must be persisted before its pods exist.
fn forward(
    scene: &Scene<'_>,
    trial: Trial,
    step: CurrentStep,
    promoted_by: PromotedBy,
) -> Option<Plan> {
    let index = step.index + 1;
    if index < scene.seen.strategy.steps.len() {
        let stage = Stage::Progressing(enter(scene, index));
        return Some(Plan::to(State::Trial(Trial { stage, ..trial }), scene.upkeep()));
    }
    promote(scene, trial, promoted_by, scene.facts.clone())
}

/// The promotion that a person asks for, by a bypass or by a command.
fn ordered_promotion(scene: &Scene<'_>, trial: Trial) -> Option<Plan> {
    if scene.live_bypass() {
        return promote(scene, trial, PromotedBy::Bypass, scene.consuming_bypass());
    }
    let skips_all = scene.seen.orders.contains(&Order::PromoteFull(trial.id));
    let facts = (skips_all && 0 < scene.total).then(|| scene.facts.clone())?;
    promote(scene, trial, PromotedBy::Commanded, facts)
}

/// `None` while too few others serve for primary to replace its pods.
fn promote(scene: &Scene<'_>, trial: Trial, promoted_by: PromotedBy, facts: Facts) -> Option<Plan> {
    let revision = trial.id.revision;
    let counts = scene.counts_to_roll();
    if !scene.may_roll_primary(counts) {
        return None;
    }
    let facts = Facts { promoting: Some(Takeover { revision, promoted_by }), ..facts };
    let mut effects: Vec<_> = scene.freeze_again(revision, trial.id.attempt).into_iter().collect();
    effects.extend(scene.enact_counts(revision, counts, &facts));
    let (before, since) = (trial.before, scene.now);
    let headway = Headway::started(since);
    let promotion = Promotion { id: trial.id, promoted_by, before, since, headway };
    Some(Plan::to(State::Promoting(promotion), effects))
}

/// The next counts on the way to `goal`. What changes both children, as a restart of the target
/// does, comes before the next unit: those on their way get there, or are given up for lost.
fn next_counts(scene: &Scene<'_>, step: CurrentStep, goal: u32) -> Counts {
    let counts = scene.next_counts(scene.split(goal));
    if !scene.restart_waits(counts) {
        return counts;
    }
    let lost = scene.seen.canary_blocked.is_some() || step.hold != Stopwatch::default();
    let canary = scene.canary_side();
    let units = if lost { canary.serving() } else { canary.spec };
    scene.next_counts(scene.split(units.min(goal)))
}

/// The step of this index, its clocks at zero and its canary count fixed.
pub(crate) fn enter(scene: &Scene<'_>, index: usize) -> CurrentStep {
    let size = scene.seen.strategy.steps.get(index).map(|it| it.size);
    CurrentStep {
        index,
        canary: size.map_or(1, |it| canary_count(it, scene.total)),
        reached: 0,
        unsettled: Stopwatch::default(),
        hold: Stopwatch::default(),
        delivered: Stopwatch::default(),
        waits: Some(scene.now),
    }
}

/// The step with its clocks set by what is seen. Only the canary's own delay counts towards its
/// deadline, and each of its pods that gets further begins it anew, as does a restart of those that
/// had got there.
fn settle(scene: &Scene<'_>, revision: Revision, step: CurrentStep) -> CurrentStep {
    let goal = fit_canary(step.canary, scene.total);
    let primary = &scene.primary.workload;
    let canary = scene.seen.canary.as_ref();
    let leaving = primary.terminating + canary.map_or(0, |it| it.terminating);
    let scaled = canary.is_some_and(|it| {
        let runs = it.revision == Some(revision) && it.rolled && !it.differs;
        it.current && runs && it.replicas == goal && goal <= it.available
    }) && primary.replicas == scene.total - goal
        && leaving == 0;
    let (joined, known) = match scene.seen.membership {
        Membership::Settled => (true, true),
        Membership::Unknown => (true, false),
        Membership::Rebalancing | Membership::NotJoined => (false, true),
    };
    let running = 0 < scene.total;
    let settled = running && scaled && joined;
    // What changes the canary, as a restart of the target does, has all of its pods begin again.
    let mends = scene.mends_canary();
    let restarts = 0 < step.reached && mends;
    let before = if restarts { 0 } else { step.reached };
    let counts = known && !mends;
    let reached = if counts { before.max(scene.canary_serving().min(goal)) } else { before };
    let blamed = running && !settled && scene.canary_delays(step, goal);
    let watched = scene.seen.watched_since;
    let well = step.hold.since.is_some_and(|it| scene.overdue(it));
    let begins = restarts || before < reached || (settled && well);
    let unsettled = if begins { Stopwatch::default() } else { step.unsettled.watched(watched) };
    let delivered = settled && known && scene.seen.evidence.is_delivered();
    CurrentStep {
        reached,
        unsettled: unsettled.run(blamed, scene.now),
        hold: step.hold.run(settled, scene.now),
        delivered: step.delivered.run_within(scene.seen.unbroken, delivered, scene.now),
        waits: (running && !settled).then(|| {
            let moves = next_counts(scene, step, goal) != scene.counts_now();
            let gets_on = moves || scene.total_changes();
            step.waits.filter(|_| !gets_on).unwrap_or(scene.now)
        }),
        ..step
    }
}

impl Scene<'_> {
    /// Whether it is the canary that is waited for, and nothing else: no pods of primary that leave or start, no other N,
    /// no cluster without room, no Kafka that says nothing, nobody who edits it, no controller that has yet to look at it
    /// or to count its pods, no move of ours. Once all was settled a group that rebalances is something else, too.
    fn canary_delays(&self, step: CurrentStep, goal: u32) -> bool {
        let (primary, canary) = (&self.primary.workload, self.seen.canary.as_ref());
        let lacks = canary.is_none_or(|it| !it.rolled || it.available < it.replicas);
        let unseen = canary.is_some_and(|it| !it.current) || self.seen.canary_uncounted;
        let own = match self.seen.membership {
            Membership::NotJoined => true,
            Membership::Rebalancing => lacks || step.hold == Stopwatch::default(),
            Membership::Settled => lacks,
            Membership::Unknown => false,
        };
        let primary_moves = primary.available < primary.replicas
            || !primary.current
            || 0 < primary.terminating
            || self.total_changes();
        let blocked = self.seen.canary_blocked.is_some() || self.mends_canary();
        own && !unseen && !primary_moves && !blocked && !is_our_move(self, goal)
    }

    /// Pods of the canary that serve on its template, none of an earlier one among them.
    fn canary_serving(&self) -> u32 {
        let canary = self.seen.canary.as_ref().filter(|it| it.current);
        canary.map_or(0, |it| it.available.min(it.updated).min(self.seen.canary_joined))
    }

    /// Whether the step has got no further for longer than a version may take, and none of that is the
    /// version's doing: else it would have been rejected.
    fn stands_still(&self, step: CurrentStep) -> Option<Held> {
        self.waits_since(step).filter(|it| self.overdue(*it)).map(|_| Held::Overdue)
    }

    /// Since when the step has not got on, as far as this process has watched it.
    fn waits_since(&self, step: CurrentStep) -> Option<Timestamp> {
        step.waits.zip(self.seen.watched_since).map(|(since, watched)| since.max(watched))
    }

    /// Whether the cluster keeps the canary of this step from running; overdue once it has done so
    /// for longer than a version may take.
    fn canary_blocked(&self, step: CurrentStep) -> Option<Held> {
        let since = self.seen.canary_blocked.filter(|_| step.hold.since.is_none())?;
        Some(if self.overdue(since) { Held::Overdue } else { Held::CanaryBlocked })
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
    let told = |it: Option<Timestamp>| it.and_then(|it| it.saturating_add(deadline).ok());
    let (blocked, waits) = (told(scene.seen.canary_blocked), told(scene.waits_since(step)));
    let (hold, max_hold) = (step.hold.due(plan.hold), step.hold.due(plan.max_hold));
    [step.unsettled.due(deadline), blocked, waits, hold, max_hold]
        .into_iter()
        .flatten()
        .filter(ahead)
        .min()
}
