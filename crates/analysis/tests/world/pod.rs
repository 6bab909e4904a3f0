//! One simulated consumer pod: its speed, its pauses, its commits, and what may be wrong with it.
//! Knows nothing of partitions.

use std::sync::Arc;

use siskin_analysis::observation::{Millis, PodObservation, Role};

use super::chance::{Chance, Drifter};
use super::{START, Shape, healthy_pod};

#[derive(Clone, Debug)]
pub struct Pod {
    pub name: Arc<str>,
    pub role: Role,
    pub created: Millis,
    /// Multiplies the speed: below 1 it is slow, at 0 it hangs.
    pub health: f64,
    /// Time between commits.
    pub commit: Millis,
    /// How long a new pod works at half its speed.
    pub slow_start: Millis,
    pub restarts: u32,
    speed: f64,
    wobble: Drifter,
    pauses: bool,
    paused_until: Millis,
    next_commit: Millis,
}

impl Pod {
    pub fn new(index: usize, shape: Shape, chance: &mut Chance) -> Self {
        let phase = (chance.unit() * shape.commit as f64) as Millis;
        Self {
            name: Arc::from(format!("worker-primary-{index}")),
            role: Role::Primary,
            created: START - 3_600_000,
            health: 1.0,
            commit: shape.commit,
            slow_start: 0,
            restarts: 0,
            speed: shape.capacity * (0.04 * chance.normal()).exp(),
            wobble: Drifter::new(shape.wobble.0, shape.wobble.1),
            pauses: shape.pauses,
            paused_until: 0,
            next_commit: START + phase,
        }
    }

    pub fn become_canary(&mut self, now: Millis, chance: &mut Chance) {
        self.name = Arc::from("worker-canary-0");
        self.role = Role::Canary;
        self.created = now;
        self.next_commit = now + (chance.unit() * self.commit as f64) as Millis;
    }

    /// Messages it can take in one tick.
    pub fn budget(&mut self, now: Millis, tick: Millis, chance: &mut Chance) -> f64 {
        let dt = tick as f64 / 1_000.0;
        let level = self.wobble.step(dt, chance);
        if self.pauses && chance.unit() < dt / 300.0 {
            self.paused_until = now + 1_000 + (chance.unit() * 2_000.0) as Millis;
        }
        if now < self.paused_until {
            return 0.0;
        }
        let warm = if now < self.created + self.slow_start { 0.5 } else { 1.0 };
        self.speed * level * self.health * warm * dt
    }

    /// Whether it commits now.
    pub fn commits(&mut self, now: Millis) -> bool {
        if now < self.next_commit || now < self.paused_until || self.health <= 0.0 {
            return false;
        }
        while self.next_commit <= now {
            self.next_commit += self.commit;
        }
        true
    }

    pub fn observe(&self) -> PodObservation {
        PodObservation {
            restarts: self.restarts,
            ..healthy_pod(&self.name, self.role, self.created)
        }
    }
}
