//! Pods of both roles, from a watch that keeps only what is asked of a pod here.
//! The one cache that decisions read: counts that matter come from live reads of the Deployments.

use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodSpec, PodStatus};
use kube::ResourceExt;
use siskin_analysis::observation::{ContainerObservation, Millis, PodObservation, Role};
use siskin_api::annotations::{ROLE, ROLE_CANARY, ROLE_PRIMARY};
use siskin_kafka::PodIdentity;

use crate::name::Name;
use crate::observe::by_target::ByTarget;
use crate::observe::containers;
use crate::observe::exports::{self, Export};
use crate::observe::gone::{GonePod, GonePods};
use crate::observe::parse::Shown;
use crate::observe::sight::Sight;
use crate::observe::troubles::PodTrouble;
use crate::workloads::children::target_of;

/// The pods of every target.
#[derive(Clone)]
pub struct Pods {
    seen: ByTarget<PodParts>,
    gone: GonePods,
    sight: Sight,
}

/// What decisions read of one pod.
#[derive(Clone, Debug)]
struct PodParts {
    identity: PodIdentity,
    observation: PodObservation,
    export: Export,
    trouble: Option<PodTrouble>,
}

/// The pods of one target.
#[derive(Clone, Debug, Default)]
pub struct PodsOfTarget {
    /// Identities, to attribute members of the group to.
    pub identities: Vec<PodIdentity>,
    /// Observations, as the judge takes them.
    pub observations: Vec<PodObservation>,
    /// Addresses and ports of their metrics.
    pub exports: Vec<Export>,
    /// What keeps some of them from running, by the names of the pods.
    pub troubles: Vec<PodTrouble>,
}

impl Pods {
    /// No pod yet; `sight` says whether the watch that shows them works.
    pub(crate) fn new(sight: Sight) -> Self {
        Self { seen: ByTarget::default(), gone: GonePods::default(), sight }
    }

    /// A listing begins: what it does not show is gone.
    pub(crate) fn listing_begins(&self) {
        self.seen.listing_begins();
    }

    /// A listing has shown everything. Answers with the targets of pods that are gone.
    pub(crate) fn listing_ends(&self, now: Millis) -> Vec<Name> {
        let gone = self.seen.listing_ends();
        gone.into_iter().map(|(target, parts)| self.went(target, parts, now)).collect()
    }

    /// Takes in a pod as the watch shows it. Answers with the targets whose pods have changed.
    pub(crate) fn note(&self, pod: &Pod, now: Millis) -> Vec<Name> {
        let name = pod_name(pod);
        let target = target_of_pod(pod).map(|it| Name::new(name.namespace.clone(), it));
        match (target, PodParts::of(pod)) {
            (Some(target), Some(parts)) => self.seen.set(name, target, parts),
            (None, _) | (_, None) => self.removed(&name, now).into_iter().collect(),
        }
    }

    /// Forgets a pod that is gone, but for its role: its member may linger. Answers with its target.
    pub(crate) fn forget(&self, pod: &Pod, now: Millis) -> Option<Name> {
        self.removed(&pod_name(pod), now)
    }

    fn removed(&self, pod: &Name, now: Millis) -> Option<Name> {
        let (target, parts) = self.seen.remove(pod)?;
        Some(self.went(target, parts, now))
    }

    fn went(&self, target: Name, parts: PodParts, now: Millis) -> Name {
        let identity =
            PodIdentity { terminating: true, gone: true, ready: false, ..parts.identity };
        self.gone.note(&target, GonePod { identity, at: now }, now);
        target
    }

    /// Pods of a target that went lately.
    pub(crate) fn gone(&self, namespace: &str, target: &str, now: Millis) -> Vec<GonePod> {
        self.gone.of(&Name::new(namespace, target), now)
    }

    /// For how long nothing has been heard of any pod: `None`, the watch is well.
    pub(crate) fn unseen_for(&self, now: Millis) -> Option<Millis> {
        self.sight.lost_for(now)
    }

    /// Pods of rollouts in other namespaces than this one, `most` at most: a group may span several.
    pub(crate) fn elsewhere(&self, namespace: &str, most: usize) -> Vec<Stranger> {
        let stranger = |it: PodParts| {
            let identity = PodIdentity { role: None, ..it.identity };
            Stranger { identity, target: None }
        };
        self.seen.elsewhere(namespace, most).into_iter().map(stranger).collect()
    }

    /// Pods of the other rollouts of a namespace: external to this one's group, whatever their role.
    pub(crate) fn others(&self, namespace: &str, target: &str) -> Vec<PodIdentity> {
        let others = self.seen.others(namespace, target);
        others.into_iter().map(|it| PodIdentity { role: None, ..it.identity }).collect()
    }

    /// Pods of a target, both roles, terminating ones included.
    #[must_use]
    pub fn of(&self, namespace: &str, target: &str) -> PodsOfTarget {
        // In the order of their names.
        let seen = self.seen.of(namespace, target);
        // Without room to spare: some are kept for as long as a rollout rests.
        let mut found = PodsOfTarget {
            identities: Vec::with_capacity(seen.len()),
            observations: Vec::with_capacity(seen.len()),
            exports: Vec::with_capacity(seen.len()),
            troubles: Vec::new(),
        };
        for parts in seen {
            found.take(parts);
        }
        found
    }
}

impl PodParts {
    /// A pod of a role that still runs, or will.
    fn of(pod: &Pod) -> Option<Self> {
        let role = role_of(pod).filter(|_| !is_over(pod))?;
        let (identity, observation) = (identity(pod, Some(role)), observation(pod, role));
        let (export, trouble) = (Export::of(pod), PodTrouble::of(pod, role));
        Some(Self { identity, observation, export, trouble })
    }
}

