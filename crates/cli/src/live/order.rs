//! A person's command as the annotation that gives it, with the ids that the status names.
//! Pure. Refuses what the operator would call stale, and says what to do instead.

use siskin_api::annotations::command;
use siskin_api::{CanaryRollout, CanaryRolloutStatus, Command, Phase};

use crate::live::{advice, view};

/// What a person wants of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Abort,
    Approve,
    PromoteStep,
    PromoteFull,
    Retry,
    Start,
}

/// The annotation to set on the `CanaryRollout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderToGive {
    pub(crate) command: Command,
    pub(crate) key: &'static str,
    pub(crate) value: String,
    /// What goes unproven by it, if anything: asked before.
    pub(crate) skips: Option<String>,
}

/// The order that fulfills a wish now.
pub(crate) fn of(wish: Wish, rollout: &CanaryRollout) -> Result<OrderToGive, String> {
    let status = rollout.status.as_ref().ok_or("the operator has not seen it yet")?;
    let phase = status.phase.ok_or("the operator has not seen it yet")?;
    let id = || status.rollout_id.clone().ok_or_else(|| "the status names no attempt".to_owned());
    let refuse = |what: &str| Err(format!("{what} ({})", said(status, phase)));
    let (command, value, skips) = match wish {
        Wish::Abort if is_under_way(phase) => (Command::Abort, id()?, None),
        Wish::Abort => return refuse("there is nothing to abort"),
        Wish::Approve if !is_on_trial(phase) => return refuse("no step waits for an approval"),
        Wish::Approve if !advice::needs_approval(status) => {
            return refuse("this step asks for no approval; to skip what is left of it: promote");
        }
        Wish::Approve => (Command::Approve, format!("{}/{}", id()?, step(status)?), None),
        Wish::PromoteStep if !is_on_trial(phase) => {
            return refuse(
                "there is no step to skip; to skip preflight and all steps: promote --full",
            );
        }
        Wish::PromoteStep => {
            let step = step(status)?;
            let skips = format!("step {step} ends without what is left of its comparison");
            (Command::Promote, format!("{}/{step}", id()?), Some(skips))
        }
        Wish::PromoteFull if is_on_trial(phase) || phase == Phase::Preparing => {
            let skips = "the version goes to all consumers without any further comparison";
            (Command::Promote, format!("{}/full", id()?), Some(skips.to_owned()))
        }
        Wish::PromoteFull => return refuse("there is no trial to promote"),
        Wish::Retry => match rejection(status, phase) {
            Some(id) => (Command::Retry, id, None),
            None => return refuse("the version that the Deployment asks for is not rejected"),
        },
        Wish::Start if phase == Phase::Preparing => {
            let skips = format!("the trial begins although: {}", said(status, phase));
            (Command::Start, id()?, Some(skips))
        }
        Wish::Start => return refuse("no trial waits for preflight"),
    };
    Ok(OrderToGive { command, key: key(wish), value, skips })
}

fn key(wish: Wish) -> &'static str {
    match wish {
        Wish::Abort => command::ABORT,
        Wish::Approve => command::APPROVE,
        Wish::PromoteStep | Wish::PromoteFull => command::PROMOTE,
        Wish::Retry => command::RETRY,
        Wish::Start => command::START,
    }
}

fn said(status: &CanaryRolloutStatus, phase: Phase) -> String {
    let message = status.message.as_deref().unwrap_or("no word of the operator");
    format!("{}: {message}", view::phase(phase))
}

/// The present step, counted from 1 as people do.
fn step(status: &CanaryRolloutStatus) -> Result<i32, String> {
    let index = status.progress.as_ref().and_then(|it| it.step);
    index.map(|it| it + 1).ok_or_else(|| "the status names no step".to_owned())
}

/// The attempt that rejected what the Deployment asks for. One that was rejected in other words, as a
/// template of the same key, is the latest.
fn rejection(status: &CanaryRolloutStatus, phase: Phase) -> Option<String> {
    let revisions = status.revisions.as_ref()?;
    let same =
        |it: &&siskin_api::RejectedRevision| Some(&it.revision) == revisions.desired.as_ref();
    let latest = || revisions.rejected.first().filter(|_| phase == Phase::Failed);
    revisions.rejected.iter().find(same).or_else(latest).map(|it| it.rollout_id.clone())
}

fn is_on_trial(phase: Phase) -> bool {
    matches!(phase, Phase::Progressing | Phase::Paused)
}

fn is_under_way(phase: Phase) -> bool {
    is_on_trial(phase) || matches!(phase, Phase::Preparing | Phase::Promoting)
}

#[cfg(test)]
mod tests;
