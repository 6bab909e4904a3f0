//! The crash guard: containers of canary pods that crash again and again, beyond what those of the
//! primary did at that age or in that time. It needs no Kafka; restarts alone are compared.

mod containers;
pub(crate) mod history;

use std::cmp::Ordering;
use std::sync::Arc;

use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::findings::finding::Finding;
use crate::findings::note::Note;
use crate::guards::crash::containers::containers;
use crate::guards::crash::history::{CrashGuard, Crashes};
use crate::numbers::{Millis, tally};
use crate::observation::{PodObservation, Role, staying};

/// Crashes of one container within the window, beyond those that are explained, that are a fault.
/// One can be an eviction, a node, bad luck.
const LEAST_CRASHES: u32 = 2;
/// Out-of-memory kills over all canary pods that are a fault, for the same reason.
const LEAST_OOM_KILLS: u32 = 2;
/// Standard deviations by which a number of chance events may exceed its mean: one window in ten
/// thousand does, and a long trial has a few hundred.
const CHANCE: f64 = 4.0;
/// Canary pods are as many draws as primary pods: a tenth of the primary's pods may be bad ones
/// before they excuse a single canary pod.
const BAD_PODS_ONE_IN: usize = 10;

/// Crashes of one canary container.
struct Suspect<'a> {
    pod: &'a PodObservation,
    container: &'a Arc<str>,
    restarts: u32,
    is_loop: bool,
    was_killed: bool,
    crashes: u32,
    explained: u32,
}

/// Looks for a canary that crashes, by a single look at its pods. `None`: nothing of the kind.
///
/// A fault while the primary is unhealthy is [`Doubt::PrimaryUnhealthy`], which is Inconclusive:
/// a shared outage makes every version crash.
#[must_use]
pub fn crash_guard(at: Millis, pods: &[PodObservation], primary_healthy: bool) -> Option<Finding> {
    CrashGuard::default().finding_by(at, pods, primary_healthy)
}

impl CrashGuard {
    /// What the guard would find after one more look.
    pub(crate) fn finding_by(
        &self,
        at: Millis,
        pods: &[PodObservation],
        primary_healthy: bool,
    ) -> Option<Finding> {
        let mut guard = self.clone();
        guard.observe(at, pods);
        guard.finding(pods, primary_healthy)
    }

    /// What the guard finds on these pods, which are those of the latest look.
    pub(crate) fn finding(
        &self,
        pods: &[PodObservation],
        primary_healthy: bool,
    ) -> Option<Finding> {
        let fault = self.fault(pods)?;
        Some(if primary_healthy {
            Finding::Fault(fault)
        } else {
            Finding::Doubt(Doubt::PrimaryUnhealthy { suspicion: Some(Box::new(fault)) })
        })
    }

    /// Whether every crash of this pod within the window is one that primary pods had, too.
    pub(crate) fn explains(&self, pods: &[PodObservation], pod: &PodObservation) -> bool {
        let crashes = |it: &Suspect<'_>| it.crashes <= it.explained;
        self.suspects(pods, pod).iter().all(crashes)
    }

    /// The crashes of the canary that are explained, as far as there would be a fault otherwise.
    pub(crate) fn notes(&self, pods: &[PodObservation]) -> Option<Note> {
        let all = canary(pods).flat_map(|pod| self.suspects(pods, pod));
        let shared = all.filter(|it| it.crashes >= LEAST_CRASHES && it.excess() < LEAST_CRASHES);
        let worst = shared.max_by(Suspect::order)?;
        let (pod, container) = (worst.pod.name.clone(), worst.container.clone());
        Some(Note::CrashesAsThePrimary { pod, container, crashes: worst.crashes })
    }

    fn fault(&self, pods: &[PodObservation]) -> Option<Fault> {
        let suspects: Vec<_> = canary(pods).flat_map(|pod| self.suspects(pods, pod)).collect();
        let faulty = || suspects.iter().filter(|it| it.excess() >= LEAST_CRASHES);
        let kills = self.kills(pods, Role::Canary);
        // A container shows its last two ends for a moment only. One that waits after a kill to be
        // started once more was killed, or crashed before that: either way the kill is what to tell.
        let killed_again = faulty().any(|it| it.is_loop && it.was_killed);
        if kills >= LEAST_OOM_KILLS.saturating_add(self.usual_kills(pods)) || killed_again {
            return Some(Fault::OutOfMemory { kills });
        }
        let worst = faulty().max_by(|a, b| a.order(b))?;
        let (pod, restarts) = (worst.pod.name.clone(), worst.restarts);
        let container = Some(worst.container.clone()).filter(|it| !it.is_empty());
        Some(if worst.is_loop {
            Fault::CrashLoop { pod, container, restarts }
        } else {
            Fault::Crashes { pod, container, restarts }
        })
    }