impl PodsOfTarget {
    fn take(&mut self, parts: PodParts) {
        let PodParts { identity, observation, export, trouble } = parts;
        self.identities.push(identity);
        self.observations.push(observation);
        self.exports.push(export);
        self.troubles.extend(trouble);
    }

    /// Names of the pods of both roles.
    pub(crate) fn all_names(&self) -> Vec<Arc<str>> {
        self.observations.iter().map(|it| it.name.clone()).collect()
    }

    /// Names of the pods of one role.
    pub(crate) fn names(&self, role: Role) -> Vec<Arc<str>> {
        let pods = self.observations.iter().filter(|it| it.role == role);
        pods.map(|it| it.name.clone()).collect()
    }

    /// Pods of a role that are Ready and not being deleted.
    pub(crate) fn ready(&self, role: Role) -> u32 {
        let pods = self.observations.iter();
        let ready = pods.filter(|it| it.role == role && it.ready && !it.terminating).count();
        u32::try_from(ready).unwrap_or(u32::MAX)
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
        init_containers: it
            .init_containers
            .map(|them| them.into_iter().filter(exports::is_sidecar).map(exports::trim).collect()),
        ..PodSpec::default()
    });
    pod.status = pod.status.take().map(|it| PodStatus {
        phase: it.phase,
        pod_ip: it.pod_ip,
        pod_ips: it.pod_ips,
        host_ip: it.host_ip,
        host_ips: it.host_ips,
        conditions: it.conditions.map(|them| them.into_iter().filter_map(kept).collect()),
        init_container_statuses: it.init_container_statuses.map(trimmed),
        container_statuses: it.container_statuses.map(trimmed),
        ..PodStatus::default()
    });
}

fn trimmed(statuses: Vec<ContainerStatus>) -> Vec<ContainerStatus> {
    statuses.into_iter().map(containers::trim).collect()
}

/// A condition that is read; with words only where something is wrong.
fn kept(condition: PodCondition) -> Option<PodCondition> {
    let PodCondition { type_, status, reason, message, last_transition_time, .. } = condition;
    let unplaced = type_ == "PodScheduled" && status != "True";
    let (reason, message) = if unplaced { (reason, message) } else { (None, None) };
    ["Ready", "PodScheduled"].contains(&&*type_).then(|| PodCondition {
        type_,
        status,
        reason,
        message,
        last_transition_time,
        ..PodCondition::default()
    })
}

/// The target of a pod, from the name of the `ReplicaSet` that owns it.
pub(crate) fn target_of_pod(pod: &Pod) -> Option<&str> {
    let owners = pod.metadata.owner_references.as_ref()?;
    target_of(&owners.iter().find(|it| it.kind == "ReplicaSet")?.name)
}

/// A pod that may be another workload's, as far as attribution needs it.
#[derive(Clone, Debug)]
pub(crate) struct Stranger {
    pub(crate) identity: PodIdentity,
    /// The target of the rollout that it belongs to, if it belongs to one.
    pub(crate) target: Option<Arc<str>>,
}

impl Stranger {
    /// This pod as any rollout but its own sees it; `None`: it has ended.
    pub(crate) fn of(pod: &Pod) -> Option<Self> {
        let target = role_of(pod).and_then(|_| target_of_pod(pod)).map(Arc::from);
        (!is_over(pod)).then(|| Self { identity: identity(pod, None), target })
    }
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
    let status = pod.status.as_ref();
    let pod_ips = status.and_then(|it| it.pod_ips.as_ref()).into_iter().flatten();
    let host_ips = status.and_then(|it| it.host_ips.as_ref()).into_iter().flatten();
    PodIdentity {
        name: pod.name_any().into(),
        ips: addresses(status.and_then(|it| it.pod_ip.as_deref()), pod_ips.map(|it| &*it.ip)),
        host_network: pod.spec.as_ref().and_then(|it| it.host_network).unwrap_or(false),
        node_ips: addresses(
            status.and_then(|it| it.host_ip.as_deref()),
            host_ips.map(|it| &*it.ip),
        ),
        terminating: pod.metadata.deletion_timestamp.is_some(),
        gone: false,
        ready: is_ready(pod),
        role,
    }
}

/// All addresses, each once: older servers know only the first.
fn addresses<'a>(first: Option<&'a str>, all: impl Iterator<Item = &'a str>) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in first.into_iter().chain(all).filter_map(|it| it.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found.shrink_to_fit();
    found
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|it| it.conditions.as_ref());
    conditions.into_iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True")
}

fn observation(pod: &Pod, role: Role) -> PodObservation {
    let status = pod.status.as_ref();
    let containers = status.map(containers::observations).unwrap_or_default();
    let sum = |count: fn(&ContainerObservation) -> u32| {
        containers.iter().map(count).fold(0, u32::saturating_add)
    };
    PodObservation {
        name: Arc::from(pod.name_any()),
        role,
        created: pod.creation_timestamp().map_or(0, |it| it.0.as_millisecond()),
        ready: is_ready(pod),
        terminating: pod.metadata.deletion_timestamp.is_some(),
        restarts: sum(|it| it.restarts),
        oom_kills: sum(|it| it.oom_kills),
        crash_loop: containers.iter().any(ContainerObservation::is_crash_loop),
        containers,
        node: pod.spec.as_ref().and_then(|it| it.node_name.as_deref()).map(Arc::from),
        metrics: None,
    }
}

/// What decisions read of one pod, and nothing of one that has ended.
#[cfg(test)]
pub(super) fn one_pod(pod: &Pod) -> PodsOfTarget {
    let mut found = PodsOfTarget::default();
    if let Some(part) = PodParts::of(pod) {
        found.take(part);
    }
    found
}
