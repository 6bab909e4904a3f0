//! The status: the persisted state, and what people and machines read of it. Pure.
//! Equal input gives an equal status, so that nothing is written when nothing happened.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use kube::api::DynamicObject;
use siskin_analysis::observation::Role;
use siskin_analysis::{Assessment, Fault, Finding, GroupSummary, RoleSummary, Verdict};
use siskin_api as api;
use siskin_api::annotations::target;
use siskin_api::{
    AnalysisStatus, AutoscalerRef, CanaryRolloutStatus, ObservedTarget, PrintedColumns,
    RejectedRevision, Revisions, RoleFigures, Share,
};
use siskin_decide::{Cause, Effect, Facts, Plan, Rest, State, Workload};

use crate::commands;
use crate::observe::world::World;
use crate::persisted;
use crate::report::round::Round;
use crate::report::words::{message, what_was_late};
use crate::report::{bounds, conditions, history, scaling};
use crate::workloads::selector;

/// Past rollouts that the status keeps.
const MAX_HISTORY: usize = 10;

/// The longest message, in characters (the schema's bound).
const MAX_MESSAGE: usize = 1024;

/// The longest selector, in characters (the schema's bound).
const MAX_SELECTOR: usize = 2048;

/// The status after a plan was applied.
#[must_use]
pub fn status(round: &Round<'_>) -> CanaryRolloutStatus {
    let Round { world, evidence, plan, answers, now, .. } = *round;
    let before = world.status();
    let facts = facts_after(world, plan);
    let mut status = before.clone();
    status.observed_generation = world.rollout.metadata.generation.unwrap_or(0);
    status.phase = Some(persisted::wire_phase(&plan.next));
    status.adopted = facts.is_some_and(|it| it.adopted);
    status.rollout_id = plan.next.rollout().map(|it| it.to_string()).or(before.rollout_id.clone());
    if let Some(object) = &world.live.target {
        let id = object.metadata.annotations.as_ref().and_then(|it| it.get(target::CHANGE_ID));
        status.change_id = id.map(|it| it.chars().take(256).collect());
    }
    status.observed_target = world.live.target.as_ref().and_then(observed_target);
    status.message = Some(message(round).chars().take(MAX_MESSAGE).collect());
    status.replicas = facts.and_then(|it| i32::try_from(it.replicas).ok());
    status.autoscaler = facts.and_then(autoscaler);
    status.selector = selector(world).or(status.selector);
    status.revisions = Some(revisions(world, plan, facts));
    status.progress = progress(world, plan, now).map(|it| of_change(it, &before, &status));
    status.memory = evidence.memory.clone().or(status.memory);
    analyze(&mut status, round);
    detect(&mut status, before.analysis.as_ref(), now);
    status.summary = Some(summary(round, &status));
    status.commands = commands::keep(&world.asked, &before.commands, answers);
    if let Some(entry) = history::ended(round, &status.commands) {
        status.history.insert(0, entry);
        status.history.truncate(MAX_HISTORY);
    }
    history::excuse(round, &mut status.history);
    conditions::set(&mut status, round, facts);
    bounds::fit(&mut status);
    status
}

/// The facts as they are once the plan's effects are made.
fn facts_after<'a>(world: &'a World, plan: &'a Plan) -> Option<&'a Facts> {
    let written = plan.effects.iter().rev().find_map(Effect::facts);
    written.or(world.primary.as_ref().map(|it| &it.facts))
}

/// The autoscaler that is kept pointed at the rollout: not one that is on its way back.
fn autoscaler(facts: &Facts) -> Option<AutoscalerRef> {
    let taken = facts.scaled_by.as_ref().filter(|it| it.answered || facts.declined.is_none())?;
    let kind = scaling::wire_kind(taken.scaler.kind);
    Some(AutoscalerRef { kind, name: taken.scaler.name.to_string() })
}

/// Selects all pods of both roles, for autoscalers that read pod metrics. One that is too long for
/// the status is left out: cut off it would select something else.
fn selector(world: &World) -> Option<String> {
    let of_target = &world.live.target.as_ref()?.data["spec"]["selector"];
    let text = selector::text(&selector::of_all_roles(of_target))?;
    (text.len() <= MAX_SELECTOR).then_some(text)
}

fn revisions(world: &World, plan: &Plan, facts: Option<&Facts>) -> Revisions {
    let mut rejected: Vec<_> =
        world.live.frozen.iter().map(|it| &it.frozen).filter(|it| it.rejection.is_some()).collect();
    rejected.sort_by_key(|it| std::cmp::Reverse(it.attempt));
    let rejected = rejected.into_iter().take(10).filter_map(|it| {
        let rejection = it.rejection?;
        Some(RejectedRevision {
            revision: it.revision.to_string(),
            cause: persisted::wire_cause(rejection.cause),
            rollout_id: rejection.rollout.to_string(),
        })
    });
    Revisions {
        desired: world.target.as_ref().map(|it| it.desired.revision.to_string()),
        promoted: facts.and_then(|it| it.promoted).map(|it| it.to_string()),
        trial: plan.next.rollout().map(|it| it.revision.to_string()),
        rejected: rejected.collect(),
    }
}

