//! One pass over one rollout: observe → judge → decide → apply → report, until nothing changes.
//! Control flow only; what is read, decided, written and told lives in the modules of those names.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use kube::runtime::controller::Action;

use crate::apply::writer::{ApplyFailed, Stopped, Writer};
use crate::clock;
use crate::cluster::calls::CallFailed;
use crate::commands;
use crate::evidence::sampling::Watches;
use crate::name::Name;
use crate::observe::observer::Observer;
use crate::observe::world::World;
use crate::process::gate::Gate;
use crate::process::metrics::{ClosedSet, Metrics};
use crate::report::reporter::{Evidence, Reporter};
use crate::report::status::status;
use siskin_decide::{Effect, Held, Plan, State, decide};

/// Transitions made in one pass. More than a rollout has in a row without anything happening in
/// the cluster between them; the next pass takes over where this one stops.
const MAX_ROUNDS: usize = 8;

/// A conflict means that somebody else wrote: the watch brings it, this is the safety net.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// Everything is looked at again this often at least: watches miss nothing, networks do.
const RESYNC: Duration = Duration::from_secs(300);

/// The shortest time between two drains of one target.
const DRAIN_AGAIN: Duration = Duration::from_secs(5);

/// What holds a rollout and no watch brings is looked at this often: soon enough for the person who
/// has just mended it.
const UNWATCHED: Duration = Duration::from_secs(10);

/// The shortest wait for a deadline.
const SOONEST: Duration = Duration::from_millis(50);

/// Why a pass stopped, by the step that failed.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub enum PassFailed {
    /// Something could not be read.
    #[error("observe: {0}")]
    Observe(#[source] CallFailed),
    /// Something could not be written.
    #[error("apply: {0}")]
    Apply(#[source] ApplyFailed),
}

impl ClosedSet for PassFailed {
    fn variant(&self) -> &'static str {
        self.into()
    }
}

/// What a pass needs.
#[derive(Clone)]
pub struct Passes {
    /// Reads.
    pub observer: Observer,
    /// Writes.
    pub writer: Writer,
    /// Tells.
    pub reporter: Reporter,
    /// The evidence.
    pub watches: Watches,
    /// Whether this process acts at all.
    pub gate: Gate,
    /// Counts.
    pub metrics: Metrics,
    /// What this process remembers of its own writes.
    pub memory: Memory,
}

/// What a process remembers between passes: nothing that a decision depends on.
#[derive(Clone, Default)]
pub struct Memory {
    /// Rollouts that this leader has taken over, or found at rest.
    fenced: Arc<Mutex<HashSet<Name>>>,
    /// When each target was last drained again.
    drained: Arc<Mutex<HashMap<Name, Instant>>>,
}

impl Passes {
    /// One pass over this rollout.
    pub async fn pass(&self, name: &Name) -> Result<Action, PassFailed> {
        if self.gate.check().is_err() {
            // A follower watches and is ready, but does not act; the leader asks for all at once.
            return Ok(Action::await_change());
        }
        let started = Instant::now();
        let outcome = Box::pin(self.rounds(name)).await;
        self.metrics.pass(started.elapsed());
        match outcome {
            Ok(action) => Ok(action),
            Err(PassFailed::Apply(error)) if error.is_conflict() => {
                tracing::debug!(rollout = %name, %error, "conflict");
                Ok(Action::requeue(AFTER_CONFLICT))
            }
            Err(error) => Err(error),
        }
    }

    async fn rounds(&self, name: &Name) -> Result<Action, PassFailed> {
        for _ in 0..MAX_ROUNDS {
            let now = whole_micros(clock::now());
            let observed = self.observer.observe(name, now).await;
            let Some(mut world) = observed.map_err(PassFailed::Observe)? else {
                self.memory.forget(name);
                return Ok(Action::await_change());
            };
            if self.memory.must_fence(name, &world.observed.state) {
                self.writer.fence(&world).await.map_err(PassFailed::Apply)?;
                self.memory.fenced(name);
                continue;
            }
            let plan = self.memory.throttle(name, decide(&world.observed, now), now);
            tracing::debug!(rollout = %name, observed = ?world.observed, plan = ?plan, "decided");
            let moved = plan.next != world.observed.state;
            self.carry_out(&mut world, &plan, now).await.map_err(PassFailed::Apply)?;
            self.memory.carried_out(name, &plan);
            if !moved {
                let most = if is_unwatched(&world, &plan) { UNWATCHED } else { RESYNC };
                return Ok(next_look(&plan, most, now));
            }
        }
        Ok(Action::requeue(SOONEST))
    }

