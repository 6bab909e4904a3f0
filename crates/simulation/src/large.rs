//! A large, healthy group in steady state, cheap to make: what a judge sees of it, poll by poll.
//! Shared by the cost tests and the benchmark; it knows nothing of the judge's inside.

use std::collections::BTreeMap;
use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, GroupState, Histogram, MemberCount, Millis, Observation, Owner,
    PartitionObservation, PodMetrics, PodObservation, Role,
};
use siskin_analysis::{Judge, Record, Settings};

/// Time between observations.
const POLL: Millis = 5_000;
/// Time between the commits of a pod.
const COMMIT: Millis = 5_000;
/// Every tenth pod is a canary: a usual weight.
const CANARY_ONE_IN: usize = 10;
/// Observations after which everything that fills has filled: the 256 log ends kept per partition.
const FILLED: usize = 300;
const START: Millis = 1_780_000_000_000;
const HOUR: Millis = 3_600_000;

/// A group of any size.
pub struct Large {
    at: Millis,
    topic: Arc<str>,
    pods: Vec<Arc<str>>,
    nodes: Vec<Arc<str>>,
    edges: Arc<[f64]>,
    partitions: usize,
}

impl Large {
    /// A group of this size.
    #[must_use]
    pub fn new(partitions: usize, pods: usize) -> Self {
        let name = |i: usize| Arc::from(format!("orders-{}-6c9f8d7b5-{i:05}", role(i).1));
        Self {
            at: START,
            topic: Arc::from("shop.orders.placed.v1"),
            pods: (0..pods).map(name).collect(),
            nodes: (0..pods.div_ceil(10)).map(|i| Arc::from(format!("node-{i:03}"))).collect(),
            edges: Arc::from([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0]),
            partitions,
        }
    }

    /// A judge whose record and windows are filled, and the group as it goes on.
    #[must_use]
    pub fn warm(partitions: usize, pods: usize) -> (Self, Judge) {
        let mut group = Self::new(partitions, pods);
        let mut record = Record::new(600_000);
        for _ in 0..120 {
            record.push(group.observe());
        }
        let mut judge = Judge::new(settings(), &record);
        drop(record);
        for _ in 0..FILLED {
            judge.observe(&group.observe());
        }
        (group, judge)
    }

    /// The next observation, one poll after the last.
    ///
    /// # Panics
    /// Never with fewer than four billion pods.
    pub fn observe(&mut self) -> Observation {
        self.at += POLL;
        // Names come anew with every answer, as from a client that keeps none.
        for name in self.pods.iter_mut().chain([&mut self.topic]) {
            *name = Arc::from(&**name);
        }
        let partitions = (0..self.partitions).map(|i| self.partition(i)).collect();
        let canary = u32::try_from(self.pods.len() / CANARY_ONE_IN).expect("few pods");
        let all = u32::try_from(self.pods.len()).expect("few pods");
        let members = MemberCount {
            primary: all - canary,
            canary,
            external: 0,
            unattributed: 0,
            ..MemberCount::default()
        };
        let group = GroupObservation { state: GroupState::Stable, epoch: 7, members, partitions };
        let pods = (0..self.pods.len()).map(|i| self.pod(i)).collect();
        Observation { at: self.at, group: Some(group), pods }
    }

    fn partition(&self, i: usize) -> PartitionObservation {
        let owner = i % self.pods.len();
        let elapsed = self.at - START;
        // Each pod commits at its own moment; a partition brings 20 to 59 messages a second.
        let phase = number(owner) * 997 % COMMIT;
        let commit = (elapsed - phase).div_euclid(COMMIT) * COMMIT + phase;
        let rate = 20 + number(i) * 7_919 % 40;
        let end = |at: Millis| 1_000_000 + at.max(0) * rate / 1_000 + ripple(i, at.max(0));
        PartitionObservation {
            topic: self.topic.clone(),
            partition: i32::try_from(i).expect("few partitions"),
            owner: Owner::Pod { name: self.pods[owner].clone(), role: role(owner).0 },
            committed: Some(end(commit)),
            log_start: Some(0),
            log_end: Some(end(elapsed)),
        }
    }

    fn pod(&self, i: usize) -> PodObservation {
        let consumed = f64::from(u32::try_from((self.at - START) / 1_000 * 50).expect("hours"));
        let errors = (consumed / 100.0).floor();
        let share =
            |below: usize| (consumed * [0.3, 0.5, 0.7, 0.9, 0.95, 1.0][below.min(5)]).floor();
        let latency = Histogram {
            edges: self.edges.clone(),
            counts: (0..self.edges.len()).map(share).collect(),
            total: consumed,
        };
        PodObservation {
            node: Some(self.nodes[i / 10].clone()),
            metrics: Some(PodMetrics {
                consumed: Some(consumed),
                processed: Some(consumed - errors),
                errors: Some(errors),
                filtered: Some(0.0),
                latency: Some(latency),
                working_set: Some(400e6),
                memory_limit: Some(1e9),
                cpu_seconds: Some(consumed / 512.0),
                user: BTreeMap::new(),
            }),
            ..PodObservation::healthy(self.pods[i].clone(), role(i).0, START - HOUR)
        }
    }
}

/// How such a group is judged.
#[must_use]
pub fn settings() -> Settings {
    Settings {
        interval: POLL,
        warm_up: 60_000,
        false_rollback_probability: 0.01,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    }
}

/// A deterministic unevenness of what arrives; ends never fall.
fn ripple(partition: usize, at: Millis) -> i64 {
    at / (700 + number(partition) * 13 % 500) * 3
}

fn role(pod: usize) -> (Role, &'static str) {
    if pod.is_multiple_of(CANARY_ONE_IN) {
        (Role::Canary, "canary")
    } else {
        (Role::Primary, "primary")
    }
}

fn number(n: usize) -> i64 {
    i64::try_from(n).expect("small")
}
