//! One simulated consumer pod: its speed, its pauses, its commits, and what may be wrong with it.
//! Knows nothing of partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use siskin_analysis::observation::{
    Histogram, Millis, PodMetrics, PodObservation, Role, UserReading,
};

use crate::random::Random;
use crate::shape::{COUNTED, START, Shape, healthy_pod, ticks};
use crate::wander::Wander;

/// A mebibyte.
pub const MIB: f64 = 1_048_576.0;

/// Names of the user's ratios.
pub const USER: [&str; 2] = ["checkout-failures", "dead-letters"];

/// Shares of the messages taken with which something happens, and bytes lost per minute.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Share that fails.
    pub errors: f64,
    /// Share that is consumed and never accounted for.
    pub lost: f64,
    /// Share that is committed without work.
    pub skipped: f64,
    /// Share that takes long.
    pub slow: f64,
    /// Bytes of memory lost per minute.
    pub leak: f64,
    /// Shares of messages that the user's ratios count.
    pub user: [Option<f64>; 2],
}

impl Default for Work {
    fn default() -> Self {
        Self { errors: 0.01, lost: 0.0, skipped: 0.0, slow: 0.1, leak: 0.0, user: [None; 2] }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    consumed: f64,
    processed: f64,
    errors: f64,
    slow: f64,
    user: [f64; 2],
}

/// A consumer.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name, which tells the role.
    pub name: Arc<str>,
    /// Its role.
    pub role: Role,
    /// When it was created.
    pub created: Millis,
    /// Multiplies the speed: below 1 it is slow, at 0 it hangs.
    pub health: f64,
    /// Time between commits.
    pub commit: Millis,
    /// How long a new pod works at half its speed.
    pub slow_start: Millis,
    /// Restarts so far.
    pub restarts: u32,
    /// What it does with the messages it takes.
    pub work: Work,
    totals: Totals,
    has_metrics: bool,
    /// Messages per second while nothing slows it down.
    pub speed: f64,
    wobble: Wander,
    pauses: bool,
    paused_until: Millis,
    next_commit: Millis,
}

impl Pod {
    /// A primary pod that has run for an hour.
    pub fn new(index: usize, shape: Shape, random: &mut Random) -> Self {
        let phase = (random.unit() * shape.commit as f64) as Millis;
        Self {
            name: Arc::from(format!("worker-primary-{index}")),
            role: Role::Primary,
            created: START - 3_600_000,
            health: 1.0,
            commit: shape.commit,
            slow_start: 0,
            restarts: 0,
            work: Work { user: shape.user, ..Work::default() },
            totals: Totals::default(),
            has_metrics: shape.metrics,
            speed: shape.capacity * (0.04 * random.normal()).exp(),
            wobble: Wander::from_one(shape.wobble.0, ticks(shape.wobble.1)),
            pauses: shape.pauses,
            paused_until: 0,
            next_commit: START + phase,
        }
    }

    /// Replaces it by a new canary pod, with counters at 0.
    pub fn become_canary(&mut self, now: Millis, random: &mut Random) {
        self.name = Arc::from("worker-canary-0");
        self.role = Role::Canary;
        self.created = now;
        self.totals = Totals::default();
        self.next_commit = now + (random.unit() * self.commit as f64) as Millis;
    }

    /// Messages it can take in one tick.
    pub fn budget(&mut self, now: Millis, tick: Millis, random: &mut Random) -> f64 {
        let dt = tick as f64 / 1_000.0;
        let level = self.wobble.step(random);
        if self.pauses && random.unit() < dt / 300.0 {
            self.paused_until = now + 1_000 + (random.unit() * 2_000.0) as Millis;
        }
        if now < self.paused_until {
            return 0.0;
        }
        let warm = if now < self.created + self.slow_start { 0.5 } else { 1.0 };
        self.speed * level * self.health * warm * dt
    }

    /// Works on messages it took, and counts them.
    pub fn work_on(&mut self, taken: i64, random: &mut Random) {
        if !self.has_metrics {
            return;
        }
        let Work { errors, lost, skipped, slow, user, .. } = self.work;
        let skipped = (random.poisson(taken as f64 * skipped, COUNTED) as i64).min(taken);
        let consumed = taken - skipped;
        let mut of =
            |share: f64| (random.poisson(consumed as f64 * share, COUNTED) as i64).min(consumed);
        let (errors, lost, slow) = (of(errors), of(lost), of(slow));
        for (total, share) in self.totals.user.iter_mut().zip(user) {
            *total += share.map_or(0, &mut of) as f64;
        }
        self.totals.consumed += consumed as f64;
        self.totals.errors += errors as f64;
        self.totals.processed += (consumed - errors - lost).max(0) as f64;
        self.totals.slow += slow as f64;
    }

    /// A new process: its counters begin anew.
    pub fn restart(&mut self) {
        self.restarts += 1;
        self.totals = Totals::default();
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

    /// What is seen of it at a time.
    #[must_use]
    pub fn observe(&self, now: Millis) -> PodObservation {
        PodObservation {
            restarts: self.restarts,
            metrics: self.has_metrics.then(|| self.metrics(now)),
            ..healthy_pod(&self.name, self.role, self.created)
        }
    }

    fn metrics(&self, now: Millis) -> PodMetrics {
        let Totals { consumed, processed, errors, slow, .. } = self.totals;
        let age = (now - self.created) as f64 / 60_000.0;
        PodMetrics {
            consumed: Some(consumed),
            processed: Some(processed),
            errors: Some(errors),
            filtered: None,
            latency: Some(Histogram {
                edges: Arc::from([0.01, 0.1]),
                counts: vec![0.4 * consumed, consumed - slow],
                total: consumed,
            }),
            working_set: Some(400.0 * MIB + self.work.leak * age),
            memory_limit: Some(1_024.0 * MIB),
            cpu_seconds: None,
            user: self.user(),
        }
    }

    /// What the user's ratios count: events of all messages.
    fn user(&self) -> BTreeMap<Arc<str>, UserReading> {
        let counted = USER.into_iter().zip(self.totals.user).zip(self.work.user);
        let exported = counted.filter_map(|(it, share)| share.map(|_| it));
        let total = Some(self.totals.consumed);
        exported
            .map(|(name, events)| {
                let reading = UserReading { events: Some(events), total, value: None };
                (Arc::from(name), reading)
            })
            .collect()
    }
}
