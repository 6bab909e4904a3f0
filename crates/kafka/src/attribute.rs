//! Which pod a member of the group runs on, and so which role owns a partition.
//! Pure: a snapshot and the pods in, an observation out. Never guesses: what is not sure is
//! unattributed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, MemberCount, Owner, PartitionObservation, Role,
};

use crate::snapshot::{GroupSnapshot, Member};

/// An existing pod, with what identifies the group members that run on it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, no state in disguise")]
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
    /// Whether the pod is being deleted, or gone: its members are about to leave.
    pub terminating: bool,
    /// Whether the pod is gone. Its member may linger until its session ends.
    pub gone: bool,
    /// Whether the pod is Ready.
    pub ready: bool,
    /// The pod's role, or `None` for a pod of another workload.
    pub role: Option<Role>,
}

/// Attributes members and partitions to pods.
///
/// `pods` are all pods that may run a member: those of both roles, terminating ones included
/// (they are members until they have left), those that went lately, and those of other workloads
/// that are known. Others that have ended must not be in it: their addresses are given to others.
///
/// It takes time by the length of members and pods, not by their product.
///
/// For each member, the first rule that names exactly one pod holds:
/// 1. `group.instance.id` contains the pod's name as a whole token;
/// 2. `client.id` does;
/// 3. the member connects from an address of the pod, which no other pod has, and which is not a
///    node's. That of a pod that is gone counts only while no other has it.
///
/// A member on a pod of another workload is *external*. So is one that no rule places while every
/// Ready pod of ours is named by some member: ours name their pods, and a group may span clusters
/// and namespaces that are not seen from here. Otherwise it is *unattributed*: it could be ours.
#[must_use]
pub fn attribute(snapshot: &GroupSnapshot, pods: &[PodIdentity]) -> GroupObservation {
    let (names, addresses) = (PodNames::of(pods), unique_addresses(pods));
    let owners = owners(snapshot, pods, &names, &addresses);
    let canary_pods = joined_canaries(&owners, pods, true);
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
        members: MemberCount { canary_pods, ..count(&owners) },
        partitions,
    }
}

/// Canary pods that have a member, stay, and are not Ready: their consumers run, and they do not serve
/// yet. Rules and costs are those of [`attribute()`].
#[must_use]
pub fn unready_canaries(snapshot: &GroupSnapshot, pods: &[PodIdentity]) -> u32 {
    let owners = owners(snapshot, pods, &PodNames::of(pods), &unique_addresses(pods));
    joined_canaries(&owners, pods, false)
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

/// Canary pods that are Ready, or those that are not, as far as they stay and have a member.
fn joined_canaries(owners: &[Owner], pods: &[PodIdentity], ready: bool) -> u32 {
    let canary = |owner: &&Owner| matches!(owner, Owner::Pod { role: Role::Canary, .. });
    let joined: HashSet<&Owner> = owners.iter().filter(canary).collect();
    let staying = pods.iter().filter(|pod| pod.ready == ready && !pod.terminating);
    let staying: HashSet<&str> = staying.map(|pod| &*pod.name).collect();
    let stays =
        |owner: &&&Owner| matches!(owner, Owner::Pod { name, .. } if staying.contains(&**name));
    u32::try_from(joined.iter().filter(stays).count()).unwrap_or(u32::MAX)
}

/// The owner of what each member has.
fn owners(
    snapshot: &GroupSnapshot,
    pods: &[PodIdentity],
    names: &PodNames<'_>,
    addresses: &HashMap<IpAddr, &PodIdentity>,
) -> Vec<Owner> {
    let on_pods: Vec<_> = snapshot.members.iter().map(|it| named_by(it, names)).collect();
    let known: HashSet<&str> = on_pods.iter().flatten().map(|pod| &*pod.name).collect();
    let mut ready = pods.iter().filter(|pod| pod.role.is_some() && pod.ready && !pod.terminating);
    let all_named = !known.is_empty() && ready.all(|pod| known.contains(&*pod.name));
    let by_address = |member: &Member| addresses.get(&member.host?).copied();
    let placed = snapshot.members.iter().zip(on_pods);
    let owner = placed.map(|(member, pod)| owner_on(pod.or_else(|| by_address(member))));
    let strangers = |owner| match owner {
        Owner::Unattributed if all_named => Owner::External,
        Owner::Unattributed | Owner::External | Owner::Nobody | Owner::Pod { .. } => owner,
    };
    owner.map(strangers).collect()
}

/// The pod that a member names.
fn named_by<'a>(member: &Member, names: &PodNames<'a>) -> Option<&'a PodIdentity> {
    let by_instance = member.instance_id.as_deref().and_then(|id| names.named_in(id));
    by_instance.or_else(|| names.named_in(&member.client_id))
}