fn progress(world: &World, plan: &Plan, now: Timestamp) -> Option<api::ProgressStatus> {
    let before = world.rollout.status.as_ref().and_then(|it| it.progress.as_ref());
    let mut progress = persisted::write(&plan.next, now)?;
    if plan.next.rollout().is_some() {
        let same =
            before.filter(|it| it.revision == progress.revision && it.attempt == progress.attempt);
        progress.started = same.and_then(|it| it.started.clone()).or(Some(MicroTime(now)));
        progress.plan = Some(world.plan.clone());
    }
    progress.obstacle = obstacle(world, &plan.next);
    Some(progress)
}

/// The attempt's own change: one that comes while it is under way is of the next.
fn of_change(
    progress: api::ProgressStatus,
    before: &CanaryRolloutStatus,
    status: &CanaryRolloutStatus,
) -> api::ProgressStatus {
    if progress.started.is_none() {
        return progress;
    }
    let known = before.progress.as_ref().filter(|it| {
        it.started.is_some() && it.revision == progress.revision && it.attempt == progress.attempt
    });
    let change_id = known.map_or(&status.change_id, |it| &it.change_id).clone();
    api::ProgressStatus { change_id, ..progress }
}

/// What says that a Deployment is the one that was seen.
fn observed_target(target: &DynamicObject) -> Option<ObservedTarget> {
    let metadata = &target.metadata;
    Some(ObservedTarget { uid: metadata.uid.clone()?, generation: metadata.generation? })
}

/// What kept a late canary's pods from running: kept when they go, since nothing else tells it then.
fn obstacle(world: &World, next: &State) -> Option<String> {
    let (revision, cause) = match next {
        State::RollingBack(it) => (it.id.revision, it.cause),
        State::AtRest(Rest::Failed { revision, cause }) => (*revision, *cause),
        State::Pending
        | State::Adopting
        | State::AtRest(Rest::Initialized | Rest::Succeeded)
        | State::Trial(_)
        | State::Promoting(_)
        | State::Terminating(_) => return None,
    };
    what_was_late(world, revision).filter(|_| cause == Cause::DeadlineExceeded)
}

/// Figures move on with each observation, and only then; after a rollout the last ones stay.
fn analyze(status: &mut CanaryRolloutStatus, round: &Round<'_>) {
    let Round { world, evidence, plan, .. } = *round;
    let begins = world.state.rollout() != plan.next.rollout();
    if begins && plan.next.rollout().is_some() {
        status.analysis = None;
        status.replay = Vec::new();
        status.replay_truncated = false;
        status.replay_summary = None;
    }
    if let Some(replay) = &evidence.replay {
        let ended = plan.next.rollout().is_none();
        status.replay.clone_from(&replay.first);
        status.replay_truncated = replay.is_truncated();
        status.replay_summary = Some(replay.summary(ended));
    }
    // What a rollback followed from stays: its canary is on the way out and says nothing more.
    let judging = matches!(world.state, State::Trial(_) | State::Promoting(_));
    let current = status.analysis.clone().unwrap_or_default();
    if let Some(assessment) = evidence.assessment.as_ref().filter(|_| judging) {
        let at = Timestamp::from_millisecond(assessment.at).ok().map(Time);
        let verdict = Some(wire_verdict(assessment.verdict));
        if at != current.at || verdict != current.verdict {
            let mut analysis = assessed(assessment, &evidence.figures, world);
            analysis.at = at;
            analysis.accounts.clone_from(&evidence.accounts);
            status.analysis = Some(analysis);
        }
    }
    if let Some(guard) = evidence.guard.as_ref().filter(|_| judging) {
        let analysis = status.analysis.get_or_insert_default();
        analysis.verdict = Some(wire_verdict(guard.verdict()));
        analysis.reason = Some(guard.to_string());
    }
    if plan.next.rollout().is_none()
        && let Some(analysis) = &mut status.analysis
    {
        analysis.accounts = None;
    }
}

/// How long the attempt had run when its verdict became Fail: kept from then on.
fn detect(status: &mut CanaryRolloutStatus, before: Option<&AnalysisStatus>, now: Timestamp) {
    let started = status.progress.as_ref().and_then(|it| it.started.as_ref());
    let Some(analysis) = &mut status.analysis else { return };
    let fail = Some(siskin_api::Verdict::Fail);
    let known = before.filter(|it| it.verdict == fail).and_then(|it| it.detected_after_seconds);
    let elapsed = || started.map(|it| now.duration_since(it.0).as_secs().max(0));
    let failed = analysis.verdict == fail;
    analysis.detected_after_seconds = failed.then(|| known.or_else(elapsed)).flatten();
}

