//! One simulated consumer pod: its speed, its pauses, its commits, its counters.
//! It knows no partitions and nothing of what is wrong with it.

use crate::cpu::PodCpu;
use crate::latency::{EDGES, shares_below};
use crate::scenario::Scenario;
use siskin_simulation::random::Random;
use siskin_simulation::wander::Wander;

/// Mean seconds between garbage collections that stop a pod.
const BETWEEN_STOPS: f64 = 300.0;

/// What another zone adds to a message's processing time, in the histogram's unit, and to the
/// seconds between commits.
const FAR: (f64, i64) = (0.1, 1);

/// What a larger batch adds to the seconds between commits.
const LARGER: i64 = 5;

/// One pod.
#[derive(Clone, Debug)]
pub struct SimulatedPod {
    /// Counts replacements: part of the name.
    pub generation: u32,
    pub created: i64,
    pub restarts: u32,
    /// Whether its container runs.
    pub runs: bool,
    pub consumed: f64,
    pub processed: f64,
    pub errors: f64,
    /// Processed and errors at the end of the latest batch.
    pub at_batch_end: (f64, f64),
    /// Messages not in the histogram yet, and how much slower than usual they were.
    pub untimed: f64,
    pub slowness: f64,
    /// Added to each processing time, in the histogram's unit.
    pub delay: f64,
    pub buckets: [f64; EDGES.len()],
    pub timed: f64,
    pub speed: f64,
    pub cpu: PodCpu,
    /// Whether it belongs to the canary.
    pub canary: bool,
    /// What its node makes of its speed.
    pub node: f64,
    /// Until when it has a burst of errors.
    pub fails_until: i64,
    wobble: Wander,
    pub errorness: Wander,
    pub slow_wander: Wander,
    stopped_until: i64,
    next_commit: i64,
    /// Added to the seconds between commits.
    commit_delay: i64,
    /// Messages that it must work on once more.
    repeats: f64,
    pub next_start: i64,
}

impl SimulatedPod {
    /// A pod that has run for a day.
    pub fn new(scenario: &Scenario, random: &mut Random) -> Self {
        let phase = random.index(usize::try_from(scenario.commit).unwrap_or(1));
        Self {
            generation: 0,
            created: -86_400,
            restarts: 0,
            runs: true,
            consumed: 0.0,
            processed: 0.0,
            errors: 0.0,
            at_batch_end: (0.0, 0.0),
            untimed: 0.0,
            slowness: 1.0,
            delay: 0.0,
            buckets: [0.0; EDGES.len()],
            timed: 0.0,
            speed: scenario.capacity * (0.04 * random.normal()).exp(),
            cpu: PodCpu::new(scenario),
            canary: false,
            node: 1.0,
            fails_until: i64::MIN,
            wobble: Wander::new(0.06, 30.0, random),
            errorness: Wander::new(scenario.wander, 600.0, random),
            slow_wander: Wander::new(scenario.wander / 4.0, 600.0, random),
            stopped_until: i64::MIN,
            next_commit: i64::try_from(phase).unwrap_or(0) - scenario.record - scenario.remembered,
            commit_delay: 0,
            repeats: 0.0,
            next_start: i64::MIN,
        }
    }

    /// It runs in another zone from now on.
    pub fn move_far(&mut self) {
        (self.delay, self.commit_delay) = FAR;
    }

    /// It takes more at once from now on.
    pub fn take_larger_batches(&mut self) {
        self.commit_delay = LARGER;
    }

    /// A batch is done.
    pub fn end_batch(&mut self) {
        self.at_batch_end = (self.processed, self.errors);
    }

    /// Another pod in its place.
    pub fn renew(&mut self, now: i64) {
        self.generation += 1;
        self.created = now;
        self.restarts = 0;
        self.reset_counters();
    }

    /// Its container restarts.
    pub fn restart(&mut self) {
        self.restarts += 1;
        self.reset_counters();
    }

    /// A new process.
    pub fn reset_counters(&mut self) {
        self.consumed = 0.0;
        self.processed = 0.0;
        self.errors = 0.0;
        self.at_batch_end = (0.0, 0.0);
        self.untimed = 0.0;
        self.buckets = [0.0; EDGES.len()];
        self.timed = 0.0;
        self.cpu.reset();
    }

    /// Messages it can take in this second.
    pub fn budget(&mut self, now: i64, random: &mut Random) -> f64 {
        self.wobble.step(random);
        self.errorness.step(random);
        if random.unit() < 1.0 / BETWEEN_STOPS {
            self.stopped_until =
                now + 1 + i64::from(random.unit() < 0.5) + i64::from(random.unit() < 0.5);
        }
        if now < self.stopped_until { 0.0 } else { self.speed * self.node * self.wobble.level() }
    }

    /// Does nothing until then.
    pub fn stop_until(&mut self, second: i64) {
        self.stopped_until = self.stopped_until.max(second);
    }

    /// Messages that failed for good after all.
    pub fn fail(&mut self, messages: f64) {
        self.processed -= messages;
        self.errors += messages;
    }

    /// Messages that it takes from Kafka once more. They cost as much time as others.
    pub fn read_again(&mut self, messages: f64) {
        self.consumed += messages;
        self.untimed += messages;
        self.repeats += messages;
    }

    /// Spends of a second's budget what repeats need; answers how much.
    pub fn catch_up(&mut self, budget: f64) -> f64 {
        let spent = self.repeats.min(budget);
        self.repeats -= spent;
        spent
    }

    /// Puts messages into the histogram that take so many times the usual time.
    pub fn time(&mut self, messages: f64, cost: f64, random: &mut Random) {
        let shares = shares_below(self.slowness * cost / self.node, self.delay);
        let mut left = messages;
        let mut before = 0.0;
        for (bucket, share) in self.buckets.iter_mut().zip(shares) {
            let part = if before < 1.0 {
                ((share - before) / (1.0 - before)).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let here = random.binomial(left, part);
            *bucket += here;
            left -= here;
            before = share;
        }
        self.timed += messages;
    }

    /// Its next commit is so many seconds after this one.
    pub fn commit_in(&mut self, now: i64, seconds: i64) {
        self.next_commit = now + seconds + self.commit_delay;
    }

    /// Whether it commits now.
    pub fn commits(&mut self, now: i64, scenario: &Scenario, aside: &mut Random) -> bool {
        if now < self.next_commit || now < self.stopped_until {
            return false;
        }
        while self.next_commit <= now {
            self.next_commit += scenario.commit + self.commit_delay;
        }
        if scenario.commit_spread > 0 {
            let spread = usize::try_from(scenario.commit_spread).unwrap_or(0);
            self.next_commit += aside.index(spread + 1) as i64;
        }
        true
    }
}
