//! Observations to start from, and the one thing that a row changes about them.
//! All at one moment, N = 4, all pods where they should be.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::autoscaler::{Answer, Autoscalers, Scaler, ScalerKind, ScalerName, Scales, Taken};
use crate::observed::{
    Desired, Evidence, Facts, Frozen, Membership, MoveOrder, Names, Observed, OnInconclusive,
    Preflight, Primary, Rejection, StepPlan, StepSize, Strategy, Takeover, Target, Workload,
};
use crate::order::Order;
use crate::revision::{Cause, Revision, RolloutId, TrialKey};
use crate::shape::{DeploymentStrategy, Portion};
use crate::state::{
    CurrentStep, Ending, Headway, Origin, PromotedBy, Promotion, Rest, Rollback, Stage, State,
    Stopwatch, Termination, Trial, Unbroken,
};

/// The revision that primary serves.
pub const PROMOTED: Revision = Revision(1);
/// Another content key, the same trial key as [`PROMOTED`].
pub const ALIKE: Revision = Revision(11);
/// A revision that needs a trial after [`PROMOTED`].
pub const NEXT: Revision = Revision(2);
/// A revision that needs a trial after either of the others.
pub const THIRD: Revision = Revision(3);
/// The attempt at [`NEXT`] that is under way, where one is.
pub const ID: RolloutId = RolloutId { revision: NEXT, attempt: 1 };
/// One before it.
pub const EARLIER: RolloutId = RolloutId { revision: NEXT, attempt: 0 };
/// The attempt that a fix would be.
pub const FIX: RolloutId = RolloutId { revision: THIRD, attempt: 2 };
/// The promotion of [`NEXT`], as the primary Deployment says it.
pub const PASSED: Takeover = Takeover { revision: NEXT, promoted_by: PromotedBy::Passed };
/// The moment of every observation.
pub const NOW: Timestamp = Timestamp::constant(10_000, 0);
/// One pod more than N, none less.
pub const ONE_MORE: DeploymentStrategy = DeploymentStrategy::RollingUpdate {
    max_surge: Portion::Pods(1),
    max_unavailable: Portion::Pods(0),
};
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// One change of an observation.
pub type Change = fn(&mut Observed);

/// The observation after these changes.
#[must_use]
pub fn with(mut seen: Observed, changes: &[Change]) -> Observed {
    for change in changes {
        change(&mut seen);
    }
    seen
}

/// A Deployment with `replicas` pods, all Ready and of this revision.
#[must_use]
pub fn workload(revision: Revision, replicas: u32) -> Workload {
    Workload {
        revision: Some(revision),
        replicas,
        ready: replicas,
        available: replicas,
        updated: replicas,
        terminating: 0,
        current: true,
        rolled: true,
        differs: false,
    }
}

/// A frozen template; only [`PROMOTED`] is marked promoted.
#[must_use]
pub fn frozen(revision: Revision, attempt: u32) -> Frozen {
    let (trial, promoted) = (TrialKey((revision.0 % 10).into()), revision == PROMOTED);
    Frozen { revision, trial, promoted, rejection: None, attempt, excused: None }
}

/// A plain Deployment, complete, and a `CanaryRollout` that has just been applied.
#[must_use]
pub fn plain() -> Observed {
    let step = |size, approval| StepPlan { size, hold: MINUTE, max_hold: MINUTE * 3, approval };
    Observed {
        uid: Arc::from("ours"),
        state: State::Pending,
        deleted_at: None,
        namespace_terminating: false,
        finalizer: true,
        names: Names::Ours,
        suspended: false,
        spec_valid: true,
        replicas: None,
        last_total: None,
        max_consumers: None,
        strategy: Strategy {
            steps: [step(StepSize::Replicas(1), false), step(StepSize::Replicas(2), false)].into(),
            order: MoveOrder::SurgeFirst,
            progress_deadline: MINUTE * 10,
            on_inconclusive: OnInconclusive::Pause,
        },
        target: Some(Target {
            workload: workload(PROMOTED, 4),
            desired: Desired { revision: PROMOTED, trial: TrialKey(1) },
            available: true,
            noted: None,
            written: None,
            owned: false,
            bypass: None,
            strategy: ONE_MORE,
            paused: false,
        }),
        target_absent_for: SignedDuration::ZERO,
        autoscalers: Autoscalers::NONE,
        primary: None,
        canary: None,
        primary_blocked: None,
        canary_blocked: None,
        canary_uncounted: false,
        frozen: vec![],
        preflight: Preflight::Passed,
        membership: Membership::Settled,
        canary_joined: 0,
        evidence: Evidence::Inconclusive { delivered: true },
        fault_stayed: None,
        awaits_last_sample: false,
        watched_since: Some(Timestamp::MIN),
        unbroken: Some(Unbroken { since: Timestamp::MIN, until: Timestamp::MAX }),
        first_look: Timestamp::MIN,
        orders: vec![],
    }
}

