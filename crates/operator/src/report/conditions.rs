//! The conditions, by the rules of kstatus: `Reconciling` and `Stalled` only when true, never both.
//! Pure: from what was seen and decided to what is shown.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use siskin_api::CanaryRolloutStatus;
use siskin_api::conditions::{
    self, COMPLETED, PROMOTED, READY, RECONCILING, SOURCES_REACHABLE, STALLED, Say, WRITES_ACCEPTED,
};
use siskin_decide::{Facts, Held, Plan, Rest, State};

use crate::evidence::view::Delivery;
use crate::observe::world::World;
use crate::persisted;
use crate::report::refusals::{self, ToldRefusal};
use crate::report::round::Round;

/// Refusals in a row from which on a person is needed.
const STALLED_FROM: u32 = 2;

/// Sets every condition of the status.
pub(super) fn set(status: &mut CanaryRolloutStatus, round: &Round<'_>, facts: Option<&Facts>) {
    let Round { world, plan, now, .. } = *round;
    let generation = world.rollout.metadata.generation.unwrap_or(0);
    let message = status.message.clone().unwrap_or_default();
    let say = |type_, is: bool, reason, message| Say { type_, status: Some(is), reason, message };
    let all = &mut status.conditions;
    let settled = is_settled(world, plan, facts);
    let refusal = lasting(round, all);
    let stalled = plan.held.is_some_and(Held::stalled) || refusal.is_some();

    let (ready, reason, text) = ready(world, facts);
    conditions::set(all, say(READY, ready, reason, &text), generation, now);
    let promoted =
        settled && !matches!(plan.held, Some(Held::RevisionRejected)) && !is_failed(&plan.next);
    let reason = outcome_reason(&plan.next);
    conditions::set(all, say(PROMOTED, promoted, reason, &message), generation, now);
    conditions::set(all, say(COMPLETED, settled, reason, &message), generation, now);
    if stalled {
        let reason = refusal.map_or_else(|| stalled_reason(round), |it| it.reason.into());
        conditions::set(all, say(STALLED, true, reason, &message), generation, now);
    } else {
        conditions::remove(all, STALLED);
    }
    if !settled && !stalled {
        let reason = reconciling_reason(plan);
        conditions::set(all, say(RECONCILING, true, reason, &message), generation, now);
    } else {
        conditions::remove(all, RECONCILING);
    }
    writes(status, round);
    sources(status, round);
}

/// A refusal that does not pass by itself: met again, here or by a process before this one.
fn lasting<'a>(round: &Round<'a>, before: &[Condition]) -> Option<&'a ToldRefusal> {
    round.refusals.iter().find(|refusal| {
        let reason: &'static str = refusal.reason.into();
        let known = |it: &Condition| it.type_ == WRITES_ACCEPTED && it.reason == reason;
        STALLED_FROM <= refusal.times || before.iter().any(known)
    })
}

/// What is refused, and in whose words.
fn writes(status: &mut CanaryRolloutStatus, round: &Round<'_>) {
    let generation = round.world.rollout.metadata.generation.unwrap_or(0);
    let refusal = round.refusals.first();
    if refusal.is_none() && !status.conditions.iter().any(|it| it.type_ == WRITES_ACCEPTED) {
        return;
    }
    let text =
        refusals::summary(round.refusals).unwrap_or_else(|| "every write is made".to_owned());
    let (accepted, reason) = (refusal.is_none(), refusal.map_or("Accepted", |it| it.reason.into()));
    let say = Say { type_: WRITES_ACCEPTED, status: Some(accepted), reason, message: &text };
    conditions::set(&mut status.conditions, say, generation, round.now);
}

/// Whether nothing more will happen to the template of the target: it is promoted, or rejected.
fn is_settled(world: &World, plan: &Plan, facts: Option<&Facts>) -> bool {
    let State::AtRest(rest) = plan.next else { return false };
    let Some(desired) = world.target.as_ref().map(|it| it.desired.revision) else {
        return false;
    };
    let promoted = facts.and_then(|it| it.promoted) == Some(desired);
    let failed = match rest {
        Rest::Failed { revision, .. } => revision == desired,
        Rest::Initialized | Rest::Succeeded => false,
    };
    match plan.held {
        None | Some(Held::InvalidSpec | Held::AutoscalerOnTarget) => promoted || failed,
        Some(Held::RevisionRejected) => true,
        Some(
            Held::TargetMissing
            | Held::NameTaken
            | Held::Suspended
            | Held::ScaledToZero
            | Held::TargetUnavailable
            | Held::AutoscalerPending
            | Held::TargetPaused
            | Held::PrimaryBlocked
            | Held::CanaryBlocked
            | Held::PrimaryLost
            | Held::PreflightPending
            | Held::PreflightFailed
            | Held::ApprovalRequired
            | Held::Inconclusive
            | Held::Overdue,
        ) => false,
    }
}

