//! Whether the process is healthy and ready, as its tasks say.
//! Values that others set; reads nothing itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Whether the tasks of the process still move. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    pulses: Arc<Mutex<Vec<Pulse>>>,
}

/// Set by one task each time it comes round. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    began: Instant,
    /// Milliseconds after `began`.
    last: Arc<AtomicU64>,
}

/// Whether everything has been seen once. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<Vec<Condition>>>,
}

/// One thing to have been seen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Condition {
    name: &'static str,
    met: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Pulse {
    task: &'static str,
    at_least_every: Duration,
    heartbeat: Heartbeat,
}

impl Health {
    /// A heartbeat of `task`; the process is unhealthy when it does not beat for `at_least_every`.
    /// Beats once now.
    #[must_use]
    pub fn task(&self, task: &'static str, at_least_every: Duration) -> Heartbeat {
        let heartbeat = Heartbeat { began: Instant::now(), last: Arc::default() };
        let pulse = Pulse { task, at_least_every, heartbeat: heartbeat.clone() };
        self.pulses.lock().push(pulse);
        heartbeat
    }

    /// One line for each task that stands still; empty: healthy.
    pub(crate) fn standing_still(&self) -> Vec<String> {
        let pulses = self.pulses.lock();
        let still = pulses.iter().filter_map(|it| {
            let age = it.heartbeat.age();
            (age > it.at_least_every)
                .then(|| format!("{}: no heartbeat for {} s", it.task, age.as_secs()))
        });
        still.collect()
    }
}

impl Heartbeat {
    /// The task came round.
    pub(crate) fn beat(&self) {
        self.last.store(self.since_began(), Ordering::Relaxed);
    }

    fn age(&self) -> Duration {
        let last = self.last.load(Ordering::Relaxed);
        Duration::from_millis(self.since_began().saturating_sub(last))
    }

    fn since_began(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Readiness {
    /// Another thing that must be seen once, such as the first listing of a watch.
    pub(crate) fn condition(&self, name: &'static str) -> Condition {
        let condition = Condition { name, met: Arc::default() };
        let mut conditions = self.conditions.lock();
        conditions.push(condition.clone());
        condition
    }

    /// One line for each condition that is not met yet; empty: ready.
    pub(crate) fn missing(&self) -> Vec<String> {
        let conditions = self.conditions.lock();
        let missing = conditions.iter().filter(|it| !it.met.load(Ordering::Acquire));
        missing.map(|it| format!("waiting for {}", it.name)).collect()
    }
}

impl Condition {
    /// It was seen; this is never taken back.
    pub(crate) fn met(&self) {
        self.met.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const BOUND: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_task_is_given_its_own_time() {
        let health = Health::default();
        let slow = health.task("passes", BOUND);
        let quick = health.task("sampling", BOUND / 2);
        assert!(health.standing_still().is_empty(), "each has beaten once");
        advance(BOUND / 2 + Duration::from_secs(1)).await;
        assert_eq!(health.standing_still(), ["sampling: no heartbeat for 31 s"]);
        quick.beat();
        assert!(health.standing_still().is_empty());
        advance(BOUND / 2).await;
        assert_eq!(health.standing_still(), ["passes: no heartbeat for 61 s"]);
        slow.clone().beat();
        assert!(health.standing_still().is_empty(), "a clone beats for the same task");
    }
}
