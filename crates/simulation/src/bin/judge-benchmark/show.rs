//! What the operator would see of a simulated group: observations, and what a source does to them.
//! The same observation goes to every judge.

use std::collections::BTreeMap;
use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, GroupState, Histogram, MemberCount, Millis, Observation, Owner,
    PartitionObservation, PodMetrics, PodObservation, Role,
};

use crate::latency::EDGES;
use crate::pod::SimulatedPod;
use crate::scenario::{Counting, Fault, HealthyTrouble, Scenario, Source};
use crate::world::{Partition, World};

/// When a trial begins: any moment of 2026.
pub const START: Millis = 1_780_000_000_000;
/// Seconds between observations.
pub const POLL: i64 = 10;
const MIB: f64 = 1_048_576.0;

/// Names that don't change, made once per run.
#[derive(Clone, Debug)]
pub struct ShownNames {
    topic: Arc<str>,
    edges: Arc<[f64]>,
    pods: Vec<(u32, Role, Arc<str>)>,
}

impl ShownNames {
    /// For one run.
    pub fn new() -> Self {
        Self { topic: Arc::from("orders"), edges: EDGES.into(), pods: Vec::new() }
    }

    fn pod(&mut self, index: usize, generation: u32, role: Role) -> Arc<str> {
        while self.pods.len() <= index {
            self.pods.push((u32::MAX, Role::Primary, Arc::from("")));
        }
        let entry = &mut self.pods[index];
        if entry.0 != generation || entry.1 != role {
            let text = match role {
                Role::Primary => format!("worker-primary-{index}-{generation}"),
                Role::Canary => format!("worker-canary-{index}-{generation}"),
            };
            *entry = (generation, role, Arc::from(text));
        }
        entry.2.clone()
    }
}

/// What is seen now.
pub fn observe(world: &mut World, scenario: &Scenario, names: &mut ShownNames) -> Observation {
    let all = world.pods.len();
    (0..all).for_each(|pod| world.time(pod));
    if scenario.source == Source::Resets && world.now > 0 && world.now % 240 == 0 {
        let index = usize::try_from(world.now / 240).unwrap_or(0) % all;
        world.pods[index].reset_counters();
    }
    let identity = |(index, pod): (usize, &SimulatedPod)| {
        let role = if pod.canary { Role::Canary } else { Role::Primary };
        (names.pod(index, pod.generation, role), role)
    };
    let identities: Vec<(Arc<str>, Role)> = world.pods.iter().enumerate().map(identity).collect();
    let is_out = scenario.source == Source::Outage && (600..1_200).contains(&world.now);
    let pods = world
        .pods
        .iter()
        .enumerate()
        .map(|(index, pod)| {
            let gone = is_out
                || !pod.runs
                || scenario.source == Source::Gaps && (world.now / POLL + index as i64) % 4 == 0;
            let metrics = (!gone).then(|| metrics(pod, world.now, scenario, names));
            show(pod, &identities[index], metrics)
        })
        .collect();
    let group = (!is_out).then(|| group(world, &identities, names));
    Observation { at: at(world.now), group, pods }
}

fn at(second: i64) -> Millis {
    START + second * 1_000
}

fn show(
    pod: &SimulatedPod,
    identity: &(Arc<str>, Role),
    metrics: Option<PodMetrics>,
) -> PodObservation {
    PodObservation {
        ready: pod.runs,
        restarts: pod.restarts,
        // The kubelet says so once it waits for longer than the first ten seconds.
        crash_loop: !pod.runs && pod.restarts >= 1,
        metrics,
        ..PodObservation::healthy(identity.0.clone(), identity.1, at(pod.created))
    }
}

fn metrics(pod: &SimulatedPod, now: i64, scenario: &Scenario, names: &ShownNames) -> PodMetrics {
    let mut below = 0.0;
    let counts = pod
        .buckets
        .iter()
        .map(|bucket| {
            below += bucket;
            below
        })
        .collect();
    let age = (now - pod.created) as f64 / 60.0;
    let ramp = (age / 2.0).min(1.0);
    let leak = if pod.canary && scenario.fault == Fault::Memory {
        30.0 * age
    } else if let HealthyTrouble::CacheFills(most) = scenario.trouble {
        most * (age / 30.0).min(1.0)
    } else {
        0.0
    };
    let (processed, errors) = match scenario.counting {
        Counting::Message => (pod.processed, pod.errors),
        Counting::Batch => pod.at_batch_end,
    };
    PodMetrics {
        consumed: Some(pod.consumed),
        processed: Some(processed),
        errors: Some(errors),
        filtered: None,
        latency: Some(Histogram { edges: names.edges.clone(), counts, total: pod.timed }),
        working_set: Some((200.0 + 200.0 * ramp + leak) * MIB),
        memory_limit: Some(1_024.0 * MIB),
        cpu_seconds: Some(pod.cpu.shown),
        user: BTreeMap::new(),
    }
}

fn group(world: &World, identities: &[(Arc<str>, Role)], names: &ShownNames) -> GroupObservation {
    let joined = |index: usize| world.is_member(index);
    let count = |role: Role| {
        let members =
            identities.iter().enumerate().filter(|(i, (_, it))| *it == role && joined(*i));
        u32::try_from(members.count()).unwrap_or(u32::MAX)
    };
    let stable = world.now >= world.paused_until;
    let row = |(i, it): (usize, &Partition)| {
        let (committed, end) = it.offsets();
        PartitionObservation {
            topic: names.topic.clone(),
            partition: i as i32,
            owner: if joined(it.owner) {
                Owner::Pod { name: identities[it.owner].0.clone(), role: identities[it.owner].1 }
            } else {
                Owner::Nobody
            },
            committed: Some(committed),
            log_start: Some(0),
            log_end: Some(end),
        }
    };
    GroupObservation {
        state: if stable { GroupState::Stable } else { GroupState::Rebalancing },
        epoch: world.epoch,
        members: MemberCount {
            primary: count(Role::Primary),
            canary: count(Role::Canary),
            ..MemberCount::default()
        },
        partitions: world.partitions.iter().enumerate().map(row).collect(),
    }
}
