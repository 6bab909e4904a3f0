//! Kafka and metrics asked, the judge and the guards heard: what the evidence says of a canary now.
//! Feeds the judge; writes nothing to the cluster and decides nothing.

use jiff::Timestamp;
use siskin_analysis::observation::{Millis, Observation, PodObservation, Role};
use siskin_analysis::{Assessment, Finding, MinimumEvidence, Settings, Verdict, crash_guard};
use siskin_api::FrozenPlan;
use siskin_api::conditions::SOURCES_REACHABLE;
use siskin_decide::{Evidence, Membership, Names, Phase, RolloutId, State};
use siskin_kafka::Security;

use crate::cluster::calls::Cluster;
use crate::evidence::concern::Concern;
use crate::evidence::definitions::definitions;
use crate::evidence::exporters::Exporters;
use crate::evidence::preflight::{preflight, stuck};
use crate::evidence::replay_ranges::{KeptRanges, ReplayWritten, object};
use crate::evidence::rollout_evidence::{RolloutEvidence, Saved};
use crate::evidence::sampling::Sampling;
use crate::evidence::secrets::{ReadContext, SecretRead};
use crate::evidence::sources::kafka_source;
use crate::evidence::view::{Delivery, EvidenceView};
use crate::name::Name;
use crate::observe::world::World;
use crate::per_rollout::PerRollout;
use crate::traces::marks::{AttemptSnapshot, Word};

/// Weighs the evidence of rollouts.
#[derive(Clone)]
pub struct Weigher {
    cluster: Cluster,
    sampling: Sampling,
    kafka: PerRollout<SecretRead<Security>>,
    exporters: Exporters,
}

impl Weigher {
    /// Reads Secrets through `cluster`, and what is known of each group from `sampling`.
    #[must_use]
    pub fn new(cluster: Cluster, sampling: Sampling) -> Self {
        Self { cluster, sampling, kafka: PerRollout::default(), exporters: Exporters::default() }
    }

    /// What the evidence says of this rollout at `now`.
    pub(crate) async fn weigh(&self, world: &World, now: Timestamp) -> EvidenceView {
        let is_sampled = is_sampled(world);
        let asked = if is_sampled { self.sample(world, now).await } else { Ok(()) };
        let kept = self.kept_ranges(world).await;
        let wrong = asked.err().or_else(|| unseen_pods(world));
        let weighed = self.sampling.with(world, |it| {
            let failed = || it.trouble().filter(|_| is_sampled).map(Delivery::Failed);
            let wrong = wrong.clone().map(Delivery::CannotAsk).or_else(failed);
            weighed(world, wrong, Gathered { evidence: it, kept: &kept }, now)
        });
        weighed.unwrap_or_else(|| unsampled(world, wrong, now))
    }

    /// Asks for a sample now: a canary is about to come, to grow, to shrink, or has left.
    pub(crate) fn hasten(&self, world: &World) {
        self.sampling.hasten(&world.name);
    }

    /// Notes what became of the object with the ranges of a rollout.
    pub(crate) fn note_written(&self, world: &World, tried: ReplayWritten, now: Timestamp) {
        self.sampling.with(world, |it| it.note_written(tried, now));
    }

    /// What an earlier process kept of the replay ranges of the attempt under way, if this one does
    /// not know it yet.
    async fn kept_ranges(&self, world: &World) -> KeptRanges {
        let Some(id) = world.state.attempt_with_canary() else { return KeptRanges::Unread };
        if self.sampling.with(world, |it| it.needs_ranges(id)) != Some(true) {
            return KeptRanges::Unread;
        }
        let (namespace, name) = (&world.name.namespace, object::name_of(&world.name.name));
        let found = match self.cluster.config_map(namespace, &name).await {
            Ok(found) => found,
            // Whoever may not read it may not write it: then there is none.
            Err(error) if error.is_refused() => None,
            Err(error) => {
                tracing::debug!(rollout = %world.name, error = error.told(), "replay ranges unread");
                return KeptRanges::Unread;
            }
        };
        object::kept(found.as_ref(), &world.uid, id, under_way(world))
    }

    /// Drops what is known of a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.sampling.forget(name);
        self.kafka.forget(name);
        self.exporters.forget(name);
    }

    /// What of a rollout is remembered. A field that is added must be told here what it holds.
    #[cfg(test)]
    pub(crate) fn remembers(&self, name: &Name) -> [bool; 4] {
        let Self { cluster: _, sampling, kafka, exporters } = self;
        let [secret, client] = exporters.remembers(name);
        [sampling.remembers(name), kafka.knows(name), secret, client]
    }

    /// Sees to it that the rollout's group is sampled and its pods' metrics are read beside it.
    async fn sample(&self, world: &World, now: Timestamp) -> Result<(), Concern> {
        let context = ReadContext { cluster: &self.cluster, name: &world.name, now };
        let source = kafka_source(context, &self.kafka, world).await?;
        let metrics = self.exporters.source(context, &world.rollout, &world.plan).await;
        let (metrics, outcome) = match metrics {
            Ok(metrics) => (metrics, Ok(())),
            Err(concern) => (None, Err(concern)),
        };
        self.sampling.ensure(world, source, metrics);
        outcome
    }
}

