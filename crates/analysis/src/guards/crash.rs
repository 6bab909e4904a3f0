//! The crash guards: crash loops and out-of-memory kills, seen in the pods alone.
//! They need no Kafka and no history, and count from a canary pod's first second.

use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::findings::finding::Finding;
use crate::observation::{PodObservation, Role};

/// Crashes of one canary pod that are a fault. One can be an eviction, a node, bad luck.
const LEAST_CRASHES: u32 = 2;
/// Out-of-memory kills over all canary pods that are a fault, for the same reason.
const LEAST_OOM_KILLS: u32 = 2;

/// Looks for a canary that crashes. `None`: nothing of the kind.
///
/// A fault while the primary is unhealthy is [`Doubt::PrimaryUnhealthy`], which is Inconclusive:
/// a shared outage makes every version crash.
///
/// Restarts count from the creation of a pod. A canary pod is created for the trial, so its
/// counter is the trial's own and no other starting point has to survive an operator restart.
/// Terminating pods don't count: they may belong to a canary that was superseded.
#[must_use]
pub fn crash_guard(pods: &[PodObservation], primary_healthy: bool) -> Option<Finding> {
    let fault = crash(pods)?;
    Some(if primary_healthy {
        Finding::Fault(fault)
    } else {
        Finding::Doubt(Doubt::PrimaryUnhealthy { suspicion: Some(Box::new(fault)) })
    })
}

fn crash(pods: &[PodObservation]) -> Option<Fault> {
    let canary = || pods.iter().filter(|pod| pod.role == Role::Canary && !pod.terminating);
    let kills = canary().fold(0_u32, |sum, pod| sum.saturating_add(pod.oom_kills));
    // A container shows its last two ends for a moment only. One that waits after a kill to be
    // started once more was killed, or crashed before that: either way the kill is what to tell.
    let killed_again = canary().any(|pod| pod.crash_loop && pod.oom_kills > 0);
    if kills >= LEAST_OOM_KILLS || killed_again {
        return Some(Fault::OutOfMemory { kills });
    }
    if let Some(pod) = canary().find(|pod| pod.crash_loop) {
        return Some(Fault::CrashLoop { pod: pod.name.clone(), restarts: pod.restarts });
    }
    // The name breaks ties, so that the answer doesn't depend on the order of the pods.
    let worst = canary().max_by(|a, b| (a.restarts, &b.name).cmp(&(b.restarts, &a.name)))?;
    (worst.restarts >= LEAST_CRASHES)
        .then(|| Fault::Crashes { pod: worst.name.clone(), restarts: worst.restarts })
}
