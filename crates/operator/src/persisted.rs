//! The state as persisted in the status, both ways. A status that can't be read is treated as lost:
//! the durable facts then say where to go on.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use siskin_api as api;
use siskin_api::{CanaryRolloutStatus, ProgressStatus, RestPhase};
use siskin_decide::{
    Cause, CurrentStep, Ending, Headway, Origin, Phase, PromotedBy, Promotion, Rest, Revision,
    Rollback, RolloutId, Stage, State, Stopwatch, Termination, Trial,
};
use strum::IntoEnumIterator;

/// The persisted state; `Pending` when there is none that can be read.
#[must_use]
pub fn read(status: Option<&CanaryRolloutStatus>) -> State {
    status.and_then(parse).unwrap_or(State::Pending)
}

/// The wire form of a state's phase.
pub(crate) const fn wire_phase(state: &State) -> api::Phase {
    match state.phase() {
        Phase::Pending => api::Phase::Pending,
        Phase::Adopting => api::Phase::Adopting,
        Phase::Initialized => api::Phase::Initialized,
        Phase::Succeeded => api::Phase::Succeeded,
        Phase::Failed => api::Phase::Failed,
        Phase::Preparing => api::Phase::Preparing,
        Phase::Progressing => api::Phase::Progressing,
        Phase::Paused => api::Phase::Paused,
        Phase::Promoting => api::Phase::Promoting,
        Phase::RollingBack => api::Phase::RollingBack,
        Phase::Terminating => api::Phase::Terminating,
    }
}

/// What must be persisted of a state beside its phase. `now` stands in where a state has no start.
#[must_use]
pub fn write(state: &State, now: Timestamp) -> Option<ProgressStatus> {
    match state {
        State::Pending | State::Adopting | State::AtRest(Rest::Initialized | Rest::Succeeded) => {
            None
        }
        State::AtRest(Rest::Failed { revision, cause }) => {
            let id = RolloutId { revision: *revision, attempt: 0 };
            Some(ProgressStatus {
                cause: Some(wire_cause(*cause)),
                ..blank(id, Timestamp::UNIX_EPOCH)
            })
        }
        State::Terminating(it) => {
            let id = RolloutId { revision: Revision(0), attempt: 0 };
            Some(ProgressStatus {
                ending: Some(wire_ending(it.ending)),
                ..moving(blank(id, Timestamp::UNIX_EPOCH), it.headway)
            })
        }
        State::Trial(it) => Some(write_trial(it, now)),
        State::Promoting(it) => Some(ProgressStatus {
            promoted_by: Some(wire_promoted_by(it.promoted_by)),
            before: Some(wire_rest(it.before)),
            ..moving(blank(it.id, it.since), it.headway)
        }),
        State::RollingBack(it) => Some(ProgressStatus {
            cause: Some(wire_cause(it.cause)),
            from: Some(match it.from {
                Origin::Trial => api::Origin::Trial,
                Origin::Promoting => api::Origin::Promoting,
            }),
            before: Some(wire_rest(it.before)),
            ..moving(blank(it.id, it.since), it.headway)
        }),
    }
}

fn write_trial(trial: &Trial, now: Timestamp) -> ProgressStatus {
    let before = Some(wire_rest(trial.before));
    match trial.stage {
        Stage::Preparing(waiting) => ProgressStatus {
            before,
            clocks: api::Clocks { unsettled: wire_clock(waiting), ..api::Clocks::default() },
            ..blank(trial.id, waiting.since.unwrap_or(now))
        },
        Stage::Progressing(step) | Stage::Paused(step) => ProgressStatus {
            before,
            step: i32::try_from(step.index).ok(),
            canary: i32::try_from(step.canary).ok(),
            reached: i32::try_from(step.reached).ok(),
            advanced: step.waits.map(MicroTime),
            clocks: api::Clocks {
                unsettled: wire_clock(step.unsettled),
                hold: wire_clock(step.hold),
                delivered: wire_clock(step.delivered),
            },
            ..blank(trial.id, Timestamp::UNIX_EPOCH)
        },
    }
}