const fn is_failed(state: &State) -> bool {
    matches!(state, State::AtRest(Rest::Failed { .. }))
}

/// The health of what serves, whoever serves at the moment.
fn ready(world: &World, facts: Option<&Facts>) -> (bool, &'static str, String) {
    let ready = |it: Option<u32>| it.unwrap_or(0);
    let serving = ready(world.primary.as_ref().map(|it| it.workload.ready))
        + ready(world.canary.as_ref().map(|it| it.ready))
        + ready(world.target.as_ref().map(|it| it.workload.ready));
    let Some(facts) = facts else {
        return (false, "NotAdopted", "not adopted yet".into());
    };
    let total = facts.replicas;
    if total <= serving {
        (true, "PodsReady", format!("{total} consumers wanted and ready"))
    } else {
        (false, "PodsUnavailable", format!("{serving} of {total} consumers ready"))
    }
}

/// Reason of `Promoted` and `Completed`: how the last rollout ended, or the phase it is in.
fn outcome_reason(state: &State) -> &'static str {
    match state {
        State::AtRest(Rest::Failed { cause, .. }) => (*cause).into(),
        State::Pending
        | State::Adopting
        | State::AtRest(Rest::Initialized | Rest::Succeeded)
        | State::Trial(_)
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => persisted::wire_phase(state).into(),
    }
}

/// What holds the rollout, where it is the cluster and no part of a trial's own course; else the phase.
fn reconciling_reason(plan: &Plan) -> &'static str {
    match plan.held {
        Some(
            held @ (Held::TargetPaused
            | Held::AutoscalerPending
            | Held::PrimaryBlocked
            | Held::CanaryBlocked),
        ) => held.into(),
        None
        | Some(
            Held::TargetMissing
            | Held::NameTaken
            | Held::InvalidSpec
            | Held::Suspended
            | Held::ScaledToZero
            | Held::TargetUnavailable
            | Held::AutoscalerOnTarget
            | Held::PrimaryLost
            | Held::PreflightPending
            | Held::PreflightFailed
            | Held::ApprovalRequired
            | Held::Inconclusive
            | Held::RevisionRejected
            | Held::Overdue,
        ) => persisted::wire_phase(&plan.next).into(),
    }
}

/// A failed preflight says which check: that is what a person has to mend.
fn stalled_reason(round: &Round<'_>) -> &'static str {
    match round.plan.held {
        Some(Held::PreflightFailed) => {
            round.evidence.concerns.first().map_or("PreflightFailed", |it| it.reason)
        }
        Some(held) => held.into(),
        None => "Stalled",
    }
}

/// Changes only with its reason: the texts of a client library differ from one try to the next.
fn sources(status: &mut CanaryRolloutStatus, round: &Round<'_>) {
    let Round { world, evidence, now, .. } = *round;
    let generation = world.rollout.metadata.generation.unwrap_or(0);
    let told = status.conditions.iter().any(|it| it.type_ == SOURCES_REACHABLE);
    if told && evidence.delivery == Delivery::Silent {
        // What was told stands until a source says something: a new process has not asked yet.
        return;
    }
    let (reachable, reason, text) = match evidence.delivery.concern() {
        Some(concern) => (false, concern.reason, concern.message.as_str()),
        None => (true, "Answered", "the consumer group can be read"),
    };
    let unchanged = status.conditions.iter().any(|it| {
        it.type_ == SOURCES_REACHABLE
            && it.reason == reason
            && it.observed_generation == Some(generation)
    });
    if !unchanged && world.primary.is_some() {
        let say = Say { type_: SOURCES_REACHABLE, status: Some(reachable), reason, message: text };
        conditions::set(&mut status.conditions, say, generation, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_holds_is_a_reason_of_its_own() {
        let reason = |held| {
            let plan = Plan::to(State::AtRest(Rest::Initialized), Vec::new()).held(held);
            reconciling_reason(&plan)
        };
        assert_eq!(reason(Some(Held::TargetPaused)), "TargetPaused");
        assert_eq!(reason(Some(Held::PrimaryBlocked)), "PrimaryBlocked");
        assert_eq!(reason(Some(Held::CanaryBlocked)), "CanaryBlocked");
        assert_eq!(reason(Some(Held::ApprovalRequired)), "Initialized");
        assert_eq!(reason(None), "Initialized");
    }
}