/// The primary Deployment was just created; the target still has all units.
#[must_use]
pub fn adopting() -> Observed {
    let facts = Facts {
        owner: Arc::from("ours"),
        adopted: false,
        promoted: Some(PROMOTED),
        promoting: None,
        replicas: 4,
        target_replicas: Some(4),
        attempts: 0,
        bypass: None,
        ending: None,
        scaled_by: None,
        seeded: false,
        declined: None,
    };
    Observed {
        state: State::Adopting,
        last_total: Some(4),
        primary: Some(Primary { workload: workload(PROMOTED, 0), facts, strategy: ONE_MORE }),
        frozen: vec![frozen(PROMOTED, 0)],
        ..plain()
    }
}

/// Adopted, everything promoted, no canary.
#[must_use]
pub fn at_rest() -> Observed {
    with(
        adopting(),
        &[
            |it| it.state = State::AtRest(Rest::Initialized),
            |it| primary(it).workload = workload(PROMOTED, 4),
            |it| primary(it).facts.adopted = true,
            |it| target(it).workload = workload(PROMOTED, 0),
            |it| target(it).noted = Some(4),
        ],
    )
}

/// The attempt at [`NEXT`] waits for preflight.
#[must_use]
pub fn preparing() -> Observed {
    let waiting = Stage::Preparing(Stopwatch::started(NOW - MINUTE));
    let seen = with(
        at_rest(),
        &[
            |it| it.frozen.push(frozen(NEXT, 1)),
            |it| primary(it).facts.attempts = 1,
            |it| ask(it, NEXT),
            |it| it.preflight = Preflight::Failed,
        ],
    );
    Observed { state: at_stage(waiting), ..seen }
}

/// The first step, settled for two minutes: its hold is over, `maxHold` is not.
#[must_use]
pub fn progressing() -> Observed {
    let clock = Stopwatch::started(NOW - MINUTE * 2);
    let step = CurrentStep {
        index: 0,
        canary: 1,
        reached: 1,
        unsettled: Stopwatch::default(),
        hold: clock,
        delivered: clock,
        waits: None,
    };
    let seen = with(
        preparing(),
        &[
            |it| primary(it).workload = workload(PROMOTED, 3),
            |it| it.canary = Some(workload(NEXT, 1)),
            |it| it.canary_joined = 1,
        ],
    );
    Observed { state: at_stage(Stage::Progressing(step)), ..seen }
}

/// Primary has been given [`NEXT`] and has not rolled yet.
#[must_use]
pub fn promoting() -> Observed {
    let since = NOW - MINUTE;
    let (before, headway) = (Rest::Initialized, Headway { reached: u32::MAX, since });
    let promotion = Promotion { id: ID, promoted_by: PromotedBy::Passed, before, since, headway };
    let seen = with(
        progressing(),
        &[
            |it| primary(it).workload = Workload { rolled: false, ..workload(NEXT, 3) },
            |it| primary(it).facts.promoting = Some(PASSED),
        ],
    );
    Observed { state: State::Promoting(promotion), ..seen }
}

/// The canary of an aborted attempt is on its way out.
#[must_use]
pub fn rolling_back() -> Observed {
    let rollback = Rollback {
        id: ID,
        cause: Cause::Aborted,
        from: Origin::Trial,
        before: Rest::Initialized,
        since: NOW - MINUTE,
        headway: Headway { reached: u32::MAX, since: NOW - MINUTE },
    };
    let seen = with(progressing(), &[|it| reject(it, NEXT, Cause::Aborted, ID)]);
    Observed { state: State::RollingBack(rollback), ..seen }
}

/// The attempt [`ID`] at this stage.
#[must_use]
pub const fn at_stage(stage: Stage) -> State {
    State::Trial(Trial { id: ID, before: Rest::Initialized, stage })
}