fn assessed(assessment: &Assessment, figures: &GroupSummary, world: &World) -> AnalysisStatus {
    let (canary, primary) = (&world.canary, &world.primary);
    let canary = role(world, Role::Canary, canary.as_ref(), &figures.canary);
    let primary =
        role(world, Role::Primary, primary.as_ref().map(|it| &it.workload), &figures.primary);
    let percent = |share: f64| rounded(share * 100.0).and_then(|it| i32::try_from(it).ok());
    let pods = |it: &RoleFigures| i64::from(it.pods.unwrap_or(0));
    let all = pods(&canary) + pods(&primary);
    AnalysisStatus {
        verdict: Some(wire_verdict(assessment.verdict)),
        reason: Some(assessment.finding.to_string().chars().take(MAX_MESSAGE).collect()),
        subject: subject(&assessment.finding),
        evidence: Some(format!("{:.3}", assessment.against.value)),
        threshold: Some(format!("{:.3}", assessment.against.needed)),
        detected_after_seconds: None,
        blind: assessment.blind.iter().map(ToString::to_string).collect(),
        share: Some(Share {
            pods_percent: (0 < all)
                .then(|| i32::try_from(pods(&canary) * 100 / all).unwrap_or(100)),
            partitions_percent: percent(figures.canary.partition_share),
            messages_percent: figures.canary.message_share.and_then(percent),
        }),
        canary: Some(canary),
        primary: Some(primary),
        at: None,
        accounts: None,
    }
}

/// The partition or pod that a fault was found on.
fn subject(finding: &Finding) -> Option<String> {
    match finding {
        Finding::Fault(
            Fault::CrashLoop { pod, .. }
            | Fault::Crashes { pod, .. }
            | Fault::OutOfBounds { pod, .. }
            | Fault::Worse { pod, .. },
        ) => Some(pod.to_string()),
        Finding::Fault(
            Fault::Stalled { partition, .. }
            | Fault::NoFirstCommit { partition, .. }
            | Fault::Rewound { partition, .. }
            | Fault::Drifting { partition, .. }
            | Fault::BehindAlone { partition, .. },
        ) => Some(partition.to_string()),
        Finding::Fault(Fault::OutOfMemory { .. }) | Finding::KeepsUp(_) | Finding::Doubt(_) => None,
    }
}

fn role(
    world: &World,
    role: Role,
    workload: Option<&Workload>,
    figures: &RoleSummary,
) -> RoleFigures {
    let pods = world.pods.observations.iter().filter(|it| it.role == role && !it.terminating);
    let number = |it: u32| i32::try_from(it).ok();
    RoleFigures {
        pods: i32::try_from(pods.count()).ok(),
        ready_pods: workload.and_then(|it| number(it.ready)),
        members: number(figures.members),
        partitions: number(figures.partitions),
        messages_per_second: figures.throughput.map(|it| format!("{it:.1}")),
        lag: figures.lag_messages,
        time_lag_seconds: figures.lag_seconds.and_then(rounded),
    }
}

fn summary(round: &Round<'_>, status: &CanaryRolloutStatus) -> PrintedColumns {
    let Round { world, evidence, plan, .. } = *round;
    let steps = world.strategy.steps.len();
    let canary = world.canary.as_ref();
    let primary = world.primary.as_ref().map(|it| &it.workload);
    let show = |it: &Workload| format!("{}/{}", it.ready, it.replicas);
    let pods = |it: Option<&Workload>| it.map_or(0, |it| it.replicas);
    let all = pods(canary) + pods(primary);
    let active = plan.next.rollout().is_some();
    // The verdict on a version that is neither tried nor rejected any more is history.
    let judged = active || matches!(plan.next, State::AtRest(Rest::Failed { .. }));
    let lag = active.then(|| {
        let text = |it: Option<i64>| it.map_or_else(|| "?".to_owned(), |it| it.to_string());
        let figures = &evidence.figures;
        format!("{}/{}", text(figures.canary.lag_messages), text(figures.primary.lag_messages))
    });
    // The same moment as the figures below: the lag of another moment would be a write of its own.
    let before = world.rollout.status.as_ref();
    let unchanged = before.is_some_and(|it| it.analysis == status.analysis);
    let known = before.and_then(|it| it.summary.as_ref()).and_then(|it| it.lag.clone());
    PrintedColumns {
        step: plan.next.step().map(|it| format!("{}/{steps}", it.index + 1)),
        weight: (0 < all).then(|| i32::try_from(pods(canary) * 100 / all).unwrap_or(100)),
        canary: canary.map(show),
        primary: primary.map(show),
        lag: if unchanged && known.is_some() && active { known } else { lag },
        verdict: status.analysis.as_ref().and_then(|it| it.verdict).filter(|_| judged),
    }
}

const fn wire_verdict(verdict: Verdict) -> api::Verdict {
    match verdict {
        Verdict::Pass => api::Verdict::Pass,
        Verdict::Fail => api::Verdict::Fail,
        Verdict::Inconclusive => api::Verdict::Inconclusive,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounded and within bounds, see the check")]
fn rounded(value: f64) -> Option<i64> {
    (value.is_finite() && value.abs() < 1e15).then(|| value.round() as i64)
}

#[cfg(test)]
mod tests;
