//! The judge and the guards asked, and preflight: what the evidence says of the canary now.
//! Feeds the judge and fills its answers into the observation; reads nothing from the cluster.

use jiff::Timestamp;
use siskin_analysis::observation::{Observation, PodObservation};
use siskin_analysis::{Assessment, Finding, Settings, Verdict, crash_guard};
use siskin_api::{CanaryRollout, FrozenPlan};

use crate::evidence::definitions::definitions;
use crate::evidence::preflight::{self, Concern};
use crate::evidence::rollout_evidence::{Ledger, Saved, is_fail};
use crate::observe::observer::Observer;
use crate::observe::pods::PodsOfTarget;
use crate::traces::marks::{Standing, Word};
use siskin_decide::{Evidence, Membership, Observed, Preflight, RolloutId, Stage, State};

/// Asks the judge and the guards, and fills their answers into the observation.
pub(crate) fn weigh(
    observer: &Observer,
    (rollout, settings): (&CanaryRollout, Settings),
    seen: &mut Observed,
    (pods, source): (&PodsOfTarget, Option<&Concern>),
    now: Timestamp,
) -> (Option<Assessment>, Option<Finding>, Vec<Concern>) {
    let attempt = judged(&seen.state);
    let healthy = primary_healthy(seen);
    let status = rollout.status.as_ref();
    let saved = Saved {
        analysis: status
            .filter(|it| it.rollout_id == attempt.map(|id| id.to_string()))
            .and_then(|it| it.analysis.as_ref()),
        replay: status.map_or(&[], |it| it.replay.as_slice()),
        under_way: seen.canary.as_ref().is_some_and(|it| 0 < it.replicas),
    };
    let ready = seen.canary.as_ref().map_or(0, |it| it.ready);
    let look = |ledger: &mut Ledger| {
        ledger.attend(attempt, settings, saved, now);
        let watched = ledger.watched_since();
        let heard = (ledger.membership(ready, now), ledger.delivered(now));
        (ledger.assess(now, healthy), heard, watched)
    };
    let (assessment, (membership, delivered), watched) = observer
        .watches
        .with(&seen.uid, look)
        .unwrap_or((None, (Membership::Unknown, false), None));
    seen.watched_since = watched;
    let assessment = match observer.pods.unseen_for(now.as_millisecond()) {
        Some(silent) => assessment.map(|it| it.without_pods(silent)),
        None => assessment,
    };
    let guard = attempt.and_then(|_| crash_guard(&pods.observations, healthy));
    seen.membership = membership;
    seen.evidence = evidence(assessment.as_ref(), guard.as_ref(), (delivered, source));
    let total = seen.primary.as_ref().map_or(0, |it| it.facts.replicas);
    let word = Word::of(assessment.as_ref(), guard.as_ref());
    if let Some(standing) = Standing::of(seen, total, word, now) {
        let overruled = assessment.as_ref().is_none_or(|it| !is_fail(it));
        let failed = guard.as_ref().is_some_and(|it| it.verdict() == Verdict::Fail);
        let proof = failed && overruled && standing.is_open();
        let proof = proof.then(|| without_group(&pods.observations, now));
        observer.watches.with(&seen.uid, |ledger| ledger.note(&standing, proof));
    }
    let workload = seen.primary.as_ref().map(|it| &it.workload);
    let prepares = prepares(&seen.state);
    let examine = |ledger: &mut Ledger| {
        let concerns = preflight::concerns(workload, total, source, Some(ledger), now);
        // What holds it now may be over with the next sample: it goes on by itself.
        ledger.hold(prepares && !concerns.is_empty());
        concerns
    };
    let concerns = observer
        .watches
        .with(&seen.uid, examine)
        .unwrap_or_else(|| preflight::concerns(workload, total, source, None, now));
    seen.preflight = if concerns.is_empty() { Preflight::Passed } else { Preflight::Failed };
    (assessment, guard, concerns)
}

/// What a guard went by, between two samples.
fn without_group(pods: &[PodObservation], now: Timestamp) -> Observation {
    Observation { at: now.as_millisecond(), group: None, pods: pods.to_vec() }
}

/// The attempt whose canary has, or may have, pods.
fn judged(state: &State) -> Option<RolloutId> {
    match state {
        State::Trial(it) => match it.stage {
            Stage::Preparing(_) => None,
            Stage::Progressing(_) | Stage::Paused(_) => Some(it.id),
        },
        State::Promoting(it) => Some(it.id),
        State::RollingBack(it) => Some(it.id),
        State::Adopting | State::AtRest(_) | State::Terminating(_) => None,
    }
}

/// Whether an attempt waits for its preflight.
fn prepares(state: &State) -> bool {
    match state {
        State::Trial(it) => matches!(it.stage, Stage::Preparing(_)),
        State::Adopting
        | State::AtRest(_)
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => false,
    }
}

/// What is acted on. A source that did not answer, or that can't even be asked for want of its
/// Secret or for its query, delivers nothing.
fn evidence(
    assessment: Option<&Assessment>,
    guard: Option<&Finding>,
    (answered, wrong): (bool, Option<&Concern>),
) -> Evidence {
    let delivered = answered && wrong.is_none();
    if guard.is_some_and(|it| it.verdict() == Verdict::Fail) {
        return Evidence::GuardFailed;
    }
    match assessment {
        Some(it) if is_fail(it) => match &it.finding {
            Finding::Fault(fault) if !fault.is_guard() => Evidence::Failed,
            Finding::Fault(_) | Finding::KeepsUp(_) | Finding::Doubt(_) => Evidence::GuardFailed,
        },
        // What was proven before a source fell silent promotes nothing while it is.
        Some(it) if it.verdict == Verdict::Pass && delivered => Evidence::Pass,
        Some(_) | None => Evidence::Inconclusive { delivered },
    }
}

/// Guards need a healthy primary: ready but for what it may miss. At N = 1 the canary has replaced
/// it, and its health is that from before the hand-over.
fn primary_healthy(seen: &Observed) -> bool {
    seen.primary.as_ref().is_none_or(|primary| {
        let workload = &primary.workload;
        let unit = seen.target.as_ref().map_or(primary.max_unavailable, |it| it.max_unavailable);
        workload.replicas.saturating_sub(unit.max(1)) <= workload.ready
            && (workload.replicas <= 1 || 0 < workload.ready)
    })
}

/// What the judge is told of the plan that is followed.
pub(crate) fn settings(plan: &FrozenPlan) -> Settings {
    Settings {
        interval: plan.interval.as_millis(),
        warm_up: plan.warm_up.as_millis(),
        false_rollback_probability: plan.false_rollback_probability.as_f64(),
        user: definitions(plan),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use siskin_analysis::{Judge, Record};

    use super::*;

    #[test]
    fn what_was_proven_promotes_nothing_while_a_source_is_silent_or_cannot_be_asked() {
        let settings = Settings {
            interval: 10_000,
            warm_up: 0,
            false_rollback_probability: 0.01,
            user: Arc::default(),
        };
        let mut passed = Judge::new(settings, &Record::new(0)).assess(0, true);
        passed.verdict = Verdict::Pass;
        let evidence = |answered, wrong| evidence(Some(&passed), None, (answered, wrong));
        let held = Evidence::Inconclusive { delivered: false };
        assert_eq!(evidence(true, None), Evidence::Pass);
        assert_eq!(evidence(false, None), held);
        let gone = Concern::new("SecretMissing", "Secret orders-prometheus does not exist");
        assert_eq!(evidence(true, Some(&gone)), held);
    }
}