/// Whether the rollout's group is to be sampled: it is adopted, stays, and its spec says where.
fn is_sampled(world: &World) -> bool {
    let stays = world.rollout.metadata.deletion_timestamp.is_none();
    let owned = world.names == Names::Ours && world.primary.is_some();
    owned && stays && world.spec_errors.is_empty()
}

/// What is known of a rollout that is sampled.
struct Gathered<'a> {
    evidence: &'a mut RolloutEvidence,
    kept: &'a KeptRanges,
}

/// The view of a rollout whose group is sampled: judge, guards and preflight are asked.
fn weighed(
    world: &World,
    wrong: Option<Delivery>,
    gathered: Gathered<'_>,
    now: Timestamp,
) -> EvidenceView {
    let Gathered { evidence: gathered, kept } = gathered;
    gathered.note_told(told(world));
    let memory = world.rollout.status.as_ref().and_then(|it| it.memory.as_deref());
    gathered.recall(memory, now);
    let attempt = world.state.attempt_with_canary();
    gathered.attend(attempt, settings(&world.plan), saved(world, attempt, kept), now);
    let mut assessment = gathered.assess(now, primary_healthy(world));
    let pods = &world.pods.observations;
    let mut guard = attempt.and_then(|_| gathered.crash(now, pods, primary_healthy(world)));
    if let Some(silent) = world.pods_unseen_for {
        assessment = assessment.map(|it| it.without_pods(silent));
        guard = guard.map(|it| it.without_pods(silent));
    }
    note(world, gathered, assessment.as_ref(), guard.as_ref(), now);
    let concerns =
        preflight(world, wrong.as_ref().and_then(Delivery::concern), Some(gathered), now);
    // What holds it now may be over with the next sample: it goes on by itself.
    gathered.hold(world.state.phase() == Phase::Preparing && !concerns.is_empty());
    let delivery = match wrong {
        Some(wrong) => wrong,
        None if gathered.delivered(now) && world.pods_unseen_for.is_none() => Delivery::Answered,
        None => Delivery::Silent,
    };
    let ready_canaries = world.canary.as_ref().map_or(0, |it| it.ready);
    let membership = match world.pods_unseen_for {
        // Members are attributed to pods: whoever came since is nobody that is known.
        Some(_) => Membership::Unknown,
        None => gathered.membership(ready_canaries, now),
    };
    EvidenceView {
        evidence: evidence(assessment.as_ref(), guard.as_ref(), &delivery),
        membership,
        canary_joined: gathered.canary_joined(now),
        streams: gathered.streams.delay().filter(|_| !has_trouble(world, now)),
        watched_since: gathered.watched_since(),
        unbroken: gathered.unbroken(),
        figures: gathered.summary(),
        accounts: gathered.accounts(),
        stayed: gathered.stayed(),
        replay: gathered.replay(object::name_of(&world.name.name), leaves(world), now),
        memory: remember(world, gathered, delivery == Delivery::Answered),
        delivery,
        concerns,
        stuck: stuck(world, gathered),
        assessment,
        guard,
    }
}

/// What the status should keep of the primary's memory: at rest alone, where nothing that a canary
/// does is in the way. An unhealthy primary, or one that is not seen whole, teaches nothing.
fn remember(world: &World, gathered: &mut RolloutEvidence, is_seen: bool) -> Option<String> {
    if !matches!(world.state, State::AtRest(_)) {
        return None;
    }
    if is_seen && primary_healthy(world) {
        gathered.learn();
    }
    gathered.memory_to_keep()
}

/// Reason why a source does not deliver, as the status has it.
fn told(world: &World) -> Option<String> {
    let conditions = world.rollout.status.as_ref().map(|it| it.conditions.as_slice());
    let said = conditions.unwrap_or_default().iter().find(|it| it.type_ == SOURCES_REACHABLE);
    said.filter(|it| it.status == "False").map(|it| it.reason.clone())
}

/// Blindness that is told: while the process starts, and where a watch is begun again, it is a
/// matter of seconds.
const BLIND_TOLD_AFTER: Millis = 10_000;

/// A watch of pods that does not come back.
fn unseen_pods(world: &World) -> Option<Concern> {
    world.pods_unseen_for.filter(|it| BLIND_TOLD_AFTER <= *it)?;
    Some(Concern::new(
        "PodsUnseen",
        "the pods can't be watched, so nothing is promoted and nobody is held late; the log of the operator has the API server's answer: look for its permission to list and watch pods",
    ))
}

