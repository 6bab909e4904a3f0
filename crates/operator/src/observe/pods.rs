//! Pods of both roles, from a watch that keeps only what is asked of a pod here.
//! The one cache that decisions read: counts that matter come from live reads of the Deployments.

use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodSpec, PodStatus};
use kube::ResourceExt;
use parking_lot::Mutex;
use siskin_analysis::observation::{Millis, PodObservation, Role};
use siskin_api::annotations::{ROLE, ROLE_CANARY, ROLE_PRIMARY};
use siskin_kafka::PodIdentity;

use crate::name::Name;
use crate::observe::by_target::ByTarget;
use crate::observe::exports::{self, Export};
use crate::observe::parse::Shown;
use crate::workloads::children::target_of;

/// The pods of every target.
#[derive(Clone)]
pub struct Pods {
    seen: ByTarget<PodParts>,
    sight: Sight,
}

/// What decisions read of one pod.
#[derive(Clone, Debug)]
struct PodParts {
    identity: PodIdentity,
    observation: PodObservation,
    export: Export,
}

/// Whether the watch of the pods is broken.
#[derive(Clone, Debug, Default)]
pub struct Sight(Arc<Mutex<Option<Break>>>);

/// A watch that fails: the first failure and the latest, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Break {
    first: Millis,
    latest: Millis,
}

/// A watch is begun again after at most 30 s, and says nothing when that goes well.
const BEGUN_AGAIN_WITHIN: Millis = 40_000;

/// The pods of one target.
#[derive(Clone, Debug, Default)]
pub struct PodsOfTarget {
    /// Identities, to attribute members of the group to.
    pub identities: Vec<PodIdentity>,
    /// Observations, as the judge takes them.
    pub observations: Vec<PodObservation>,
    /// Addresses and ports of their metrics.
    pub exports: Vec<Export>,
}

impl Pods {
    /// No pod yet; `sight` says whether the watch that shows them works.
    pub(crate) fn new(sight: Sight) -> Self {
        Self { seen: ByTarget::default(), sight }
    }

    /// A listing begins: what it does not show is gone.
    pub(crate) fn listing_begins(&self) {
        self.seen.listing_begins();
    }

    /// A listing has shown everything. Answers with the targets of pods that are gone.
    pub(crate) fn listing_ends(&self) -> Vec<Name> {
        self.seen.listing_ends()
    }

    /// Takes in a pod as the watch shows it. Answers with the targets whose pods have changed.
    pub(crate) fn note(&self, pod: &Pod) -> Vec<Name> {
        let name = pod_name(pod);
        let target = target_of_pod(pod).map(|it| Name::new(name.namespace.clone(), it));
        match (target, PodParts::of(pod)) {
            (Some(target), Some(parts)) => self.seen.set(name, target, parts),
            (None, _) | (_, None) => self.seen.remove(&name).into_iter().collect(),
        }
    }

    /// Forgets a pod that is gone. Answers with its target.
    pub(crate) fn forget(&self, pod: &Pod) -> Option<Name> {
        self.seen.remove(&pod_name(pod))
    }

    /// For how long nothing has been heard of any pod: `None`, the watch is well.
    pub(crate) fn unseen_for(&self, now: Millis) -> Option<Millis> {
        self.sight.lost_for(now)
    }

    /// Pods of a target, both roles, terminating ones included.
    #[must_use]
    pub fn of(&self, namespace: &str, target: &str) -> PodsOfTarget {
        let mut found = PodsOfTarget::default();
        // In the order of their names.
        for PodParts { identity, observation, export } in self.seen.of(namespace, target) {
            found.identities.push(identity);
            found.observations.push(observation);
            found.exports.push(export);
        }
        found
    }
}

impl PodParts {
    /// A pod of a role that still runs, or will.
    fn of(pod: &Pod) -> Option<Self> {
        let role = role_of(pod).filter(|_| !is_over(pod))?;
        let (identity, observation) = (identity(pod, Some(role)), observation(pod, role));
        Some(Self { identity, observation, export: Export::of(pod) })
    }
}

impl Sight {
    /// The watch broke: what the store shows is the past from `now` on.
    pub(crate) fn lost(&self, now: Millis) {
        let mut broken = self.0.lock();
        let first = broken.map_or(now, |it| it.first);
        *broken = Some(Break { first, latest: now });
    }

    /// The watch has shown everything there is, or something new.
    pub(crate) fn regained(&self) {
        *self.0.lock() = None;
    }

    fn lost_for(&self, now: Millis) -> Option<Millis> {
        let mut broken = self.0.lock();
        let lasting = broken.filter(|it| now.saturating_sub(it.latest) <= BEGUN_AGAIN_WITHIN);
        *broken = lasting;
        lasting.map(|it| now.saturating_sub(it.first))
    }
}

impl PodsOfTarget {
    /// Names of the pods of both roles.
    pub(crate) fn all_names(&self) -> Vec<Arc<str>> {
        self.observations.iter().map(|it| it.name.clone()).collect()
    }

    /// Names of the pods of one role.
    pub(crate) fn names(&self, role: Role) -> Vec<Arc<str>> {
        let pods = self.observations.iter().filter(|it| it.role == role);
        pods.map(|it| it.name.clone()).collect()
    }

