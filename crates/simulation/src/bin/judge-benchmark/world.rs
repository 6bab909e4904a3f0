//! The generator (design: judge, §7): a consumer group in steps of one second, from a seed.
//! It knows no judge; `show` says what can be seen of it.

mod events;
mod log;
mod surroundings;
#[cfg(test)]
mod tests;

use self::log::{BEGIN, Log};
use self::surroundings::Surroundings;
use crate::latency::shares_below;
use crate::pod::SimulatedPod;
use crate::scenario::{Fault, Scenario, Traffic};
use crate::sizes::{CANARY, PARTITIONS, PODS};
use siskin_simulation::random::Random;
use siskin_simulation::wander::Wander;

/// Errors per message.
const ERRORS: f64 = 0.01;
/// Seconds for which a rebalance stops everyone.
const PAUSE: i64 = 6;

/// Largest mean of a Poisson number that is counted out; above it, a rounded normal is faster.
const COUNTED: f64 = 12.0;

/// A group in motion.
#[derive(Clone, Debug)]
pub struct World {
    scenario: Scenario,
    /// Seconds; the trial begins at 0.
    pub now: i64,
    pub pods: Vec<SimulatedPod>,
    pub partitions: Vec<Partition>,
    pub epoch: u64,
    pub paused_until: i64,
    /// Whether the canary is a member of the group.
    pub canary_joined: bool,
    common: Wander,
    surroundings: Surroundings,
    random: Random,
    /// For what only some scenarios have: it changes nothing that the others draw.
    aside: Random,
}

/// One partition. What was read and committed is counted in messages; `log` knows their offsets.
#[derive(Clone, Debug)]
pub struct Partition {
    pub owner: usize,
    log: Log,
    position: f64,
    committed: f64,
    weight: f64,
    errorness: f64,
    own: Wander,
}

