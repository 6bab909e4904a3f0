//! One pass over one rollout: observe, weigh, decide, apply, record, tell, until nothing changes.
//! The order of a pass and nothing else; what each step does lives in the room of its name.

pub mod memory;
pub mod next_look;
mod ranges;
mod refusals;
mod repairs;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use siskin_analysis::observation::Role;
use siskin_decide::{Effect, State, decide};

use crate::apply::effects::Applied;
use crate::apply::writer::{ApplyFailed, Writer};
use crate::clock;
use crate::cluster::calls::{CallFailed, Freshness};
use crate::cluster::refusal::RefusalReason;
use crate::commands::answers;
use crate::evidence::view::EvidenceView;
use crate::evidence::weigh::Weigher;
use crate::name::Name;
use crate::observe::doubt::Novelty;
use crate::observe::missing_pods::Obstacle;
use crate::observe::observer::Observer;
use crate::observe::parse;
use crate::observe::world::World;
use crate::observed::observed;
use crate::pass::memory::Memory;
use crate::pass::next_look::{Cause, NextLook, SHORTEST_WAIT, next_look};
use crate::process::gate::{Gate, NotLeading};
use crate::process::metrics::Metrics;
use crate::report::refusals::ToldRefusal;
use crate::report::reporter::Reporter;
use crate::report::round::Round;
use crate::report::status::status;

/// Transitions made in one pass. More than a rollout has in a row without anything happening in
/// the cluster between them; the next pass takes over where this one stops.
const MAX_ROUNDS: usize = 8;

/// A conflict means that somebody else wrote: the watch brings it, this is the safety net.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// Stamps that were refused are tried again after this long.
const FENCE_AGAIN: Duration = Duration::from_secs(5);

/// Why a pass stopped, by the step that failed.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub enum PassFailed {
    /// Something could not be read.
    #[error("observe: {0}")]
    Observe(#[from] CallFailed),
    /// Something could not be written.
    #[error("apply: {0}")]
    Apply(#[from] ApplyFailed),
}

/// The steps of a pass.
#[derive(Clone)]
pub struct Passes {
    /// Reads Kubernetes.
    pub observer: Observer,
    /// Reads Kafka and metrics, and hears the judge.
    pub evidence: Weigher,
    /// Writes.
    pub writer: Writer,
    /// Tells people.
    pub reporter: Reporter,
    /// Says whether this process acts at all.
    pub gate: Gate,
    /// Counts passes.
    pub metrics: Metrics,
    /// Remembers this process's own writes.
    pub memory: Memory,
}

/// Whether writes of an older leader are kept out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fence {
    /// They are, or none can come any more.
    Stands,
    /// They are since this look.
    Stamped,
    /// The API server refuses it for one of the objects, or does not answer.
    Refused,
}

impl Passes {
    /// One pass over this rollout.
    pub(crate) async fn pass(&self, name: &Name, cause: Cause) -> Result<NextLook, PassFailed> {
        match self.gate.check() {
            Ok(_) => {}
            // A follower watches and is ready, but does not act; the leader asks for all at once.
            Err(NotLeading::Following | NotLeading::Over) => return Ok(NextLook::WhenAsked),
            Err(NotLeading::Ending | NotLeading::Crowded) => return Ok(NextLook::AfterGate),
        }
        let started = Instant::now();
        let outcome = self.rounds(name, cause).await;
        self.metrics.pass(started.elapsed());
        match outcome {
            Ok(next) => Ok(next),
            Err(PassFailed::Apply(error)) if error.is_conflict() => {
                tracing::debug!(rollout = %name, %error, "conflict");
                Ok(NextLook::after(AFTER_CONFLICT))
            }
            Err(error) => Err(error),
        }
    }

    async fn rounds(&self, name: &Name, cause: Cause) -> Result<NextLook, PassFailed> {
        if cause == Cause::Routine
            && let Some(next) = Box::pin(self.glance(name, whole_micros(clock::now()))).await?
        {
            return Ok(next);
        }
        for _ in 0..MAX_ROUNDS {
            if let Some(next) = Box::pin(self.round(name, whole_micros(clock::now()))).await? {
                return Ok(next);
            }
        }
        Ok(NextLook::after(SHORTEST_WAIT))
    }