fn parse(status: &CanaryRolloutStatus) -> Option<State> {
    let progress = status.progress.as_ref();
    Some(match status.phase? {
        api::Phase::Pending => State::Pending,
        api::Phase::Adopting => State::Adopting,
        // Written by a version that knew no `Pending`, before it had adopted anything.
        api::Phase::Initialized if !status.adopted && status.replicas.is_none() => State::Pending,
        api::Phase::Initialized => State::AtRest(Rest::Initialized),
        api::Phase::Succeeded => State::AtRest(Rest::Succeeded),
        api::Phase::Failed => State::AtRest(Rest::Failed {
            revision: Revision::from_str(&progress?.revision).ok()?,
            cause: read_cause(progress?.cause?)?,
        }),
        api::Phase::Terminating => State::Terminating(Termination {
            ending: read_ending(progress?.ending?)?,
            headway: headway(progress?),
        }),
        api::Phase::Preparing => {
            let waiting = read_clock(&progress?.clocks.unsettled);
            trial(progress?, Stage::Preparing(waiting))?
        }
        api::Phase::Progressing => trial(progress?, Stage::Progressing(step(progress?)?))?,
        api::Phase::Paused => trial(progress?, Stage::Paused(step(progress?)?))?,
        api::Phase::Promoting => State::Promoting(Promotion {
            id: id(progress?)?,
            promoted_by: read_promoted_by(progress?.promoted_by?)?,
            before: read_rest(progress?)?,
            since: progress?.since.0,
            headway: headway(progress?),
        }),
        api::Phase::RollingBack => State::RollingBack(Rollback {
            id: id(progress?)?,
            cause: read_cause(progress?.cause?)?,
            from: match progress?.from? {
                api::Origin::Trial => Origin::Trial,
                api::Origin::Promoting => Origin::Promoting,
            },
            before: read_rest(progress?)?,
            since: progress?.since.0,
            headway: headway(progress?),
        }),
    })
}

fn trial(progress: &ProgressStatus, stage: Stage) -> Option<State> {
    Some(State::Trial(Trial { id: id(progress)?, before: read_rest(progress)?, stage }))
}

fn step(progress: &ProgressStatus) -> Option<CurrentStep> {
    Some(CurrentStep {
        index: usize::try_from(progress.step?).ok()?,
        canary: u32::try_from(progress.canary?).ok()?,
        reached: reached(progress),
        unsettled: read_clock(&progress.clocks.unsettled),
        hold: read_clock(&progress.clocks.hold),
        delivered: read_clock(&progress.clocks.delivered),
        waits: progress.advanced.as_ref().map(|it| it.0),
    })
}

/// How far pods had got; a status of an older operator says only when the state began.
fn headway(progress: &ProgressStatus) -> Headway {
    let since = progress.advanced.as_ref().unwrap_or(&progress.since).0;
    Headway { reached: reached(progress), since }
}

fn reached(progress: &ProgressStatus) -> u32 {
    progress.reached.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
}

fn moving(progress: ProgressStatus, headway: Headway) -> ProgressStatus {
    ProgressStatus {
        reached: Some(i32::try_from(headway.reached).unwrap_or(i32::MAX)),
        advanced: Some(MicroTime(headway.since)),
        ..progress
    }
}

fn id(progress: &ProgressStatus) -> Option<RolloutId> {
    let revision = Revision::from_str(&progress.revision).ok()?;
    Some(RolloutId {
        revision,
        attempt: u32::try_from(progress.attempt).ok().filter(|it| *it <= RolloutId::MAX_ATTEMPT)?,
    })
}