impl World {
    /// A group ten minutes before the trial.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let (mut random, mut aside) = (stream(seed), stream(!seed));
        let pods = (0..PODS).map(|_| SimulatedPod::new(&scenario, &mut random)).collect();
        let mut partitions: Vec<Partition> = (0..PARTITIONS)
            .map(|i| Partition::new(i, &scenario, &mut random, &mut aside))
            .collect();
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
            common: Wander::new(0.05, 60.0, &mut random),
            surroundings: Surroundings::new(&scenario, &mut aside),
            random,
            aside,
        }
    }

    /// One second.
    pub fn step(&mut self) {
        self.now += 1;
        if self.now == 1 {
            self.begin_trial();
        }
        self.meddle();
        self.surroundings.step(self.now, &mut self.aside);
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
        if self.scenario.fault == Fault::FarZone {
            pod.move_far();
        } else if self.scenario.fault == Fault::LargerBatches {
            pod.take_larger_batches();
        }
        if self.scenario.reshuffled {
            let mut seats: Vec<usize> = (0..PARTITIONS).map(|i| i % PODS).collect();
            self.random.shuffle(&mut seats);
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

    fn arrive(&mut self) {
        self.common.step(&mut self.random);
        let shape = match self.scenario.traffic {
            Traffic::Diurnal => 1.0 + 0.3 * (self.now as f64 / 382.0).sin(),
            Traffic::Burst if (600..720).contains(&self.now) => 2.0,
            Traffic::Steady | Traffic::Burst | Traffic::FewKeys => 1.0,
        };
        let total = self.scenario.capacity * self.scenario.load * PODS as f64;
        let each = shape * self.common.level() * total / PARTITIONS as f64;
        for (index, partition) in self.partitions.iter_mut().enumerate() {
            partition.own.step(&mut self.random);
            let (part, bursts) = self.surroundings.arrivals(index);
            let mean = each * partition.weight * partition.own.level() * part + each * bursts;
            let (messages, committed) = (self.random.poisson(mean, COUNTED), partition.committed);
            partition.log.append(messages, self.now, committed, &mut self.aside);
        }
    }

    /// A pod works for a second on what waits, in proportion, and commits when it is time.
    fn work(&mut self, index: usize) {
        let health = self.health(index);
        let pod = &mut self.pods[index];
        let budget = pod.budget(self.now, &mut self.random) * health;
        let budget = budget - pod.catch_up(budget);
        if self.now < self.paused_until || !pod.runs || index == CANARY && !self.canary_joined {
            return;
        }
        let commits = pod.commits(self.now, &self.scenario, &mut self.aside) && health > 0.0;
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
            want[i] = if stuck { 0.0 } else { partition.waiting() * dearer };
            waiting += want[i];
        }
        let part = if waiting > budget { budget / waiting } else { 1.0 };
        for (i, want) in want.into_iter().enumerate() {
            if self.partitions[i].owner != index {
                continue;
            }
            if want > 0.0 {
                let reach = self.partitions[i].waiting();
                let share = reach * part;
                let extra = f64::from(u8::from(self.random.unit() < share.fract()));
                self.consume(index, i, (share.floor() + extra).min(reach), faulty);
            }
            if commits {
                let aborts = faulty && self.scenario.fault == Fault::Aborts;
                self.partitions[i].end_batch(aborts);
            }
        }
        if commits {
            self.pods[index].end_batch();
        }
    }

    /// Takes messages of a partition and counts what becomes of them.
    fn consume(&mut self, index: usize, partition: usize, taken: f64, faulty: bool) {
        let Self { pods, partitions, surroundings, random, aside, scenario, now, .. } = self;
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
        let consumed = taken - random.binomial(taken, skipped);
        let rate = (ERRORS * times * partition.errorness * pod.errorness.level()).min(1.0);
        let errors = if scenario.batch > 1.0 {
            (random.poisson(consumed * rate / scenario.batch, COUNTED) * scenario.batch)
                .min(consumed)
        } else {
            random.binomial(consumed, rate)
        };
        let lost = random.binomial(consumed - errors, lost);
        pod.consumed += consumed;
        pod.errors += errors;
        pod.processed += consumed - errors - lost;
        pod.untimed += consumed;
        let setback = surroundings.setback(taken, *now, aside);
        pod.fail(setback.errors.min(consumed - errors));
        pod.read_again(setback.again);
        if fault == Fault::Retries {
            pod.read_again(taken);
        } else if let Fault::Reprocesses(part) = fault {
            let twice = aside.binomial(taken, part);
            pod.read_again(twice);
            pod.processed += twice;
        }
    }

    /// Times what was worked on since the last call, with this pod's slowness now.
    pub fn time(&mut self, index: usize) {
        let pod = &mut self.pods[index];
        let shares = shares_below(pod.slowness, pod.delay);
        let mut left = pod.untimed;
        let mut before = 0.0;
        for (bucket, share) in pod.buckets.iter_mut().zip(shares) {
            let part = if before < 1.0 {
                ((share - before) / (1.0 - before)).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let here = self.random.binomial(left, part);
            *bucket += here;
            left -= here;
            before = share;
        }
        pod.timed += pod.untimed;
        pod.untimed = 0.0;
    }
}

/// The random numbers of a seed. The first one is left out: that of neighboring seeds is alike.
fn stream(seed: u64) -> Random {
    let mut random = Random::spread(seed);
    random.bits();
    random
}

impl Partition {
    fn new(index: usize, scenario: &Scenario, random: &mut Random, aside: &mut Random) -> Self {
        Self {
            owner: index % PODS,
            log: Log::new(scenario.offsets, aside),
            position: BEGIN,
            committed: BEGIN,
            weight: (scenario.skew * random.normal()).exp(),
            errorness: (scenario.error_skew * random.normal()).exp(),
            own: Wander::new(0.08, 60.0, random),
        }
    }

    /// The committed offset and that of the log's end, as a broker shows them.
    pub fn offsets(&self) -> (i64, i64) {
        (self.log.offset(self.committed) as i64, self.log.end() as i64)
    }

    /// Messages that can be read and were not.
    fn waiting(&self) -> f64 {
        self.log.readable() - self.position
    }

    /// Commits what was read, or goes back to what was committed before.
    fn end_batch(&mut self, aborts: bool) {
        if aborts {
            self.position = self.committed;
        } else {
            self.committed = self.position;
        }
    }
}
