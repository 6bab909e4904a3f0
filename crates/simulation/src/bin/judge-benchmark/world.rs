//! The generator (design: judge, §7): a consumer group in steps of one second, from a seed.
//! It knows no judge; `show` says what can be seen of it.

mod clusters;
mod cpu;
mod events;
mod log;
mod surroundings;
#[cfg(test)]
mod tests;
mod troubles;

use self::clusters::{COUNTED, heavy_tailed};
use self::log::{BEGIN, Log};
use self::surroundings::Surroundings;
use crate::pod::SimulatedPod;
use crate::scenario::{CommitPhase, Fault, Scenario, Traffic};
use siskin_simulation::random::Random;
use siskin_simulation::wander::Wander;

/// Seconds for which a rebalance stops everyone.
const PAUSE: i64 = 6;

/// When the bad data of a partition may begin: the earliest second, and how many there are.
const BAD_DATA: (i64, usize) = (60, 900);
/// Sets the stream of the hard scenarios apart.
const EXTRA: u64 = 0xABCD_EF01_2345;
/// Sets that of CPU apart.
const CPU: u64 = 0x0C0F_FEE0_1234;

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
    /// The partitions of each pod.
    seats: Vec<Vec<usize>>,
    /// The partition whose data may be bad, and from when.
    bad_data: (usize, i64),
    common: Wander,
    surroundings: Surroundings,
    random: Random,
    /// For what only some scenarios have: it changes nothing that the others draw.
    aside: Random,
    /// For what only the hard scenarios have.
    extra: Random,
    /// For CPU, of which nothing else depends.
    cpu: Random,
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
    /// Processing time of its messages, times the usual one.
    cost: f64,
    /// Its messages that are in no histogram yet.
    untimed: f64,
    own: Wander,
}

