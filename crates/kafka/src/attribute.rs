//! Which pod a member of the group runs on, and so which role owns a partition.
//! Pure: a snapshot and the pods in, an observation out. Never guesses: what is not sure is
//! unattributed.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, MemberCount, Owner, PartitionObservation, Role,
};

use crate::snapshot::{GroupSnapshot, Member};

/// An existing pod, with what identifies the group members that run on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodIdentity {
    /// Pod name.
    pub name: Arc<str>,
    /// The pod's address, once it has one.
    pub ip: Option<IpAddr>,
    /// Whether the pod shares its node's network: then its address identifies nothing.
    pub host_network: bool,
    /// The address of the pod's node: connections that were rewritten on the way (SNAT) come from
    /// there.
    pub node_ip: Option<IpAddr>,
    /// The pod's role, or `None` for a pod of another workload.
    pub role: Option<Role>,
}

/// Attributes members and partitions to pods.
///
/// `pods` are all pods that may run a member: those of both roles, terminating ones included
/// (they are members until they have left), and those of other workloads that are known. Pods
/// that have ended must not be in it: their addresses are given to others.
///
/// For each member, the first rule that names exactly one pod holds:
/// 1. `group.instance.id` contains the pod's name as a whole token;
/// 2. `client.id` does;
/// 3. the member connects from the pod's address, which no other pod has, and which is not a
///    node's.
///
/// A member on a pod of another workload is *external*; one that no rule places is
/// *unattributed*: it could be ours.
#[must_use]
pub fn attribute(snapshot: &GroupSnapshot, pods: &[PodIdentity]) -> GroupObservation {
    let addresses = unique_addresses(pods);
    let owners: Vec<Owner> =
        snapshot.members.iter().map(|member| owner_of(member, pods, &addresses)).collect();
    let partitions = snapshot
        .partitions
        .iter()
        .map(|partition| PartitionObservation {
            topic: Arc::clone(&partition.id.topic),
            partition: partition.id.partition,
            owner: partition
                .owner
                .and_then(|index| owners.get(index).cloned())
                .unwrap_or(Owner::Nobody),
            committed: partition.committed,
            log_start: partition.log_start,
            log_end: partition.readable_end(),
        })
        .collect();
    GroupObservation {
        state: snapshot.state,
        epoch: snapshot.epoch,
        members: count(&owners),
        partitions,
    }
}

fn count(owners: &[Owner]) -> MemberCount {
    let mut members = MemberCount::default();
    for owner in owners {
        match owner {
            Owner::Pod { role: Role::Primary, .. } => members.primary += 1,
            Owner::Pod { role: Role::Canary, .. } => members.canary += 1,
            Owner::External => members.external += 1,
            Owner::Unattributed | Owner::Nobody => members.unattributed += 1,
        }
    }
    members
}

fn owner_of(
    member: &Member,
    pods: &[PodIdentity],
    addresses: &HashMap<IpAddr, &PodIdentity>,
) -> Owner {
    let pod = member
        .instance_id
        .as_deref()
        .and_then(|id| named_in(id, pods))
        .or_else(|| named_in(&member.client_id, pods))
        .or_else(|| member.host.and_then(|host| addresses.get(&host).copied()));
    match pod {
        Some(PodIdentity { name, role: Some(role), .. }) => {
            Owner::Pod { name: Arc::clone(name), role: *role }
        }
        Some(PodIdentity { role: None, .. }) => Owner::External,
        None => Owner::Unattributed,
    }
}

/// The pod whose name is a whole token of `text`; the longest name if one contains the other;
/// none if two different pods are named.
fn named_in<'a>(text: &str, pods: &'a [PodIdentity]) -> Option<&'a PodIdentity> {
    let mut best: Option<&PodIdentity> = None;
    let mut rivals: Vec<&str> = Vec::new();
    for pod in pods.iter().filter(|pod| contains_token(text, pod)) {
        rivals.push(&pod.name);
        if best.is_none_or(|best| pod.name.len() > best.name.len()) {
            best = Some(pod);
        }
    }
    best.filter(|best| rivals.iter().all(|rival| best.name.contains(rival)))
}

/// Whether the pod's name stands in `text` between the text's ends or separators.
///
/// Names of our pods end in a generated suffix, so that `-` may follow or precede (consumers
/// often append the number of a thread). Another workload's pod may have any name, and `orders`
/// must not be found in `orders-primary-7d9f-abcde` when that pod is already gone: there a
/// separator is only what no pod name contains.
fn contains_token(text: &str, pod: &PodIdentity) -> bool {
    let name = &*pod.name;
    if name.is_empty() {
        return false;
    }
    let part_of_name =
        |c: char| c.is_ascii_alphanumeric() || (pod.role.is_none() && matches!(c, '-' | '.'));
    text.match_indices(name).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + name.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

/// Addresses that belong to exactly one pod, and to no node.
fn unique_addresses(pods: &[PodIdentity]) -> HashMap<IpAddr, &PodIdentity> {
    let mut useless: HashSet<IpAddr> = pods.iter().filter_map(|pod| pod.node_ip).collect();
    useless.extend(pods.iter().filter(|pod| pod.host_network).filter_map(|pod| pod.ip));
    let mut addresses = HashMap::new();
    for pod in pods {
        let Some(ip) = pod.ip.filter(|ip| !useless.contains(ip)) else { continue };
        if addresses.insert(ip, pod).is_some() {
            addresses.remove(&ip);
            useless.insert(ip);
        }
    }
    addresses
}

#[cfg(test)]
mod tests;