    fn suspects<'a>(&self, pods: &[PodObservation], pod: &'a PodObservation) -> Vec<Suspect<'a>> {
        let suspect = |container: containers::Container<'a>| {
            let crashes = self.crashes(&pod.name, container.name);
            Suspect {
                pod,
                container: container.name,
                restarts: container.restarts,
                is_loop: container.is_loop,
                was_killed: container.oom_kills > 0,
                crashes: crashes.all,
                explained: self.explained(pods, container.name, crashes),
            }
        };
        containers(pod).map(suspect).collect()
    }

    /// Crashes of a canary container that those of the primary explain. Primary pods that are younger
    /// than the canary was when it crashed, after a restart or in a promotion, say nothing of its
    /// start yet: where all are, that waits.
    fn explained(&self, pods: &[PodObservation], container: &Arc<str>, own: Crashes) -> u32 {
        let old_enough = |pod: &&PodObservation| self.has_reached(own.latest_age, pod.created);
        let is_led = primary(pods).next().is_some();
        let primary: Vec<_> = primary(pods).filter(old_enough).map(|pod| &pod.name).collect();
        if is_led && primary.is_empty() {
            return own.early;
        }
        let rank = primary.len() / BAD_PODS_ONE_IN / canary(pods).count().max(1);
        let of = |count: fn(Crashes) -> u32| {
            let each = primary.iter().map(|pod| count(self.crashes(pod, container)));
            let mut each: Vec<u32> = each.collect();
            each.sort_unstable_by(|a, b| b.cmp(a));
            each.get(rank).copied().unwrap_or(0)
        };
        // What every primary pod may have had at its start: told by counts alone where the record
        // does not reach back so far.
        let each = primary.iter().map(|pod| self.crashes(pod, container).maybe_early);
        let at_start = of(|it| it.early).max(each.min().unwrap_or(0)).min(own.early);
        let by_chance = by_chance(self.usual_in_window(pods, container));
        of(|it| it.all).max(at_start).max(by_chance)
    }

    /// Recent kills since the oldest primary pod was made: what was before it could not share.
    fn kills(&self, pods: &[PodObservation], role: Role) -> u32 {
        let oldest = primary(pods).map(|pod| pod.created).min();
        let could_be_shared =
            |ended: Option<Millis>| ended.zip(oldest).is_none_or(|(ended, oldest)| oldest <= ended);
        let recent = staying(pods, role).flat_map(|pod| {
            let recent = |it: &containers::Container<'_>| {
                self.is_recent(it.ended) && could_be_shared(it.ended)
            };
            containers(pod).filter(recent).map(|it| it.oom_kills)
        });
        recent.fold(0, u32::saturating_add)
    }

    /// Kills that as many pods of the primary would show.
    fn usual_kills(&self, pods: &[PodObservation]) -> u32 {
        let kills = f64::from(self.kills(pods, Role::Primary));
        let count = |number: usize| f64::from(tally(number));
        by_chance(kills * count(canary(pods).count()) / count(primary(pods).count()).max(1.0))
    }
}

impl Suspect<'_> {
    fn excess(&self) -> u32 {
        self.crashes.saturating_sub(self.explained)
    }

    /// The name breaks ties, so that the answer doesn't depend on the order of the pods.
    fn order(&self, other: &Self) -> Ordering {
        let grave = |it: &Self| (it.excess(), it.restarts);
        let names = |it: &Self| (it.pod.name.clone(), it.container.clone());
        grave(self).cmp(&grave(other)).then_with(|| names(other).cmp(&names(self)))
    }
}

/// Events that chance alone may bring where this many are usual.
fn by_chance(mean: f64) -> u32 {
    let most = (mean + CHANCE * mean.sqrt()).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let most = most as u32;
    most
}

fn canary(pods: &[PodObservation]) -> impl Iterator<Item = &PodObservation> {
    // Terminating ones may belong to a canary that was superseded.
    staying(pods, Role::Canary)
}

fn primary(pods: &[PodObservation]) -> impl Iterator<Item = &PodObservation> {
    staying(pods, Role::Primary)
}

#[cfg(test)]
mod tests;