    /// Effects first, status last, then the telling.
    async fn carry_out(
        &self,
        world: &mut World,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<(), ApplyFailed> {
        let evidence = self.evidence(world);
        let given = world.status().commands;
        let answers = commands::answers(&world.asked, &world.observed, plan, &given);
        let status = status(world, plan, (&evidence, &answers), now);
        if let Err(Stopped { made, why }) = self.writer.apply(world, plan).await {
            // What was written stays written, and the next plan does not name it again.
            let made = plan.effects.iter().take(made).cloned().collect();
            self.reporter.effects(world, &Plan { effects: made, ..plan.clone() });
            return Err(why);
        }
        if plan.effects.contains(&Effect::RemoveFinalizer) {
            // There may be nothing left to write a status to.
            self.reporter.report(world, plan, &answers);
            return Ok(());
        }
        let before = world.rollout.status.clone();
        self.writer.write_status(world, status).await?;
        world.rollout.status = before;
        self.reporter.report(world, plan, &answers);
        Ok(())
    }

    fn evidence(&self, world: &World) -> Evidence {
        let look = |ledger: &mut crate::evidence::rollout_evidence::Ledger| Evidence {
            figures: ledger.summary(),
            accounts: ledger.accounts(),
            replay: ledger.replay(),
        };
        self.watches.with(&world.observed.uid, look).unwrap_or_default()
    }
}

impl Memory {
    /// Whether an older leader may still have writes on their way: until every object is stamped,
    /// a conflict halfway included.
    fn must_fence(&self, name: &Name, state: &State) -> bool {
        let at_rest = matches!(state, State::AtRest(_));
        if at_rest {
            self.fenced(name);
        }
        !at_rest && !lock(&self.fenced).contains(name)
    }

    fn fenced(&self, name: &Name) {
        lock(&self.fenced).insert(name.clone());
    }

    /// Something that keeps scaling X up is answered at once the first time, then at a bounded
    /// rate: two controllers that fight at full speed would hurt the API server and nobody else.
    fn throttle(&self, name: &Name, mut plan: Plan, now: Timestamp) -> Plan {
        if !drains_again(&plan) {
            return plan;
        }
        let since = lock(&self.drained).get(name).map(Instant::elapsed);
        if let Some(left) = since.and_then(|it| DRAIN_AGAIN.checked_sub(it)) {
            plan.effects.retain(|it| !matches!(it, Effect::Drain { .. }));
            return plan.wake(now.checked_add(left).ok());
        }
        plan
    }

    /// Notes a drain that was made. One that met a conflict, as it will while X scales up, is tried
    /// again at once: each second more is a second of pods that nobody has judged.
    fn carried_out(&self, name: &Name, plan: &Plan) {
        if drains_again(plan) {
            lock(&self.drained).insert(name.clone(), Instant::now());
        }
    }

    fn forget(&self, name: &Name) {
        lock(&self.fenced).remove(name);
        lock(&self.drained).remove(name);
    }
}

/// Whether it drains a target that was drained before.
fn drains_again(plan: &Plan) -> bool {
    let drains = plan.effects.iter().any(|it| matches!(it, Effect::Drain { .. }));
    drains && !matches!(plan.next, State::Adopting)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The status keeps microseconds: a finer `now` would differ from itself after a round trip.
fn whole_micros(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// Whether what is waited for is brought by no watch: a Secret, a broker, an autoscaler.
fn is_unwatched(world: &World, plan: &Plan) -> bool {
    world.source.is_some() || plan.held == Some(Held::AutoscalerOnTarget)
}

fn next_look(plan: &Plan, most: Duration, now: Timestamp) -> Action {
    let wait = plan.wake.map(|at| at.duration_since(now).max(SignedDuration::ZERO));
    let wait = wait.and_then(|it| Duration::try_from(it).ok());
    Action::requeue(wait.map_or(most, |it| it.max(SOONEST)).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use siskin_decide::Rest;

    #[test]
    fn a_rollout_is_fenced_until_that_has_succeeded_once() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        assert!(memory.must_fence(&name, &State::Adopting));
        assert!(memory.must_fence(&name, &State::Adopting), "the first try met a conflict");
        memory.fenced(&name);
        assert!(!memory.must_fence(&name, &State::Adopting));
    }

    #[test]
    fn a_drain_is_tried_again_at_once_until_one_is_made_and_then_at_a_bounded_rate() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        let rest = State::AtRest(Rest::Succeeded);
        let plan = Plan::to(rest, vec![Effect::Drain { noted: 6 }]);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(memory.throttle(&name, plan.clone(), now), plan);
        assert_eq!(memory.throttle(&name, plan.clone(), now), plan, "the first met a conflict");
        memory.carried_out(&name, &plan);
        let throttled = memory.throttle(&name, plan.clone(), now);
        assert_eq!(throttled.effects, []);
        assert!(throttled.wake.is_some(), "it is looked at again");
    }

    #[test]
    fn a_rollout_found_at_rest_needs_no_fence_later() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        assert!(!memory.must_fence(&name, &State::AtRest(Rest::Succeeded)));
        assert!(!memory.must_fence(&name, &State::Adopting));
    }
}
