//! What a person reads: one sentence for the state, one for each transition. Pure.
//! Texts change only when something happened: none contains a running time.

use siskin_analysis::Verdict;
use siskin_analysis::observation::Role;
use siskin_decide::{
    Cause, CurrentStep, Ending, Held, Membership, Plan, PromotedBy, Promotion, Rest, Revision,
    State, Workload,
};

use crate::observe::missing_pods::Obstacle;
use crate::observe::world::{BlockedPods, World};
use crate::report::repairs::{self, Touched};
use crate::report::round::Round;
use crate::report::{refusals, scaling};
use crate::workloads::children::child_name;

/// Characters of a bypass's reason that are told: a sentence; an annotation may hold a novel.
const MAX_REASON: usize = 200;

/// The status message: what is happening, or what is needed.
#[must_use]
pub fn message(round: &Round<'_>) -> String {
    let Round { world, plan, refusals, .. } = *round;
    if let Some(text) = refusals::summary(refusals) {
        return text;
    }
    if let Some(held) = plan.held
        && let Some(text) = held_text(round, held)
    {
        return text;
    }
    match &plan.next {
        State::Pending => "not adopted yet".into(),
        State::Adopting => {
            let text = format!("handing {} over to {0}-primary, pod by pod", world.target_name());
            waiting_for(text, world.missing_pods(Role::Primary))
        }
        State::AtRest(Rest::Initialized) => "the primary serves; waiting for a new version".into(),
        State::AtRest(Rest::Succeeded) => "the last version was promoted".into(),
        State::AtRest(Rest::Failed { revision, cause }) => {
            format!("revision {revision} was rejected: {}", why(round, *revision, *cause))
        }
        State::Trial(trial) => match trial.stage.step() {
            None => "checking the primary and the sources before the first canary pod".into(),
            Some(step) => on_trial(round, step),
        },
        State::Promoting(it) => {
            waiting_for(taking_over(world, *it), world.missing_pods(Role::Primary))
        }
        State::RollingBack(it) => {
            let (revision, why) = (it.id.revision, why(round, it.id.revision, it.cause));
            let text = format!("removing the canary of revision {revision}: {why}");
            waiting_for(text, world.missing_pods(Role::Primary))
        }
        State::Terminating(it) => match it.ending {
            Ending::HandBack => {
                let missing = world.missing_pods_of_target();
                waiting_for("handing the pods back to the Deployment".into(), missing)
            }
            Ending::Leave => {
                "leaving the primary in charge: the Deployment's template was not promoted".into()
            }
            Ending::Remove => "the Deployment is gone: removing its primary and canary".into(),
        },
    }
}

fn on_trial(round: &Round<'_>, step: CurrentStep) -> String {
    let steps = round.world.strategy.steps.len();
    let place = format!("step {}/{steps}, {} canary", step.index + 1, pods(step.canary));
    if step.hold.since.is_none() {
        return format!("{place}: {}", unsettled(round, step));
    }
    match (&round.evidence.assessment, round.evidence.delivery.concern()) {
        (Some(it), Some(silent)) if it.verdict == Verdict::Pass => {
            format!("{place}: {}, but waits for a source: {}", it.finding, silent.message)
        }
        (Some(it), _) => format!("{place}: {}", it.finding),
        (None, _) => place,
    }
}

/// What a step waits for before it is settled. What is in its way beside the canary is named: a user
/// would look for a fault in the version else.
fn unsettled(round: &Round<'_>, step: CurrentStep) -> String {
    let Round { world, evidence, .. } = *round;
    let joined = matches!(evidence.membership, Membership::Settled | Membership::Unknown);
    let is_whole = |it: &Workload| it.current && it.rolled && step.canary <= it.available;
    let is_there = joined && world.canary.as_ref().is_some_and(is_whole);
    match (is_there, world.primary_in_the_way()) {
        (true, Some(way)) => {
            format!("the canary is Ready and in the group; {way}, which is waited for")
        }
        (true, None) => {
            "the canary is Ready and in the group; the primary is on its way to its count".into()
        }
        (false, way) => {
            let text = "waiting until the canary is Ready and has joined the group".to_owned();
            let text = waiting_for(text, world.missing_pods(Role::Canary));
            match way {
                Some(way) => format!("{text}; {way}, and that time is not held against the canary"),
                None => text,
            }
        }
    }
}

/// The text, with what it is that keeps pods from coming.
fn waiting_for(text: String, missing: Option<Obstacle>) -> String {
    match missing {
        Some(missing) => format!("{text}; {}", missing.words),
        None => text,
    }
}

fn pods(count: u32) -> String {
    if count == 1 { "1 pod".into() } else { format!("{count} pods") }
}