fn blank(id: RolloutId, since: Timestamp) -> ProgressStatus {
    ProgressStatus {
        revision: id.revision.to_string(),
        attempt: i32::try_from(id.attempt).unwrap_or(i32::MAX),
        step: None,
        canary: None,
        reached: None,
        advanced: None,
        since: MicroTime(since),
        started: None,
        cause: None,
        change_id: None,
        obstacle: None,
        from: None,
        before: None,
        promoted_by: None,
        clocks: api::Clocks::default(),
        plan: None,
        ending: None,
    }
}

fn wire_clock(clock: Stopwatch) -> api::Clock {
    let spent_ms = i64::try_from(clock.spent.as_millis()).unwrap_or(i64::MAX);
    api::Clock { spent_ms, since: clock.since.map(MicroTime) }
}

fn read_clock(clock: &api::Clock) -> Stopwatch {
    Stopwatch {
        spent: SignedDuration::from_millis(clock.spent_ms.max(0)),
        since: clock.since.as_ref().map(|it| it.0),
    }
}

fn wire_rest(rest: Rest) -> api::Before {
    let of = |phase| api::Before { phase, revision: None, cause: None };
    match rest {
        Rest::Initialized => of(RestPhase::Initialized),
        Rest::Succeeded => of(RestPhase::Succeeded),
        Rest::Failed { revision, cause } => api::Before {
            phase: RestPhase::Failed,
            revision: Some(revision.to_string()),
            cause: Some(wire_cause(cause)),
        },
    }
}

fn read_rest(progress: &ProgressStatus) -> Option<Rest> {
    let before = progress.before.as_ref()?;
    Some(match before.phase {
        RestPhase::Initialized => Rest::Initialized,
        RestPhase::Succeeded => Rest::Succeeded,
        RestPhase::Failed => Rest::Failed {
            revision: Revision::from_str(before.revision.as_deref()?).ok()?,
            cause: read_cause(before.cause?)?,
        },
    })
}

/// The wire form of a cause.
pub(crate) const fn wire_cause(cause: Cause) -> api::Cause {
    match cause {
        Cause::GuardFailed => api::Cause::GuardFailed,
        Cause::AnalysisFailed => api::Cause::AnalysisFailed,
        Cause::DeadlineExceeded => api::Cause::DeadlineExceeded,
        Cause::Aborted => api::Cause::Aborted,
        Cause::Inconclusive => api::Cause::Inconclusive,
        Cause::Superseded => api::Cause::Superseded,
        Cause::Reverted => api::Cause::Reverted,
        Cause::Rejected => api::Cause::Rejected,
        Cause::Resumed => api::Cause::Resumed,
    }
}

fn read_cause(wire: api::Cause) -> Option<Cause> {
    Cause::iter().find(|it| wire_cause(*it) == wire)
}

/// The wire form of what allowed a promotion.
pub(crate) const fn wire_promoted_by(it: PromotedBy) -> api::PromotionReason {
    match it {
        PromotedBy::Passed => api::PromotionReason::Passed,
        PromotedBy::Commanded => api::PromotionReason::Commanded,
        PromotedBy::Inconclusive => api::PromotionReason::Inconclusive,
        PromotedBy::Bypass => api::PromotionReason::Bypass,
        PromotedBy::NoTrialNeeded => api::PromotionReason::NoTrialNeeded,
        PromotedBy::Resumed => api::PromotionReason::Resumed,
    }
}

fn read_promoted_by(wire: api::PromotionReason) -> Option<PromotedBy> {
    PromotedBy::iter().find(|it| wire_promoted_by(*it) == wire)
}

const fn wire_ending(ending: Ending) -> api::Ending {
    match ending {
        Ending::HandBack => api::Ending::HandBack,
        Ending::Leave => api::Ending::Leave,
        Ending::Remove => api::Ending::Remove,
    }
}

fn read_ending(wire: api::Ending) -> Option<Ending> {
    Ending::iter().find(|it| wire_ending(*it) == wire)
}

#[cfg(test)]
mod tests;
