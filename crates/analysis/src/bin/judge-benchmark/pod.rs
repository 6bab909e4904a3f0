//! One simulated consumer pod: its speed, its pauses, its commits, its counters.
//! It knows no partitions and nothing of what is wrong with it.

use crate::chance::{Chance, Wander};
use crate::scenario::Scenario;

/// Mean seconds between garbage collections that stop a pod.
const BETWEEN_STOPS: f64 = 300.0;

/// One pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Counts replacements: part of the name.
    pub generation: u32,
    pub created: i64,
    pub restarts: u32,
    /// Whether its container runs.
    pub runs: bool,
    pub consumed: f64,
    pub processed: f64,
    pub errors: f64,
    /// Messages not in the histogram yet, and how much slower than usual they were.
    pub untimed: f64,
    pub slowness: f64,
    pub buckets: [f64; crate::show::EDGES.len()],
    pub timed: f64,
    pub speed: f64,
    wobble: Wander,
    pub errorness: Wander,
    pub slow_wander: Wander,
    stopped_until: i64,
    next_commit: i64,
    pub next_start: i64,
}

impl Pod {
    /// A pod that has run for a day.
    pub fn new(scenario: &Scenario, chance: &mut Chance) -> Self {
        let phase = chance.below(usize::try_from(scenario.commit).unwrap_or(1));
        Self {
            generation: 0,
            created: -86_400,
            restarts: 0,
            runs: true,
            consumed: 0.0,
            processed: 0.0,
            errors: 0.0,
            untimed: 0.0,
            slowness: 1.0,
            buckets: [0.0; crate::show::EDGES.len()],
            timed: 0.0,
            speed: scenario.capacity * (0.04 * chance.normal()).exp(),
            wobble: Wander::new(0.06, 30.0, chance),
            errorness: Wander::new(scenario.wander, 600.0, chance),
            slow_wander: Wander::new(scenario.wander / 4.0, 600.0, chance),
            stopped_until: i64::MIN,
            next_commit: -600 + i64::try_from(phase).unwrap_or(0),
            next_start: i64::MIN,
        }
    }

    /// Another pod in its place.
    pub fn renew(&mut self, now: i64) {
        self.generation += 1;
        self.created = now;
        self.restarts = 0;
        self.reset_counters();
    }

    /// A new process.
    pub fn reset_counters(&mut self) {
        self.consumed = 0.0;
        self.processed = 0.0;
        self.errors = 0.0;
        self.untimed = 0.0;
        self.buckets = [0.0; crate::show::EDGES.len()];
        self.timed = 0.0;
    }

    /// Messages it can take in this second.
    pub fn budget(&mut self, now: i64, chance: &mut Chance) -> f64 {
        self.wobble.step(chance);
        self.errorness.step(chance);
        if chance.unit() < 1.0 / BETWEEN_STOPS {
            self.stopped_until =
                now + 1 + i64::from(chance.unit() < 0.5) + i64::from(chance.unit() < 0.5);
        }
        if now < self.stopped_until { 0.0 } else { self.speed * self.wobble.level() }
    }

    /// Whether it commits now.
    pub fn commits(&mut self, now: i64, interval: i64) -> bool {
        if now < self.next_commit || now < self.stopped_until {
            return false;
        }
        while self.next_commit <= now {
            self.next_commit += interval;
        }
        true
    }
}