impl World {
    /// A group with its record before it. The trial begins at 0.
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let (mut random, mut aside) = (stream(seed), stream(!seed));
        let mut extra = stream(seed ^ EXTRA);
        let pods = (0..scenario.pods).map(|_| SimulatedPod::new(scenario, &mut random)).collect();
        let mut partitions: Vec<Partition> = (0..scenario.partitions)
            .map(|i| Partition::new(i, scenario, &mut random, &mut aside))
            .collect();
        let mean = partitions.iter().map(|it| it.weight).sum::<f64>() / partitions.len() as f64;
        for (index, partition) in partitions.iter_mut().enumerate() {
            partition.weight /= mean;
            let dear = if index % 3 == 0 { scenario.dear } else { 1.0 };
            partition.cost = dear * (scenario.cost_spread * extra.normal()).exp();
        }
        let bad_data =
            (extra.index(scenario.partitions), BAD_DATA.0 + extra.index(BAD_DATA.1) as i64);
        let mut world = Self {
            scenario: *scenario,
            now: -scenario.record - scenario.remembered,
            pods,
            partitions,
            epoch: 1,
            paused_until: -scenario.record - scenario.remembered,
            canary_joined: true,
            seats: Vec::new(),
            bad_data,
            common: Wander::new(0.05, 60.0, &mut random),
            surroundings: Surroundings::new(scenario, &mut aside),
            random,
            aside,
            extra,
            cpu: stream(seed ^ CPU),
        };
        (0..scenario.pods).for_each(|pod| world.place(pod));
        world.seat();
        world
    }

    /// One second.
    pub fn step(&mut self) {
        self.now += 1;
        if self.now == 1 {
            self.begin_trial();
        }
        self.meddle();
        self.trouble();
        self.surroundings.step(self.now, &mut self.aside);
        self.arrive();
        for pod in 0..self.pods.len() {
            let before = self.pods[pod].consumed;
            self.work(pod);
            self.burn(pod, self.pods[pod].consumed - before);
        }
    }

    /// The canary has so many pods from now on.
    pub fn next_step(&mut self) {
        let [before, after] = self.scenario.canaries;
        if after > before {
            self.make_canary(after);
            self.share_out();
        }
    }

    /// Whether a pod is a member of the group.
    pub fn is_member(&self, pod: usize) -> bool {
        self.pods[pod].runs && (pod != self.scenario.canary() || self.canary_joined)
    }

    /// Whether the fault is at work.
    fn is_on(&self) -> bool {
        self.now > self.scenario.onset
    }

    fn begin_trial(&mut self) {
        self.make_canary(self.scenario.canaries[0]);
        let pod = &mut self.pods[self.scenario.canary()];
        if self.scenario.fault == Fault::FarZone {
            pod.move_far();
        } else if self.scenario.fault == Fault::LargerBatches {
            pod.take_larger_batches();
        }
        self.share_out();
    }

    /// The last `canaries` pods of those that the group began with are the canary's.
    fn make_canary(&mut self, canaries: usize) {
        for index in self.scenario.pods - canaries..self.scenario.pods {
            if !self.pods[index].canary {
                self.pods[index].canary = true;
                self.replace(index);
            }
        }
    }

    /// Another pod in a pod's place, on another node.
    fn replace(&mut self, index: usize) {
        self.pods[index].renew(self.now);
        self.place(index);
    }

    /// A pod finds itself on a node.
    fn place(&mut self, index: usize) {
        self.pods[index].node = (self.scenario.node_spread * self.extra.normal()).exp();
        self.pods[index].cpu.place(self.scenario.cpu_spread, &mut self.cpu);
    }

    /// Partitions go to other pods, where the scenario says so, and everybody waits.
    fn share_out(&mut self) {
        if self.scenario.reshuffled {
            self.deal();
        }
        self.rebalance();
    }

    /// Deals all partitions anew, each pod as many as others.
    fn deal(&mut self) {
        (0..self.seats.len()).for_each(|pod| self.time(pod));
        let mut seats: Vec<usize> =
            (0..self.partitions.len()).map(|i| i % self.pods.len()).collect();
        if self.scenario.reshuffled {
            self.random.shuffle(&mut seats);
        }
        for (partition, seat) in self.partitions.iter_mut().zip(seats) {
            partition.owner = seat;
        }
        self.seat();
    }

    /// Notes who owns what.
    fn seat(&mut self) {
        self.seats = vec![Vec::new(); self.pods.len()];
        for (index, partition) in self.partitions.iter().enumerate() {
            self.seats[partition.owner].push(index);
        }
    }

    fn rebalance(&mut self) {
        self.epoch += 1;
        self.paused_until = self.now + PAUSE;
        self.partitions.iter_mut().for_each(|it| it.committed = it.position);
        match self.scenario.phase {
            CommitPhase::Own => {}
            CommitPhase::Rebalance => {
                let (now, commit) = (self.now, self.scenario.commit);
                self.pods.iter_mut().for_each(|pod| pod.commit_in(now, commit));
            }
        }
    }

    fn arrive(&mut self) {
        self.common.step(&mut self.random);
        let shape = match self.scenario.traffic {
            Traffic::Diurnal => 1.0 + 0.3 * (self.now as f64 / 382.0).sin(),
            Traffic::Burst if (600..720).contains(&self.now) => 2.0,
            Traffic::Cron { period, length } if self.now.rem_euclid(period) < length => {
                period as f64 / length as f64
            }
            Traffic::Cron { .. } => 0.0,
            Traffic::Swing { reach, period } => {
                (reach * (std::f64::consts::TAU * self.now as f64 / period).sin()).exp()
            }
            Traffic::Steady | Traffic::Burst | Traffic::FewKeys => 1.0,
        };
        let total = self.scenario.capacity * self.scenario.load * self.scenario.pods as f64;
        let each = shape * self.common.level() * total / self.partitions.len() as f64;
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
        if self.now < self.paused_until || !self.is_member(index) {
            return;
        }
        let pod = &mut self.pods[index];
        let commits = pod.commits(self.now, &self.scenario, &mut self.aside) && health > 0.0;
        let faulty = pod.canary && self.now > self.scenario.onset;
        let hot = faulty && self.scenario.fault == Fault::HotPartition;
        let poisoned = faulty && self.scenario.fault == Fault::Poison;
        let aborts = faulty && self.scenario.fault == Fault::Aborts;
        let seats = std::mem::take(&mut self.seats[index]);
        let dearness = |seat: usize| match seat {
            0 if poisoned => 0.0,
            0 if hot => 10.0,
            0.. => 1.0,
        };
        let waiting: f64 = (0..seats.len())
            .map(|seat| dearness(seat) * self.partitions[seats[seat]].waiting())
            .sum();
        let part = if waiting > budget { budget / waiting } else { 1.0 };
        for (seat, i) in seats.iter().copied().enumerate() {
            let reach = self.partitions[i].waiting();
            if dearness(seat) * reach > 0.0 {
                let share = reach * part;
                let extra = f64::from(u8::from(self.random.unit() < share.fract()));
                self.consume(index, i, (share.floor() + extra).min(reach), faulty);
            }
            if commits {
                self.partitions[i].end_batch(aborts);
            }
        }
        self.seats[index] = seats;
        if commits {
            self.pods[index].end_batch();
        }
    }

    /// Takes messages of a partition and counts what becomes of them.
    fn consume(&mut self, index: usize, partition: usize, taken: f64, faulty: bool) {
        let trouble = self.more_errors(index, partition);
        let Self { pods, partitions, surroundings, random, aside, extra, scenario, now, .. } = self;
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
        let usual = scenario.errors * partition.errorness * pod.errorness.level();
        let rate = (usual * times * trouble).min(1.0);
        let errors = if scenario.heavy_tail {
            heavy_tailed(consumed * rate, scenario.batch, extra).min(consumed)
        } else if scenario.batch > 1.0 {
            (random.poisson(consumed * rate / scenario.batch, COUNTED) * scenario.batch)
                .min(consumed)
        } else {
            random.binomial(consumed, rate)
        };
        let lost = random.binomial(consumed - errors, lost);
        pod.consumed += consumed;
        pod.errors += errors;
        pod.processed += consumed - errors - lost;
        // What takes the usual time waits with its pod.
        let untimed =
            if scenario.costs_differ() { &mut partition.untimed } else { &mut pod.untimed };
        *untimed += consumed;
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
        for seat in self.seats[index].iter().filter(|_| self.scenario.costs_differ()) {
            let partition = &mut self.partitions[*seat];
            let untimed = std::mem::take(&mut partition.untimed);
            self.pods[index].time(untimed, partition.cost, &mut self.random);
        }
        let untimed = std::mem::take(&mut self.pods[index].untimed);
        self.pods[index].time(untimed, 1.0, &mut self.random);
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
            owner: index % scenario.pods,
            log: Log::new(scenario.offsets, aside),
            position: BEGIN,
            committed: BEGIN,
            weight: (scenario.skew * random.normal()).exp(),
            errorness: (scenario.error_skew * random.normal()).exp(),
            cost: 1.0,
            untimed: 0.0,
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
