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
    /// The pod's addresses, once it has some: one for each family of a dual-stack cluster.
    pub ips: Vec<IpAddr>,
    /// Whether the pod shares its node's network: then its addresses identify nothing.
    pub host_network: bool,
    /// The addresses of the pod's node: connections that were rewritten on the way (SNAT) come from
    /// there.
    pub node_ips: Vec<IpAddr>,
    /// Whether the pod is being deleted: its members are about to leave.
    pub terminating: bool,
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
/// 3. the member connects from an address of the pod, which no other pod has, and which is not a
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
        members: MemberCount { canary_pods: canary_pods(&owners, pods), ..count(&owners) },
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

/// Canary pods that stay and have a member.
fn canary_pods(owners: &[Owner], pods: &[PodIdentity]) -> u32 {
    let canary = |owner: &&Owner| matches!(owner, Owner::Pod { role: Role::Canary, .. });
    let joined: HashSet<&Owner> = owners.iter().filter(canary).collect();
    let leaves = |name: &str| pods.iter().any(|pod| pod.terminating && &*pod.name == name);
    let stays = |owner: &&&Owner| matches!(owner, Owner::Pod { name, .. } if !leaves(name));
    u32::try_from(joined.iter().filter(stays).count()).unwrap_or(u32::MAX)
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
    let mut useless: HashSet<IpAddr> = pods.iter().flat_map(|pod| &pod.node_ips).copied().collect();
    useless.extend(pods.iter().filter(|pod| pod.host_network).flat_map(|pod| &pod.ips));
    let mut addresses: HashMap<IpAddr, &PodIdentity> = HashMap::new();
    for (pod, ip) in pods.iter().flat_map(|pod| pod.ips.iter().map(move |ip| (pod, *ip))) {
        if useless.contains(&ip) {
            continue;
        }
        // Some servers list one address twice.
        if addresses.insert(ip, pod).is_some_and(|before| before.name != pod.name) {
            addresses.remove(&ip);
            useless.insert(ip);
        }
    }
    addresses
}

#[cfg(test)]
mod tests;