    /// Pods of a role, and those of them that are being deleted.
    pub(crate) fn shown(&self, role: Role) -> Shown {
        let pods = self.observations.iter().filter(|it| it.role == role);
        pods.fold(Shown::default(), |so_far, it| Shown {
            all: so_far.all.saturating_add(1),
            terminating: so_far.terminating.saturating_add(it.terminating.into()),
        })
    }
}

/// Keeps what [`Pods`] reads: a listing has many pods, and their specs are large.
pub(crate) fn trim(pod: &mut Pod) {
    pod.managed_fields_mut().clear();
    pod.annotations_mut().clear();
    pod.labels_mut().retain(|key, _| key == ROLE);
    pod.spec = pod.spec.take().map(|it| PodSpec {
        host_network: it.host_network,
        node_name: it.node_name,
        containers: it.containers.into_iter().map(exports::trim).collect(),
        ..PodSpec::default()
    });
    pod.status = pod.status.take().map(|it| PodStatus {
        phase: it.phase,
        pod_ip: it.pod_ip,
        host_ip: it.host_ip,
        conditions: it
            .conditions
            .map(|them| them.into_iter().filter(|it| it.type_ == "Ready").collect()),
        container_statuses: it.container_statuses,
        ..PodStatus::default()
    });
}

/// The target of a pod, from the name of the `ReplicaSet` that owns it.
pub(crate) fn target_of_pod(pod: &Pod) -> Option<&str> {
    let owners = pod.metadata.owner_references.as_ref()?;
    target_of(&owners.iter().find(|it| it.kind == "ReplicaSet")?.name)
}

/// A pod of another workload, as far as attribution needs it.
pub(crate) fn stranger(pod: &Pod) -> Option<PodIdentity> {
    (role_of(pod).is_none() && !is_over(pod)).then(|| identity(pod, None))
}

fn pod_name(pod: &Pod) -> Name {
    Name::new(pod.namespace().unwrap_or_default(), pod.name_any())
}

fn role_of(pod: &Pod) -> Option<Role> {
    match pod.labels().get(ROLE)?.as_str() {
        ROLE_PRIMARY => Some(Role::Primary),
        ROLE_CANARY => Some(Role::Canary),
        _ => None,
    }
}

/// Succeeded and Failed pods (evicted ones) hold no member and no address.
fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn identity(pod: &Pod, role: Option<Role>) -> PodIdentity {
    let address = |text: Option<&String>| text.and_then(|it| it.parse::<IpAddr>().ok());
    let status = pod.status.as_ref();
    PodIdentity {
        name: pod.name_any().into(),
        ip: address(status.and_then(|it| it.pod_ip.as_ref())),
        host_network: pod.spec.as_ref().and_then(|it| it.host_network).unwrap_or(false),
        node_ip: address(status.and_then(|it| it.host_ip.as_ref())),
        role,
    }
}

fn observation(pod: &Pod, role: Role) -> PodObservation {
    let none = Vec::new();
    let status = pod.status.as_ref();
    let containers = status.and_then(|it| it.container_statuses.as_ref()).unwrap_or(&none);
    let conditions = status.and_then(|it| it.conditions.as_ref());
    let ready =
        conditions.into_iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True");
    let restarts = containers.iter().map(|it| u32::try_from(it.restart_count).unwrap_or(0)).sum();
    let oom_kills = containers.iter().map(oom_kills).sum();
    PodObservation {
        name: Arc::from(pod.name_any()),
        role,
        created: pod.creation_timestamp().map_or(0, |it| it.0.as_millisecond()),
        ready,
        terminating: pod.metadata.deletion_timestamp.is_some(),
        restarts,
        oom_kills,
        crash_loop: containers.iter().any(is_crash_loop),
        node: pod.spec.as_ref().and_then(|it| it.node_name.as_deref()).map(Arc::from),
        metrics: None,
    }
}

/// A container shows its current and its last termination: at most two kills are visible.
fn oom_kills(container: &ContainerStatus) -> u32 {
    let states = [container.state.as_ref(), container.last_state.as_ref()];
    let killed = |it: &&k8s_openapi::api::core::v1::ContainerState| {
        let reason = it.terminated.as_ref().and_then(|it| it.reason.as_deref());
        reason == Some("OOMKilled")
    };
    u32::try_from(states.into_iter().flatten().filter(killed).count()).unwrap_or(0)
}

fn is_crash_loop(container: &ContainerStatus) -> bool {
    let waiting = container.state.as_ref().and_then(|it| it.waiting.as_ref());
    waiting.and_then(|it| it.reason.as_deref()) == Some("CrashLoopBackOff")
}

#[cfg(test)]
mod tests {
    use crate::observe::pods::Sight;

    #[test]
    fn a_watch_that_fails_again_and_again_has_been_broken_since_the_first_time() {
        let sight = Sight::default();
        assert_eq!(sight.lost_for(0), None);
        sight.lost(5_000);
        sight.lost(35_000);
        assert_eq!(sight.lost_for(70_000), Some(65_000));
        sight.regained();
        assert_eq!(sight.lost_for(70_000), None);
    }

    #[test]
    fn a_watch_that_was_begun_again_without_a_word_is_well() {
        let sight = Sight::default();
        sight.lost(5_000);
        assert_eq!(sight.lost_for(45_000), Some(40_000));
        assert_eq!(sight.lost_for(45_001), None);
        sight.lost(60_000);
        assert_eq!(sight.lost_for(61_000), Some(1_000));
    }
}