/// Why it can't go on, and what to do; `None` where the state says enough.
fn held_text(round: &Round<'_>, held: Held) -> Option<String> {
    let Round { world, evidence, plan: Plan { next, .. }, .. } = round;
    let target = world.target_name();
    Some(match held {
        Held::TargetMissing => {
            format!("Deployment {target} does not exist; what runs is kept, nothing new is tried")
        }
        Held::NameTaken => format!(
            "{target}, {target}-primary or {target}-canary belongs to another CanaryRollout or another tool; delete one of the two, or rename"
        ),
        Held::InvalidSpec => {
            let errors: Vec<_> = world.spec_errors.iter().map(ToString::to_string).collect();
            format!("the spec is not valid: {}", errors.join("; "))
        }
        Held::Suspended => "suspended by spec.suspend".into(),
        Held::ScaledToZero => "scaled to zero: a trial waits for consumers".into(),
        Held::TargetUnavailable => format!(
            "waiting until Deployment {target} is complete and Available before it is adopted"
        ),
        Held::AutoscalerOnTarget => scaling::in_the_way_text(world),
        Held::AutoscalerPending => scaling::pending_text(world),
        Held::TargetPaused => format!(
            "Deployment {target} is paused: nothing new is tried and no pods are handed back to it; run kubectl rollout resume deployment/{target}"
        ),
        Held::PrimaryBlocked => {
            blocked(&format!("{target}-primary"), world.blocked.primary.as_ref())
        }
        Held::CanaryBlocked => match (world.blocked.canary.as_ref(), evidence.streams) {
            (None, Some(delay)) => format!("{delay}; that time is not held against the version"),
            (pods, _) => blocked(&format!("{target}-canary"), pods),
        },
        Held::PrimaryLost => format!(
            "{target}-primary is gone and no frozen template is marked promoted; set {target}'s replicas by hand, remove its annotation siskin.dev/replicas, and it is adopted again"
        ),
        Held::PreflightPending | Held::PreflightFailed => preflight(round, held),
        Held::ApprovalRequired => {
            let step = next.step().map_or(0, |it| it.index + 1);
            let id = next.rollout().map(|it| it.to_string()).unwrap_or_default();
            format!(
                "step {step} passed and waits for approval: annotate siskin.dev/approve: \"{id}/{step}\""
            )
        }
        Held::Inconclusive => {
            let found = evidence.assessment.as_ref().map(|it| it.finding.to_string());
            let silent = evidence.delivery.concern().map(|it| it.message.clone());
            let why = silent.or(found).unwrap_or_else(|| "there is no evidence".into());
            let step = next.step().map_or(0, |it| it.index + 1);
            let id = next.rollout().map(|it| it.to_string()).unwrap_or_default();
            format!(
                "paused at maxHold: {why}; it goes on when the evidence does, or annotate siskin.dev/promote: \"{id}/{step}\" or siskin.dev/abort: \"{id}\""
            )
        }
        Held::RevisionRejected => {
            let rejected = rejection(world)?;
            format!(
                "revision {} was rejected ({}) and is not tried again; change the template, or annotate siskin.dev/retry: \"{}\"",
                rejected.0,
                why(round, rejected.0, rejected.1),
                rejected.2
            )
        }
        Held::Overdue => match (next, evidence.streams) {
            (State::Trial(_), Some(delay)) => format!("{}; {delay}", overdue(round)),
            (_, _) => overdue(round),
        },
    })
}

/// Pods that the cluster does not let run, in the server's words, with what makes room.
fn blocked(child: &str, pods: Option<&BlockedPods>) -> String {
    let words = pods.map_or_else(|| format!("pods of {child} are missing"), |it| it.words.clone());
    format!(
        "{words}; it goes on when there is room. Where two pods can't run side by side set spec.strategy.order: DrainFirst"
    )
}

/// What preflight complains of, and once that is overdue how to do without it.
fn preflight(round: &Round<'_>, held: Held) -> String {
    let all: Vec<_> = round.evidence.concerns.iter().map(|it| it.message.as_str()).collect();
    let text =
        if all.is_empty() { "preflight is about to pass".to_owned() } else { all.join("; ") };
    match round.plan.next.rollout() {
        Some(id) if held == Held::PreflightFailed => {
            format!("{text}; to start anyway annotate siskin.dev/start: \"{id}\"")
        }
        Some(_) | None => text,
    }
}

/// What has got no further for too long, and what is in its way: pods that are missing, a child that
/// somebody edits.
fn overdue(round: &Round<'_>) -> String {
    let Round { world, plan: Plan { next, .. }, .. } = *round;
    if let Some(step) = next.step() {
        let edited = edited(world).unwrap_or_default();
        let text = unsettled(round, step);
        return format!("overdue: {}: {text}{edited}", what_is_overdue(next));
    }
    let missing = match next {
        State::Terminating(_) => world.missing_pods_of_target(),
        State::Pending
        | State::Adopting
        | State::AtRest(_)
        | State::Trial(_)
        | State::Promoting(_)
        | State::RollingBack(_) => None,
    };
    let missing = missing.or_else(|| world.missing_pods(Role::Primary));
    waiting_for(format!("overdue: {}", what_is_overdue(next)), missing)
}