/// Deleted a minute ago, ending in `ending` if that is noted.
#[must_use]
pub fn deleted(mut seen: Observed, ending: Option<Ending>) -> Observed {
    seen.deleted_at = Some(NOW - MINUTE);
    primary(&mut seen).facts.ending = ending;
    seen
}

/// The primary Deployment of the observation.
///
/// # Panics
/// When there is none.
pub fn primary(seen: &mut Observed) -> &mut Primary {
    seen.primary.as_mut().expect("the primary is there")
}

/// The target of the observation.
///
/// # Panics
/// When there is none.
pub fn target(seen: &mut Observed) -> &mut Target {
    seen.target.as_mut().expect("the target is there")
}

/// The step under way.
///
/// # Panics
/// When none is.
pub fn step(seen: &mut Observed) -> &mut CurrentStep {
    let State::Trial(Trial { stage: Stage::Progressing(step), .. }) = &mut seen.state else {
        panic!("no step is under way")
    };
    step
}

/// The target's live template is this one.
pub fn ask(seen: &mut Observed, revision: Revision) {
    target(seen).desired = Desired { revision, trial: TrialKey((revision.0 % 10).into()) };
}

/// The target carries a bypass that was not consumed yet.
pub fn bypass(seen: &mut Observed) {
    target(seen).bypass = Some(Arc::from("it burns"));
}

/// A `HorizontalPodAutoscaler` of this name.
#[must_use]
pub fn scaler(name: &str, scales: Scales) -> Scaler {
    Scaler {
        name: ScalerName { kind: ScalerKind::HorizontalPodAutoscaler, name: Arc::from(name) },
        scales,
        marked: false,
        bar: None,
        answer: Answer::Serves,
        says: None,
        version: 1,
    }
}

/// One autoscaler, and nobody else, scales this.
pub fn autoscaled(seen: &mut Observed, scales: Scales) {
    seen.autoscalers = Autoscalers::Known { all: vec![scaler("orders", scales)], vertical: false };
}

/// It was taken over long ago, and works.
pub fn taken(seen: &mut Observed) {
    autoscaled(seen, Scales::Rollout);
    seen.replicas = Some(4);
    let facts = &mut primary(seen).facts;
    (facts.scaled_by, facts.seeded) =
        (Some(Taken { scaler: scaler("orders", Scales::Rollout).name, answered: true }), true);
}

/// A person gives this order.
pub fn order(seen: &mut Observed, order: Order) {
    seen.orders.push(order);
}

/// The revision is marked rejected by this attempt, for this cause.
pub fn reject(seen: &mut Observed, revision: Revision, cause: Cause, rollout: RolloutId) {
    seen.frozen.retain(|it| it.revision != revision);
    let rejection = Some(Rejection { cause, rollout });
    seen.frozen.push(Frozen { rejection, ..frozen(revision, rollout.attempt) });
}

/// N is 0, everywhere.
pub fn to_zero(seen: &mut Observed) {
    seen.replicas = Some(0);
    primary(seen).workload = workload(PROMOTED, 0);
}

/// What is going on began long before its deadline.
pub fn overdue(seen: &mut Observed) {
    let long_ago = NOW - MINUTE * 11;
    match &mut seen.state {
        State::Promoting(it) => it.headway.since = long_ago,
        State::RollingBack(it) => it.headway.since = long_ago,
        State::Terminating(it) => it.headway.since = long_ago,
        State::Trial(Trial { stage: Stage::Preparing(clock), .. }) => {
            *clock = Stopwatch::started(long_ago);
        }
        State::Trial(_) => step(seen).unsettled = Stopwatch::started(long_ago),
        State::Pending | State::Adopting | State::AtRest(_) => {
            let ending = primary(seen).facts.ending.unwrap_or(Ending::HandBack);
            let headway = Headway { reached: u32::MAX, since: long_ago };
            seen.state = State::Terminating(Termination { ending, headway });
        }
    }
}

/// The step has been Inconclusive for longer than `maxHold`.
pub fn at_max_hold(seen: &mut Observed) {
    let clock = Stopwatch::started(NOW - MINUTE * 4);
    (step(seen).hold, step(seen).delivered) = (clock, clock);
}

/// The promoted template is nowhere: not frozen, not on the target, not on the primary.
pub fn lose_promoted(seen: &mut Observed) {
    seen.frozen.retain(|it| it.revision != PROMOTED);
    ask(seen, THIRD);
    let runs = seen.frozen.first().map_or(THIRD, |it| it.revision);
    primary(seen).workload.revision = Some(runs);
}
