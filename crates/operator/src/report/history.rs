//! The entry that a rollout leaves in the status when it is over.
//! Pure. What the status does not say by then is not in it.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use siskin_api::annotations::target;
use siskin_api::{Command, CommandRecord, HistoryEntry, ProgressStatus, RolloutOutcome};
use siskin_decide::{Cause, Effect, PromotedBy, Rest, RolloutId, State};
use strum::IntoEnumIterator;

use crate::commands::who::Giver;
use crate::persisted;
use crate::process::metrics::endings::Ended;
use crate::report::round::Round;
use crate::report::words::{cause_text, promoted_text, why};

/// How a rollout is over.
#[derive(Clone, Copy)]
enum End {
    Promoted(PromotedBy),
    TakenBack(Cause),
}

impl End {
    fn all() -> impl Iterator<Item = Self> {
        PromotedBy::iter().map(Self::Promoted).chain(Cause::iter().map(Self::TakenBack))
    }

    const fn outcome(self) -> RolloutOutcome {
        match self {
            Self::Promoted(_) => RolloutOutcome::Promoted,
            Self::TakenBack(cause) => taken_back(cause),
        }
    }

    fn counted(self) -> Ended {
        let reason = match self {
            Self::Promoted(by) => by.into(),
            Self::TakenBack(cause) => cause.into(),
        };
        Ended { outcome: self.outcome().into(), reason }
    }
}

/// All ends that there are, as they are counted.
pub(super) fn all_ends() -> impl Iterator<Item = Ended> {
    End::all().map(End::counted)
}

/// The end of a rollout that ended with this plan, as it is counted, and how long the rollout took.
pub(super) fn counted(round: &Round<'_>) -> Option<(Ended, Duration)> {
    let (_, end) = end(round)?;
    Some((end.counted(), since_started(round)))
}

/// How long the rollout of this round has been under way.
pub(super) fn since_started(round: &Round<'_>) -> Duration {
    // The clock may have been set back meanwhile.
    round.now.duration_since(started(round)).try_into().unwrap_or_default()
}

/// The rollout that is over with this plan.
fn end(round: &Round<'_>) -> Option<(RolloutId, End)> {
    let (state, next) = (&round.world.state, &round.plan.next);
    let id = state.rollout()?;
    if next.rollout() == Some(id) {
        return None;
    }
    match (state, next) {
        (State::Promoting(it), State::AtRest(Rest::Succeeded)) => {
            Some((id, End::Promoted(it.promoted_by)))
        }
        (State::RollingBack(it), _) => Some((id, End::TakenBack(it.cause))),
        (_, _) => None,
    }
}

fn before<'a>(round: &Round<'a>) -> Option<&'a ProgressStatus> {
    round.world.rollout.status.as_ref()?.progress.as_ref()
}

fn started(round: &Round<'_>) -> Timestamp {
    before(round).and_then(|it| it.started.as_ref()).map_or(round.now, |it| it.0)
}

/// The entry of a rollout that ended with this plan; `given` are the commands that have an answer.
pub(super) fn ended(round: &Round<'_>, given: &[CommandRecord]) -> Option<HistoryEntry> {
    let now = round.now;
    let (id, end) = end(round)?;
    let (cause, promoted_by) = match end {
        End::Promoted(by) => (None, Some(by)),
        End::TakenBack(cause) => (Some(cause), None),
    };
    let text = promoted_by.map(promoted_text).or(cause.map(cause_text)).unwrap_or_default();
    let progress = before(round);
    let why = cause.map_or_else(|| text.to_owned(), |it| why(round, id.revision, it));
    Some(HistoryEntry {
        rollout_id: id.to_string(),
        change_id: progress.and_then(|it| it.change_id.clone()),
        revision: id.revision.to_string(),
        outcome: end.outcome(),
        cause: cause.map(persisted::wire_cause),
        promoted_by: promoted_by.map(persisted::wire_promoted_by),
        by: by(round, id, given),
        message: Some(why),
        excuse: None,
        started: Time(started(round)),
        finished: Time(now),
    })
}

/// Says of an attempt whose rejection was lifted for it what stayed with the data.
pub(super) fn excuse(round: &Round<'_>, history: &mut [HistoryEntry]) {
    for effect in &round.applied.made {
        if let Effect::ClearRejection { excused: Some(id), .. } = effect {
            let stayed = round.evidence.stayed.as_ref().map(|it| it.sentence.clone());
            let of_it = history.iter_mut().filter(|it| it.rollout_id == id.to_string());
            of_it.for_each(|it| it.excuse.clone_from(&stayed));
        }
    }
}

const fn taken_back(cause: Cause) -> RolloutOutcome {
    match cause {
        Cause::Superseded => RolloutOutcome::Superseded,
        Cause::Reverted => RolloutOutcome::Reverted,
        Cause::GuardFailed
        | Cause::AnalysisFailed
        | Cause::DeadlineExceeded
        | Cause::Aborted
        | Cause::Inconclusive
        | Cause::Rejected
        | Cause::Resumed => RolloutOutcome::RolledBack,
    }
}

/// Who asked for this end, where somebody did.
fn by(round: &Round<'_>, id: RolloutId, given: &[CommandRecord]) -> Option<String> {
    let gave = |commands: &[Command]| {
        let of_it = |it: &&CommandRecord| {
            commands.contains(&it.command) && it.value.starts_with(&id.to_string())
        };
        given.iter().rev().find(of_it)?.by.clone()
    };
    match &round.world.state {
        State::RollingBack(it) if it.cause == Cause::Aborted => gave(&[Command::Abort]),
        State::Promoting(it) => match it.promoted_by {
            PromotedBy::Commanded => gave(&[Command::Promote, Command::Start]),
            PromotedBy::Bypass => {
                let target = round.world.live.target.as_ref()?;
                Giver::of(&target.metadata, target::BYPASS).words(false)
            }
            PromotedBy::Passed
            | PromotedBy::Inconclusive
            | PromotedBy::NoTrialNeeded
            | PromotedBy::Resumed => None,
        },
        State::Pending
        | State::Adopting
        | State::AtRest(_)
        | State::Trial(_)
        | State::RollingBack(_)
        | State::Terminating(_) => None,
    }
}
