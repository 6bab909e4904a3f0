//! A simulated consumer group: what the operator would observe of canary and primary.
//! Deterministic for a seed; it knows nothing of the judge.

use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, GroupState, MemberCount, Millis, Observation, Owner, PartitionObservation,
    Role,
};

use crate::pod::Pod;
use crate::random::Random;
use crate::shape::{COUNTED, START, Shape, TICK, ticks};
use crate::wander::Wander;

/// A group in motion.
#[derive(Clone, Debug)]
pub struct World {
    /// What kind of group it is.
    pub shape: Shape,
    /// The time.
    pub now: Millis,
    /// Its consumers.
    pub pods: Vec<Pod>,
    /// The topic's partitions.
    pub partitions: Vec<Partition>,
    /// Multiplies everything that arrives.
    pub traffic: f64,
    common: Wander,
    epoch: u64,
    paused_until: Millis,
    random: Random,
}

/// A partition, its log and its consumer's place in it.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Index of the pod that owns it.
    pub owner: usize,
    /// Its part of the traffic; 1 is the mean.
    pub weight: f64,
    /// No consumer gets past this offset.
    pub poison: Option<i64>,
    /// Log-end offset.
    pub end: i64,
    /// Offset up to which it is worked on.
    pub position: i64,
    /// Committed offset.
    pub committed: i64,
    own: Wander,
}

impl World {
    /// A group that begins now; the same seed gives the same group.
    #[must_use]
    pub fn new(shape: Shape, seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
        let pods = (0..shape.pods).map(|i| Pod::new(i, shape, &mut random)).collect();
        let mut partitions: Vec<Partition> = (0..shape.partitions)
            .map(|i| Partition::new(i % shape.pods, shape, &mut random))
            .collect();
        let mean = partitions.iter().map(|p| p.weight).sum::<f64>() / shape.partitions as f64;
        for partition in &mut partitions {
            partition.weight /= mean;
        }
        let common = Wander::from_one(0.05, ticks(60.0));
        let (now, traffic) = (START, 1.0);
        Self { shape, now, pods, partitions, traffic, common, epoch: 1, paused_until: 0, random }
    }

    /// Lets time pass, and shows each observation that falls into it.
    pub fn run(&mut self, span: Millis, mut show: impl FnMut(&mut Self, Observation)) {
        let until = self.now + span;
        while self.now < until {
            self.tick();
            if (self.now - START) % self.shape.poll == 0 {
                let observation = self.observe();
                show(self, observation);
            }
        }
    }

    /// Makes the last pod the canary, with new random partitions, through a rebalance.
    pub fn start_trial(&mut self, pause: Millis) {
        let last = self.pods.len() - 1;
        self.pods[last].become_canary(self.now, &mut self.random);
        self.rebalance(pause);
    }

    /// Stops everyone for a while and deals the partitions anew.
    pub fn rebalance(&mut self, pause: Millis) {
        self.epoch += 1;
        self.paused_until = self.now + pause;
        let mut order: Vec<usize> = (0..self.partitions.len()).collect();
        deal(&mut order, &mut self.random);
        for (seat, partition) in order.into_iter().enumerate() {
            let partition = &mut self.partitions[partition];
            partition.owner = seat % self.shape.pods;
            partition.position =
                partition.position.min(partition.committed.max(partition.position));
            partition.committed = partition.position;
        }
    }

    /// The canary's pods.
    pub fn canary(&mut self) -> impl Iterator<Item = &mut Pod> {
        self.pods.iter_mut().filter(|pod| pod.role == Role::Canary)
    }

    /// Partitions of the canary.
    #[must_use]
    pub fn canary_partitions(&self) -> Vec<usize> {
        let is_canary =
            |p: &Partition| self.pods.get(p.owner).is_some_and(|pod| pod.role == Role::Canary);
        (0..self.partitions.len()).filter(|&i| is_canary(&self.partitions[i])).collect()
    }