/// A child that does not look as it should, and what to do if it never does.
fn edited(world: &World) -> Option<String> {
    let mut roles = [Role::Canary, Role::Primary].into_iter();
    let role = roles.find(|it| repairs::touched(world, *it) == Some(Touched::Changed))?;
    let child = child_name(world.target_name(), role);
    Some(format!(
        "; {child} does not look as it should: if it is changed as often as it is mended, find out by whom with kubectl get deployment {child} -o yaml --show-managed-fields, and exempt it there"
    ))
}

fn what_is_overdue(next: &State) -> &'static str {
    match next {
        State::Promoting(_) => {
            "the primary does not become ready on the new revision; the canary is kept. Fix the template, revert it, or abort"
        }
        State::RollingBack(_) => {
            "the primary does not become ready, so the rollback can't finish. Ship a fix with siskin.dev/bypass, or repair the primary"
        }
        State::Terminating(_) => {
            "released with every running copy kept; look at the primary Deployment"
        }
        State::Pending | State::Adopting | State::AtRest(_) | State::Trial(_) => {
            "nothing has moved for longer than progressDeadline"
        }
    }
}

fn rejection(world: &World) -> Option<(Revision, Cause, String)> {
    let desired = world.target.as_ref()?.desired;
    let rejected =
        world.live.frozen.iter().map(|it| &it.frozen).filter(|it| it.rejection.is_some());
    let exact = rejected.clone().find(|it| it.revision == desired.revision);
    let found = exact.or_else(|| rejected.clone().find(|it| it.trial == desired.trial))?;
    let rejection = found.rejection?;
    Some((found.revision, rejection.cause, rejection.rollout.to_string()))
}

/// Why a canary was removed.
pub(crate) const fn cause_text(cause: Cause) -> &'static str {
    match cause {
        Cause::GuardFailed => "a guard failed",
        Cause::AnalysisFailed => "the comparison with the primary failed",
        Cause::DeadlineExceeded => "it was not Ready and in the group within progressDeadline",
        Cause::Aborted => "it was aborted",
        Cause::Inconclusive => "the evidence stayed inconclusive until maxHold",
        Cause::Superseded => "a newer version arrived",
        Cause::Reverted => "the Deployment went back to the promoted version",
        Cause::Rejected => "a rejected revision is wanted",
        Cause::Resumed => "a canary without a record of its trial was found",
    }
}

/// Why a canary was removed, with what the judge or a guard said of it.
pub(crate) fn why(round: &Round<'_>, revision: Revision, cause: Cause) -> String {
    let Round { world, evidence, .. } = round;
    let text = cause_text(cause);
    let judged = matches!(cause, Cause::GuardFailed | Cause::AnalysisFailed);
    let now = evidence.guard.as_ref().map(ToString::to_string).or_else(|| {
        let fault = evidence.assessment.as_ref().filter(|it| it.verdict == Verdict::Fail);
        fault.map(|it| it.finding.to_string())
    });
    let then = || {
        let analysis = world.rollout.status.as_ref()?.analysis.as_ref()?;
        (analysis.verdict == Some(siskin_api::Verdict::Fail)).then(|| analysis.reason.clone())?
    };
    let late = (cause == Cause::DeadlineExceeded).then(|| what_was_late(world, revision));
    let late = late.flatten();
    match then().or(now).filter(|_| judged).or(late) {
        Some(reason) => format!("{text}: {reason}"),
        None => text.to_owned(),
    }
}

/// What keeps the pods of a canary from running, or kept them when this revision was given up.
pub(crate) fn what_was_late(world: &World, revision: Revision) -> Option<String> {
    let progress = world.rollout.status.as_ref().and_then(|it| it.progress.as_ref());
    let kept = progress.filter(|it| it.revision == revision.to_string());
    let kept = kept.and_then(|it| it.obstacle.clone());
    kept.or_else(|| world.missing_pods(Role::Canary).map(|it| it.words))
}

/// A hotfix names its reason, which somebody will ask for later.
fn taking_over(world: &World, promotion: Promotion) -> String {
    let text = format!("the primary is taking over revision {}", promotion.id.revision);
    let reason = world.target.as_ref().and_then(|it| it.bypass.as_ref());
    match (promotion.promoted_by, reason) {
        (PromotedBy::Bypass, Some(reason)) => {
            let reason: String = reason.chars().take(MAX_REASON).collect();
            format!("{text} without a trial: {reason}")
        }
        (PromotedBy::Bypass, None)
        | (
            PromotedBy::Passed
            | PromotedBy::Commanded
            | PromotedBy::Inconclusive
            | PromotedBy::NoTrialNeeded
            | PromotedBy::Resumed,
            _,
        ) => text,
    }
}

/// What allowed a promotion.
pub(crate) const fn promoted_text(how: PromotedBy) -> &'static str {
    match how {
        PromotedBy::Passed => "every step passed",
        PromotedBy::Commanded => "a person skipped what was left",
        PromotedBy::Inconclusive => "onInconclusive: Promote",
        PromotedBy::Bypass => "bypassed by annotation",
        PromotedBy::NoTrialNeeded => "the change needs no trial by canaryOn",
        PromotedBy::Resumed => "a promotion under way was found",
    }
}

#[cfg(test)]
mod tests;