    /// A look at a rollout of which nothing is known to have changed, through the API server's cache.
    /// Where it finds anything to do, or to tell, it answers with nothing: that is done by a round,
    /// which reads what is true.
    async fn glance(&self, name: &Name, now: Timestamp) -> Result<Option<NextLook>, PassFailed> {
        let Some(world) = Box::pin(self.observer.observe(name, Freshness::Cached, now)).await?
        else {
            return Ok(None);
        };
        if !matches!(world.state, State::AtRest(_)) || self.memory.must_fence(name, &world.state) {
            return Ok(None);
        }
        let evidence = self.evidence.weigh(&world, now).await;
        let observed = observed(&world, &evidence);
        let plan = decide(&observed, now);
        let moves = !plan.effects.is_empty() || plan.next != world.state;
        if moves || !obstacles(&world, &evidence).is_empty() {
            return Ok(None);
        }
        let answers = answers(&world.asked, &observed, &plan, &world.status().commands);
        let (world, evidence, plan, applied) = (&world, &evidence, &plan, &Applied::default());
        let answers = &answers;
        let round = Round {
            world,
            evidence,
            plan,
            applied,
            answers,
            untold: &[],
            tells_of_take: false,
            refusals: &[],
            now,
        };
        let quiet = world.rollout.status.as_ref() == Some(&status(&round));
        Ok(quiet.then(|| next_look(world, evidence, plan, now)))
    }

    /// From one look to one plan carried out; when to look again, unless it is at once.
    async fn round(&self, name: &Name, now: Timestamp) -> Result<Option<NextLook>, PassFailed> {
        let Some(world) = Box::pin(self.observer.observe(name, Freshness::Live, now)).await? else {
            self.forget(name);
            return Ok(Some(NextLook::WhenAsked));
        };
        let evidence = self.evidence.weigh(&world, now).await;
        let fence = self.fence(&world).await?;
        let observed = observed(&world, &evidence);
        let plan = self.memory.throttle(name, decide(&observed, now), now);
        tracing::debug!(rollout = %name, ?observed, ?plan, "decided");
        let postponed = self.memory.postponed(&world, &plan);
        let held_back = match fence {
            Fence::Stands => postponed.effects,
            // Its objects have changed: another look reads them.
            Fence::Stamped => return Ok(None),
            Fence::Refused => plan.waits_for_fence(),
        };
        if fence == Fence::Refused && held_back.len() == plan.effects.len() {
            return Ok(Some(NextLook::after(FENCE_AGAIN)));
        }

        self.keep_ranges(&world, &evidence, &plan, now).await?;
        let applying = self.writer.apply(&world, &observed, &plan, &held_back);
        let (applied, novelty) = tokio::join!(applying, world.novelty());
        self.memory.repaired(&world, &plan, &applied.made);
        match novelty {
            Novelty::New => {}
            // The next look takes it for what it is.
            Novelty::Known => return Ok(None),
            Novelty::Unanswered => return Ok(Some(NextLook::after(AFTER_CONFLICT))),
        }
        let (world, evidence) = (&world, &evidence);
        let plan = &applied.carried_out(&plan, &observed, now);
        let answers = answers(&world.asked, &observed, plan, &world.status().commands);
        let untold = self.memory.untold(name, obstacles(world, evidence));
        let refusals = self.refusals(name, &applied);
        let tells_of_take = self.memory.tells_of_take(name, &applied.made);
        if applied.made.iter().any(points) {
            self.observer.autoscalers_changed(name);
        }
        let (answers, untold, refusals, applied_now) = (&answers, &untold, &refusals, &applied);
        let round = Round {
            world,
            evidence,
            plan,
            applied: applied_now,
            answers,
            untold,
            tells_of_take,
            refusals,
            now,
        };
        let recorded = self.record(&round).await?;
        self.reporter.tell(&round, recorded);
        applied.finish()?;
        self.memory.carried_out(name, plan);
        let moved = recorded && plan.next != world.state;
        let next = next_look(world, evidence, plan, now);
        let next = self.memory.retry_after(name).map_or(next, |it| next.no_later_than(it));
        let next = postponed.wait.map_or(next, |it| next.no_later_than(it));
        let next = if fence == Fence::Refused { next.no_later_than(FENCE_AGAIN) } else { next };
        Ok((!moved).then_some(next))
    }

