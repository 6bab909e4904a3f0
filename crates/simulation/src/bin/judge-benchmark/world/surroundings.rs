//! What goes on around the pods: neighbours on a node, a dependency, producers with few keys.
//! Each draws from its own stream and only in scenarios that have it.

use crate::scenario::{Dependency, Node, Scenario, Traffic};
use siskin_simulation::random::Random;

/// Part of its speed that a pod has while its neighbour is busy.
const BESIDE_A_BUSY_ONE: f64 = 0.7;
/// Mean seconds for which the neighbour is busy, and for which it isn't.
const NEIGHBOUR: f64 = 90.0;
/// The primary pod that shares the canary's node.
const COMPANION: usize = 0;

/// Mean seconds between hiccups of the dependency, and how long each lasts.
const BETWEEN_HICCUPS: f64 = 120.0;
const HICCUP: i64 = 3;
/// Part of the batches that fail in one.
const FAILING: f64 = 0.3;
/// Messages in a batch, and those of a failed one that fail for good when it is retried.
const BATCH: f64 = 50.0;
const FOR_GOOD: f64 = 10.0;

/// Producers that write in bursts, each with one key.
const PRODUCERS: usize = 8;
/// Mean seconds of a burst, and between two.
const BURST: f64 = 20.0;
const BETWEEN_BURSTS: f64 = 60.0;
/// Part of all messages that comes from them.
const PART: f64 = 0.5;

/// State of what is around.
#[derive(Clone, Debug)]
pub struct Surroundings {
    node: Node,
    dependency: Dependency,
    busy_neighbour: bool,
    hiccup_until: i64,
    /// The partition of each producer's key, and whether it writes.
    producers: Vec<(usize, bool)>,
    partitions: usize,
}

/// What a failing dependency does to some messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setback {
    /// Messages that must be read again.
    pub again: f64,
    /// Messages that fail for good.
    pub errors: f64,
}

impl Surroundings {
    /// Those of a scenario.
    pub fn new(scenario: &Scenario, aside: &mut Random) -> Self {
        let producers = match scenario.traffic {
            Traffic::FewKeys => (0..PRODUCERS)
                .map(|_| {
                    (
                        aside.index(scenario.partitions),
                        aside.unit() < BURST / (BURST + BETWEEN_BURSTS),
                    )
                })
                .collect(),
            Traffic::Steady
            | Traffic::Diurnal
            | Traffic::Burst
            | Traffic::Cron { .. }
            | Traffic::Swing { .. } => Vec::new(),
        };
        Self {
            node: scenario.node,
            dependency: scenario.dependency,
            busy_neighbour: false,
            hiccup_until: i64::MIN,
            producers,
            partitions: scenario.partitions,
        }
    }

    /// One second.
    pub fn step(&mut self, now: i64, aside: &mut Random) {
        match self.node {
            Node::Fair => {}
            Node::Shared | Node::CanaryAlone => {
                self.busy_neighbour ^= aside.unit() < 1.0 / NEIGHBOUR;
            }
        }
        match self.dependency {
            Dependency::Steady => {}
            Dependency::Hiccups => {
                if now >= self.hiccup_until && aside.unit() < 1.0 / BETWEEN_HICCUPS {
                    self.hiccup_until = now + HICCUP;
                }
            }
        }
        for (_, writes) in &mut self.producers {
            let mean = if *writes { BURST } else { BETWEEN_BURSTS };
            *writes ^= aside.unit() < 1.0 / mean;
        }
    }

    /// Part of its speed that the node leaves to a pod.
    pub fn node_speed(&self, pod: usize, canary: bool) -> f64 {
        let on_it = match self.node {
            Node::Fair => false,
            Node::Shared => pod == COMPANION || canary,
            Node::CanaryAlone => canary,
        };
        if on_it && self.busy_neighbour { BESIDE_A_BUSY_ONE } else { 1.0 }
    }

    /// What the dependency does to messages that were taken now.
    pub fn setback(&self, taken: f64, now: i64, aside: &mut Random) -> Setback {
        if now >= self.hiccup_until {
            return Setback::default();
        }
        let batches = (taken / BATCH + aside.unit()).floor();
        let failed = aside.binomial(batches, FAILING);
        Setback { again: (failed * BATCH).min(taken), errors: failed * FOR_GOOD }
    }

    /// Part of a partition's messages that comes from everyone, and those that come from producers
    /// in bursts, as a multiple of an average partition's.
    pub fn arrivals(&self, partition: usize) -> (f64, f64) {
        if self.producers.is_empty() {
            return (1.0, 0.0);
        }
        let writing = self.producers.iter().filter(|(home, writes)| *home == partition && *writes);
        let duty = BURST / (BURST + BETWEEN_BURSTS);
        let each = PART * self.partitions as f64 / (PRODUCERS as f64 * duty);
        (1.0 - PART, writing.count() as f64 * each)
    }
}