    /// Adds partitions that nobody owns yet.
    pub fn grow(&mut self, by: usize) {
        let nobody = self.pods.len();
        for _ in 0..by {
            self.partitions.push(Partition::new(nobody, self.shape, &mut self.random));
        }
    }

    fn tick(&mut self) {
        let dt = TICK as f64 / 1_000.0;
        self.now += TICK;
        let level = self.traffic * self.common.step(&mut self.random);
        let total = self.shape.capacity * self.shape.load * self.shape.pods as f64;
        let per_partition = level * total / self.shape.partitions as f64 * dt;
        for partition in &mut self.partitions {
            let own = partition.own.step(&mut self.random);
            partition.end +=
                self.random.poisson(per_partition * partition.weight * own, COUNTED) as i64;
        }
        for index in 0..self.pods.len() {
            let budget = self.pods[index].budget(self.now, TICK, &mut self.random);
            if self.now >= self.paused_until {
                self.consume(index, budget);
            }
        }
    }

    /// A pod works on its partitions in proportion to what waits, and commits when it is time.
    fn consume(&mut self, index: usize, budget: f64) {
        let commits = self.pods[index].commits(self.now);
        let mine = || 0..self.partitions.len();
        let owned: Vec<usize> = mine().filter(|&i| self.partitions[i].owner == index).collect();
        let waiting: f64 = owned.iter().map(|&i| self.partitions[i].reachable() as f64).sum();
        let part = if waiting > budget { budget / waiting } else { 1.0 };
        let mut taken = 0;
        for i in owned {
            let partition = &mut self.partitions[i];
            let share = partition.reachable() as f64 * part;
            let extra = i64::from(self.random.unit() < share.fract());
            let step = (share as i64 + extra).min(partition.reachable());
            partition.position += step;
            taken += step;
            if commits {
                partition.committed = partition.position;
            }
        }
        self.pods[index].work_on(taken, &mut self.random);
    }

    /// What is seen of the group now.
    #[must_use]
    pub fn observe(&self) -> Observation {
        let stable = self.now >= self.paused_until;
        let state = if stable { GroupState::Stable } else { GroupState::Rebalancing };
        let count = |role| self.pods.iter().filter(|pod| pod.role == role).count() as u32;
        let members = MemberCount {
            primary: count(Role::Primary),
            canary: count(Role::Canary),
            ..MemberCount::default()
        };
        let topic: Arc<str> = Arc::from("orders");
        let row = |(i, partition): (usize, &Partition)| PartitionObservation {
            topic: topic.clone(),
            partition: i as i32,
            owner: self
                .pods
                .get(partition.owner)
                .map_or(Owner::Nobody, |pod| Owner::Pod { name: pod.name.clone(), role: pod.role }),
            committed: Some(partition.committed),
            log_start: Some(0),
            log_end: Some(partition.end),
        };
        let partitions = self.partitions.iter().enumerate().map(row).collect();
        let group = GroupObservation { state, epoch: self.epoch, members, partitions };
        let pods = self.pods.iter().map(|pod| pod.observe(self.now)).collect();
        Observation { at: self.now, group: Some(group), pods }
    }
}

/// Puts seats into random order, by remainders: [`Random::shuffle`] would deal others, and traces of
/// these groups are frozen.
fn deal(seats: &mut [usize], random: &mut Random) {
    for i in (1..seats.len()).rev() {
        seats.swap(i, (random.bits() % (i as u64 + 1)) as usize);
    }
}

impl Partition {
    fn new(owner: usize, shape: Shape, random: &mut Random) -> Self {
        let weight = (shape.skew * random.normal()).exp();
        let own = Wander::from_one(0.08, ticks(60.0));
        let end = 1_000_000;
        Self { owner, weight, poison: None, end, position: end, committed: end, own }
    }

    /// Messages that a consumer could take.
    fn reachable(&self) -> i64 {
        let end = self.poison.map_or(self.end, |poison| poison.min(self.end));
        (end - self.position).max(0)
    }
}