    /// What was refused now, with what is known of it; a status that is not kept whole is as bad.
    fn refusals(&self, name: &Name, applied: &Applied) -> Vec<ToldRefusal> {
        // What keeps consumers from where they belong is told first.
        let (moves, others): (Vec<_>, Vec<_>) =
            applied.refused.iter().partition(|it| it.effect.moves_pods());
        let met = moves
            .into_iter()
            .chain(others)
            .map(|it| ToldRefusal::of(&it.effect, it.reason, it.told.clone()));
        let lost = self.observer.statuses.lost(name).map(|lost| {
            let told = format!("could not keep the status: the API server dropped {lost}");
            let (what, reason) = (ToldRefusal::FIELDS, RefusalReason::DefinitionOutdated);
            ToldRefusal::beside_the_plan(what, reason, told)
        });
        self.memory.refused(name, met.chain(lost).collect())
    }

    /// Stamps the objects of a rollout that an older leader may still be writing to.
    async fn fence(&self, world: &World) -> Result<Fence, PassFailed> {
        let name = &world.name;
        if !self.memory.must_fence(name, &world.state) {
            return Ok(Fence::Stands);
        }
        let stamps = self.writer.fence(world).await?;
        if stamps.made {
            return Ok(Fence::Stamped);
        }
        let Some(refused) = stamps.refused.filter(|_| !self.memory.goes_on_unfenced(name)) else {
            self.memory.fenced(name);
            return Ok(Fence::Stands);
        };
        let Some(reason) = refused.refusal() else { return Err(refused.into()) };
        let refusal = ToldRefusal::beside_the_plan(ToldRefusal::FENCE, reason, refused.told());
        self.reporter.refused(world, &[self.memory.refused_beside(name, refusal)]);
        Ok(Fence::Refused)
    }

    /// Persists the status if it differs; whether it stands. One that is refused is told by an Event.
    async fn record(&self, round: &Round<'_>) -> Result<bool, PassFailed> {
        let Round { world, applied, .. } = *round;
        let (name, status) = (&world.name, status(round));
        if applied.stopped.is_some() {
            return Ok(false);
        }
        let same = world.rollout.status.as_ref() == Some(&status);
        if same && !self.observer.statuses.sends_again(name) {
            self.memory.status_stands(name);
            return Ok(true);
        }
        let error = match self.writer.record(world, applied, &status).await {
            Ok(written) => {
                self.memory.status_stands(name);
                if let Some(written) = written {
                    self.observer.statuses.sent(name, status, written.status);
                }
                return Ok(true);
            }
            Err(error) => error,
        };
        let lasting = error.refusal().filter(|it| *it != RefusalReason::Unanswered);
        let Some(reason) = lasting else { return Err(error.into()) };
        let refusal = ToldRefusal::beside_the_plan(ToldRefusal::STATUS, reason, error.told());
        self.reporter.refused(world, &[self.memory.refused_beside(name, refusal)]);
        Ok(false)
    }

    /// What of a rollout is remembered, by each that may.
    #[cfg(test)]
    fn remembers(&self, name: &Name) -> Vec<bool> {
        let Self { observer, evidence, memory, writer: _, reporter: _, gate: _, metrics: _ } = self;
        let mut all = observer.remembers(name).to_vec();
        all.extend(evidence.remembers(name));
        all.push(memory.remembers(name));
        all
    }

    /// Forgets a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.observer.forget(name);
        self.evidence.forget(name);
        self.memory.forget(name);
    }
}

/// What stands in the way while something is under way.
fn obstacles(world: &World, evidence: &EvidenceView) -> Vec<Obstacle> {
    let stuck = evidence.stuck.clone().map(|words| Obstacle::stuck(words, world.seen_at));
    let contested = contested_replicas(world);
    if matches!(world.state, State::AtRest(_)) {
        return stuck.into_iter().chain(contested).collect();
    }
    let children = [Role::Canary, Role::Primary].into_iter();
    let missing = children.filter_map(|role| world.missing_pods(role));
    missing.chain(world.missing_pods_of_target()).chain(stuck).chain(contested).collect()
}

/// A manifest that sets `spec.replicas` beside an autoscaler: N jumps between the two.
fn contested_replicas(world: &World) -> Option<Obstacle> {
    let taken = world.primary.as_ref()?.facts.scaled_by.as_ref()?;
    let manager = parse::applied_count(&world.rollout)?;
    let words = format!(
        "{manager} applies spec.replicas of this CanaryRollout, which {taken} sets too: N jumps between them; take replicas out of the manifest",
        taken = taken.scaler
    );
    Some(Obstacle::contested(words, world.seen_at))
}

/// Whether it changes what an autoscaler scales.
const fn points(effect: &Effect) -> bool {
    matches!(effect, Effect::TakeScale { .. } | Effect::GiveScale { .. })
}

/// The status keeps microseconds: a finer `now` would differ from itself after a round trip.
fn whole_micros(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests;
