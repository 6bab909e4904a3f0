//! The generator (design: judge, §7): a consumer group in steps of one second, from a seed.
//! It knows no judge; `show` says what can be seen of it.

use crate::chance::{Chance, Wander};
use crate::pod::Pod;
use crate::scenario::{Fault, Scenario, Traffic};

/// Pods of the group; the last one becomes the canary.
pub const PODS: usize = 6;
/// Its index.
pub const CANARY: usize = PODS - 1;
/// Partitions of the group.
pub const PARTITIONS: usize = 24;
/// Errors per message.
const ERRORS: f64 = 0.01;
/// Seconds for which a rebalance stops everyone.
const PAUSE: i64 = 6;
/// Median processing time relative to the histogram's unit, and σ of its logarithm.
pub const LATENCY_SIGMA: f64 = 0.5;
/// Seconds in which a canary in a crash loop dies after a start.
const LIFE: i64 = 20;

/// A group in motion.
#[derive(Clone, Debug)]
pub struct World {
    scenario: Scenario,
    /// Seconds; the trial begins at 0.
    pub now: i64,
    pub pods: Vec<Pod>,
    pub partitions: Vec<Partition>,
    pub epoch: u64,
    pub paused_until: i64,
    /// Whether the canary is a member of the group.
    pub canary_joined: bool,
    common: Wander,
    chance: Chance,
}

/// One partition. Offsets are whole.
#[derive(Clone, Debug)]
pub struct Partition {
    pub owner: usize,
    pub end: f64,
    pub position: f64,
    pub committed: f64,
    weight: f64,
    errorness: f64,
    own: Wander,
}