/// The view of a rollout whose group is not sampled: what its pods alone say.
fn unsampled(world: &World, wrong: Option<Concern>, now: Timestamp) -> EvidenceView {
    let guard = world.state.attempt_with_canary().and_then(|_| {
        let pods = &world.pods.observations;
        crash_guard(now.as_millisecond(), pods, primary_healthy(world))
    });
    let guard = match world.pods_unseen_for {
        Some(silent) => guard.map(|it| it.without_pods(silent)),
        None => guard,
    };
    let concerns = preflight(world, wrong.as_ref(), None, now);
    let delivery = wrong.map_or(Delivery::Silent, Delivery::CannotAsk);
    EvidenceView {
        evidence: evidence(None, guard.as_ref(), &delivery),
        delivery,
        concerns,
        guard,
        ..EvidenceView::silent()
    }
}

/// Notes for the trace what this pass found. A guard that fails between two samples went by pods
/// that no sample has shown to the judge: they are noted as well.
fn note(
    world: &World,
    gathered: &RolloutEvidence,
    assessment: Option<&Assessment>,
    guard: Option<&Finding>,
    now: Timestamp,
) {
    let total = world.primary.as_ref().map_or(0, |it| it.facts.replicas);
    let last = Word::of(assessment, guard);
    let Some(attempt) = AttemptSnapshot::of(&world.state, total, last, now) else { return };
    let overruled = assessment.is_none_or(|it| it.verdict != Verdict::Fail);
    let failed = guard.is_some_and(|it| it.verdict() == Verdict::Fail);
    let proof = failed && overruled && attempt.is_open();
    gathered.note(&attempt, proof.then(|| without_group(&world.pods.observations, now)));
}

/// The pods that a guard judged by between two samples, as an observation without a group.
fn without_group(pods: &[PodObservation], now: Timestamp) -> Observation {
    Observation { at: now.as_millisecond(), group: None, pods: pods.to_vec() }
}

/// Whether something keeps a canary pod from running, which no restoring of state explains.
fn has_trouble(world: &World, now: Timestamp) -> bool {
    let mut canary = world.pods.troubles.iter().filter(|it| it.role == Role::Canary);
    canary.any(|it| it.stands(now.as_millisecond()))
}

/// What an earlier process saved of this attempt.
fn saved<'a>(world: &'a World, attempt: Option<RolloutId>, kept: &'a KeptRanges) -> Saved<'a> {
    let status = world.rollout.status.as_ref();
    Saved {
        analysis: status
            .filter(|it| it.rollout_id == attempt.map(|id| id.to_string()))
            .and_then(|it| it.analysis.as_ref()),
        replay: kept,
        under_way: under_way(world),
    }
}

/// Whether canary pods exist already, or are about to.
fn under_way(world: &World) -> bool {
    world.canary.as_ref().is_some_and(|it| 0 < it.replicas)
}

/// Whether the canary of a rollback has no pod any more.
fn leaves(world: &World) -> bool {
    let has_pods = world.pods.observations.iter().any(|it| it.role == Role::Canary);
    world.state.phase() == Phase::RollingBack && !has_pods && !under_way(world)
}

/// Evidence that `decide` may act on. A source that failed or cannot be queried counts as not
/// delivered.
fn evidence(
    assessment: Option<&Assessment>,
    guard: Option<&Finding>,
    delivery: &Delivery,
) -> Evidence {
    if guard.is_some_and(|it| it.verdict() == Verdict::Fail) {
        return Evidence::GuardFailed;
    }
    let delivered = *delivery == Delivery::Answered;
    match assessment.map(|it| (it.verdict, &it.finding)) {
        Some((Verdict::Fail, Finding::Fault(fault))) if !fault.is_guard() => Evidence::Failed,
        Some((Verdict::Fail, _)) => Evidence::GuardFailed,
        // What was proven before a source fell silent promotes nothing while it is.
        Some((Verdict::Pass, _)) if delivered => Evidence::Pass,
        Some((Verdict::Pass | Verdict::Inconclusive, _)) | None => {
            Evidence::Inconclusive { delivered }
        }
    }
}

/// Whether the primary is healthy, as guards need it: ready but for what it may miss. At N = 1 the
/// canary has replaced it, and its health is that from before the hand-over.
fn primary_healthy(world: &World) -> bool {
    world.primary.as_ref().is_none_or(|primary| {
        let workload = &primary.workload;
        let strategy = world.target.as_ref().map_or(primary.strategy, |it| it.strategy);
        let unit = strategy.max_unavailable(primary.facts.replicas);
        workload.replicas.saturating_sub(unit.max(1)) <= workload.ready
            && (workload.replicas == 0 || 0 < workload.ready)
    })
}

/// Settings of the judge, from the plan that is followed.
fn settings(plan: &FrozenPlan) -> Settings {
    Settings {
        interval: plan.interval.as_millis(),
        warm_up: plan.warm_up.as_millis(),
        false_rollback_probability: plan.false_rollback_probability.as_f64(),
        minimum_evidence: match plan.minimum_evidence {
            siskin_api::MinimumEvidence::Proven => MinimumEvidence::Proven,
            siskin_api::MinimumEvidence::Observed => MinimumEvidence::Observed,
        },
        user: definitions(plan),
        remembered: siskin_analysis::Remembered::default(),
    }
}

#[cfg(test)]
mod tests;
