//! The entry that a rollout leaves in the status when it is over.
//! Pure. What the status does not say by then is not in it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use siskin_api::annotations::target;
use siskin_api::{Command, CommandRecord, HistoryEntry, RolloutOutcome};
use siskin_decide::{Cause, PromotedBy, Rest, RolloutId, State};

use crate::commands::who::Giver;
use crate::persisted;
use crate::report::round::Round;
use crate::report::words::{cause_text, promoted_text, why};

/// The entry of a rollout that ended with this plan; `given` are the commands that have an answer.
pub(super) fn ended(round: &Round<'_>, given: &[CommandRecord]) -> Option<HistoryEntry> {
    let Round { world, plan, now, .. } = *round;
    let id = world.state.rollout()?;
    if plan.next.rollout() == Some(id) {
        return None;
    }
    let (outcome, cause, promoted_by) = match (&world.state, &plan.next) {
        (State::Promoting(it), State::AtRest(Rest::Succeeded)) => {
            (RolloutOutcome::Promoted, None, Some(it.promoted_by))
        }
        (State::RollingBack(it), _) => (taken_back(it.cause), Some(it.cause), None),
        (_, _) => return None,
    };
    let text = promoted_by.map(promoted_text).or(cause.map(cause_text)).unwrap_or_default();
    let before = world.rollout.status.as_ref();
    let progress = before.and_then(|it| it.progress.as_ref());
    let started = progress.and_then(|it| it.started.clone());
    let why = cause.map_or_else(|| text.to_owned(), |it| why(round, id.revision, it));
    Some(HistoryEntry {
        rollout_id: id.to_string(),
        change_id: progress.and_then(|it| it.change_id.clone()),
        revision: id.revision.to_string(),
        outcome,
        cause: cause.map(persisted::wire_cause),
        promoted_by: promoted_by.map(persisted::wire_promoted_by),
        by: by(round, id, given),
        message: Some(why),
        started: Time(started.map_or(now, |it| it.0)),
        finished: Time(now),
    })
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