impl World {
    /// A group ten minutes before the trial.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let pods = (0..PODS).map(|_| Pod::new(&scenario, &mut chance)).collect();
        let mut partitions: Vec<Partition> =
            (0..PARTITIONS).map(|i| Partition::new(i, &scenario, &mut chance)).collect();
        let mean = partitions.iter().map(|it| it.weight).sum::<f64>() / PARTITIONS as f64;
        for partition in &mut partitions {
            partition.weight /= mean;
        }
        Self {
            scenario,
            now: -600,
            pods,
            partitions,
            epoch: 1,
            paused_until: -600,
            canary_joined: true,
            common: Wander::new(0.05, 60.0, &mut chance),
            chance,
        }
    }

    /// One second.
    pub fn step(&mut self) {
        self.now += 1;
        if self.now == 1 {
            self.begin_trial();
        }
        self.meddle();
        self.arrive();
        for pod in 0..PODS {
            self.work(pod);
        }
    }

    /// Whether the fault is at work.
    fn is_on(&self) -> bool {
        self.now > self.scenario.onset
    }

    fn begin_trial(&mut self) {
        let pod = &mut self.pods[CANARY];
        pod.renew(self.now);
        if self.scenario.reshuffled {
            let mut seats: Vec<usize> = (0..PARTITIONS).map(|i| i % PODS).collect();
            self.chance.shuffle(&mut seats);
            for (partition, seat) in self.partitions.iter_mut().zip(seats) {
                partition.owner = seat;
            }
        }
        self.rebalance();
    }

    fn rebalance(&mut self) {
        self.epoch += 1;
        self.paused_until = self.now + PAUSE;
        self.partitions.iter_mut().for_each(|it| it.committed = it.position);
    }

    /// Events that are no matter of speed.
    fn meddle(&mut self) {
        if !self.is_on() || self.now < 1 {
            return;
        }
        let since = self.now - self.scenario.onset;
        match self.scenario.fault {
            Fault::Storm if since % 40 == 0 => {
                self.canary_joined = false;
                self.rebalance();
            }
            Fault::Storm if since % 40 == 8 && since > 8 => {
                self.canary_joined = true;
                self.rebalance();
            }
            Fault::CrashLoop => self.crash(),
            Fault::Eviction if since == 600 => {
                self.pods[CANARY].renew(self.now);
                self.rebalance();
            }
            Fault::Rolling if since % 120 == 0 => {
                let next = usize::try_from(since / 120).unwrap_or(0) % CANARY;
                self.pods[next].renew(self.now);
                self.rebalance();
            }
            Fault::Rolling
            | Fault::Eviction
            | Fault::Storm
            | Fault::None
            | Fault::Stall
            | Fault::Poison
            | Fault::Slow(_)
            | Fault::Deficit(_)
            | Fault::Leak
            | Fault::Errors(..)
            | Fault::Memory
            | Fault::Drops(_)
            | Fault::Skips(_)
            | Fault::HotPartition
            | Fault::WarmUp
            | Fault::Faster
            | Fault::Everyone => {}
        }
    }

    /// Dies some seconds after each start; the pauses double, as the kubelet's do.
    fn crash(&mut self) {
        let pod = &mut self.pods[CANARY];
        if pod.runs && self.now - pod.next_start.max(pod.created) >= LIFE {
            pod.runs = false;
            pod.next_start = self.now + 10 * 2_i64.pow(pod.restarts.min(5));
        } else if !pod.runs && self.now >= pod.next_start {
            pod.runs = true;
            pod.restarts += 1;
            pod.reset_counters();
        }
    }

    fn arrive(&mut self) {
        self.common.step(&mut self.chance);
        let shape = match self.scenario.traffic {
            Traffic::Diurnal => 1.0 + 0.3 * (self.now as f64 / 382.0).sin(),
            Traffic::Burst if (600..720).contains(&self.now) => 2.0,
            Traffic::Steady | Traffic::Burst => 1.0,
        };
        let total = self.scenario.capacity * self.scenario.load * PODS as f64;
        let each = shape * self.common.level() * total / PARTITIONS as f64;
        for partition in &mut self.partitions {
            partition.own.step(&mut self.chance);
            let mean = each * partition.weight * partition.own.level();
            partition.end += self.chance.poisson(mean);
        }
    }

    /// A pod works for a second on what waits, in proportion, and commits when it is time.
    fn work(&mut self, index: usize) {
        let health = self.health(index);
        let pod = &mut self.pods[index];
        let budget = pod.budget(self.now, &mut self.chance) * health;
        if self.now < self.paused_until || !pod.runs || index == CANARY && !self.canary_joined {
            return;
        }
        let commits = pod.commits(self.now, self.scenario.commit) && health > 0.0;
        let faulty = index == CANARY && self.now > self.scenario.onset && self.now > 0;
        let mut want = [0.0; PARTITIONS];
        let mut waiting = 0.0;
        let hot = faulty && self.scenario.fault == Fault::HotPartition;
        let poisoned = faulty && self.scenario.fault == Fault::Poison;
        let first = self.partitions.iter().position(|it| it.owner == index);
        for (i, partition) in self.partitions.iter().enumerate().filter(|(_, it)| it.owner == index)
        {
            let dearer = if hot && Some(i) == first { 10.0 } else { 1.0 };
            let stuck = poisoned && Some(i) == first;
            want[i] = if stuck { 0.0 } else { (partition.end - partition.position) * dearer };
            waiting += want[i];
        }
        let part = if waiting > budget { budget / waiting } else { 1.0 };
        for (i, want) in want.into_iter().enumerate() {
            if self.partitions[i].owner != index {
                continue;
            }
            if want > 0.0 {
                let reach = self.partitions[i].end - self.partitions[i].position;
                let share = reach * part;
                let extra = f64::from(u8::from(self.chance.unit() < share.fract()));
                self.consume(index, i, (share.floor() + extra).min(reach), faulty);
            }
            if commits {
                self.partitions[i].committed = self.partitions[i].position;
            }
        }
    }

    /// Takes messages of a partition and counts what becomes of them.
    fn consume(&mut self, index: usize, partition: usize, taken: f64, faulty: bool) {
        let Self { pods, partitions, chance, scenario, now, .. } = self;
        let (pod, partition) = (&mut pods[index], &mut partitions[partition]);
        partition.position += taken;
        let fault = if faulty { scenario.fault } else { Fault::None };
        let everyone = scenario.fault == Fault::Everyone && *now > scenario.onset;
        let mut times = if everyone { 30.0 } else { 1.0 };
        let (mut skipped, mut lost) = (0.0, 0.0);
        if let Fault::Errors(ratio, span) = fault
            && *now <= scenario.onset + span
        {
            times = ratio;
        } else if let Fault::Drops(part) = fault {
            lost = part;
        } else if let Fault::Skips(part) = fault {
            skipped = part;
        }
        let consumed = taken - chance.of(taken, skipped);
        let rate = (ERRORS * times * partition.errorness * pod.errorness.level()).min(1.0);
        let errors = if scenario.batch > 1.0 {
            (chance.poisson(consumed * rate / scenario.batch) * scenario.batch).min(consumed)
        } else {
            chance.of(consumed, rate)
        };
        let lost = chance.of(consumed - errors, lost);
        pod.consumed += consumed;
        pod.errors += errors;
        pod.processed += consumed - errors - lost;
        pod.untimed += consumed;
    }

    /// Part of its speed that a pod has now.
    fn health(&mut self, index: usize) -> f64 {
        let owned = self.partitions.iter().filter(|it| it.owner == index).map(|it| it.weight);
        let share = owned.sum::<f64>() * PODS as f64 / PARTITIONS as f64;
        let pod = &mut self.pods[index];
        let mut health = 1.0;
        if index == CANARY && self.now > self.scenario.onset && self.now > 0 {
            let minutes = (self.now - self.scenario.onset) as f64 / 60.0;
            health = match self.scenario.fault {
                Fault::Stall => 0.0,
                Fault::Slow(part) => part,
                Fault::Deficit(part) => {
                    part * share * self.scenario.load * self.scenario.capacity / pod.speed
                }
                Fault::Leak => (1.0 - 0.01 * minutes).max(0.1),
                Fault::WarmUp => 1.0 - 0.5 * (-minutes / 2.0).exp(),
                Fault::Faster => 1.5,
                Fault::None
                | Fault::Poison
                | Fault::Errors(..)
                | Fault::Storm
                | Fault::Memory
                | Fault::Drops(_)
                | Fault::Skips(_)
                | Fault::CrashLoop
                | Fault::HotPartition
                | Fault::Eviction
                | Fault::Rolling
                | Fault::Everyone => 1.0,
            };
        }
        pod.slow_wander.step(&mut self.chance);
        pod.slowness = pod.slow_wander.level() / health.max(0.01);
        health
    }

    /// Times what was worked on since the last call, with this pod's slowness now.
    pub fn time(&mut self, index: usize) {
        let pod = &mut self.pods[index];
        let shares = crate::show::shares_below(pod.slowness);
        let mut left = pod.untimed;
        let mut before = 0.0;
        for (bucket, share) in pod.buckets.iter_mut().zip(shares) {
            let part = if before < 1.0 {
                ((share - before) / (1.0 - before)).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let here = self.chance.of(left, part);
            *bucket += here;
            left -= here;
            before = share;
        }
        pod.timed += pod.untimed;
        pod.untimed = 0.0;
    }
}

impl Partition {
    fn new(index: usize, scenario: &Scenario, chance: &mut Chance) -> Self {
        Self {
            owner: index % PODS,
            end: 1_000_000.0,
            position: 1_000_000.0,
            committed: 1_000_000.0,
            weight: (scenario.skew * chance.normal()).exp(),
            errorness: (scenario.error_skew * chance.normal()).exp(),
            own: Wander::new(0.08, 60.0, chance),
        }
    }
}