fn owner_on(pod: Option<&PodIdentity>) -> Owner {
    match pod {
        Some(PodIdentity { name, role: Some(role), .. }) => {
            Owner::Pod { name: Arc::clone(name), role: *role }
        }
        Some(PodIdentity { role: None, .. }) => Owner::External,
        None => Owner::Unattributed,
    }
}

/// Pods by their names, to be found in texts.
struct PodNames<'a> {
    pods: &'a [PodIdentity],
    /// Places in `pods`; two pods of different namespaces may have one name.
    places: HashMap<&'a str, Vec<usize>>,
    /// Lengths that names have, in bytes.
    lengths: BTreeSet<usize>,
}

impl<'a> PodNames<'a> {
    fn of(pods: &'a [PodIdentity]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::with_capacity(pods.len());
        for (place, pod) in pods.iter().enumerate().filter(|(_, pod)| !pod.name.is_empty()) {
            places.entry(&pod.name).or_default().push(place);
        }
        let lengths = places.keys().map(|name| name.len()).collect();
        Self { pods, places, lengths }
    }

    /// The pod whose name is a whole token of `text`; the longest name if one contains the other;
    /// none if two different pods are named.
    fn named_in(&self, text: &str) -> Option<&'a PodIdentity> {
        let named = self.tokens_of(text);
        let best = named
            .iter()
            .copied()
            .map(|place| &self.pods[place])
            .reduce(|best, pod| if best.name.len() < pod.name.len() { pod } else { best })?;
        let mut rivals = named.iter().map(|place| &*self.pods[*place].name);
        rivals.all(|rival| best.name.contains(rival)).then_some(best)
    }

    /// Places of the pods whose names stand in `text` between the text's ends or separators.
    ///
    /// Names of our pods end in a generated suffix, so that `-` may follow or precede (consumers
    /// often append the number of a thread). Another workload's pod may have any name, and `orders`
    /// must not be found in `orders-primary-7d9f-abcde` when that pod is already gone: there a
    /// separator is only what no pod name contains.
    fn tokens_of(&self, text: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut before = None;
        for (start, first) in text.char_indices() {
            let previous = before.replace(first);
            if previous.is_some_and(|it| it.is_ascii_alphanumeric()) {
                continue;
            }
            for length in &self.lengths {
                let Some(name) = text.get(start..start + length) else { continue };
                let after = text[start + length..].chars().next();
                if after.is_some_and(|it| it.is_ascii_alphanumeric()) {
                    continue;
                }
                let in_name = |it: Option<char>| matches!(it, Some('-' | '.'));
                let inside = in_name(previous) || in_name(after);
                let places = self.places.get(name).into_iter().flatten();
                found.extend(places.filter(|it| !inside || self.pods[**it].role.is_some()));
            }
        }
        found
    }
}

/// Addresses that belong to exactly one pod, and to no node. A pod that is there has its address before
/// one that is gone.
fn unique_addresses(pods: &[PodIdentity]) -> HashMap<IpAddr, &PodIdentity> {
    let mut useless: HashSet<IpAddr> = pods.iter().flat_map(|pod| &pod.node_ips).copied().collect();
    useless.extend(pods.iter().filter(|pod| pod.host_network).flat_map(|pod| &pod.ips));
    let mut addresses: HashMap<IpAddr, &PodIdentity> = HashMap::new();
    let (gone, there): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| pod.gone);
    let of_all = there.into_iter().chain(gone);
    for (pod, ip) in of_all.flat_map(|pod| pod.ips.iter().map(move |ip| (pod, *ip))) {
        let heir = addresses.get(&ip).filter(|it| pod.gone && !it.gone);
        if useless.contains(&ip) || heir.is_some() {
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
