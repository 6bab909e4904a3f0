//! What healthy pods go through, second by second; canary and primary alike.
//! It draws from a stream of its own, so that scenarios without troubles keep their numbers.

use crate::pod::SimulatedPod;
use crate::scenario::{HealthyTrouble, Start};
use crate::world::World;

/// When all pods are slow for a while: seconds into the trial.
const SLOW_FROM: i64 = 600;
/// Seconds after its start in which a pod that was added commits for the first time.
const FIRST_COMMIT: i64 = 5;

impl World {
    /// One second of the scenario's trouble.
    pub(super) fn trouble(&mut self) {
        let (now, canary) = (self.now, self.scenario.canary());
        match self.scenario.trouble {
            HealthyTrouble::Blocks { every, seconds } => {
                self.now_and_then(every, |pod| pod.stop_until(now + seconds));
            }
            HealthyTrouble::ErrorBursts { every, seconds, .. } => {
                self.now_and_then(every, |pod| pod.fails_until = now + seconds);
            }
            HealthyTrouble::Restarts(every) => self.now_and_then(every, SimulatedPod::restart),
            HealthyTrouble::OneRestart(age) if now == 1 + age => self.pods[canary].restart(),
            HealthyTrouble::Replaced(second) if now == second => {
                self.replace(0);
                self.rebalance();
            }
            HealthyTrouble::MorePods(period) if is_due(now, period) => self.add_pod(),
            HealthyTrouble::Rebalances { period, discards } if is_due(now, period) => {
                for pod in &mut self.pods {
                    pod.consumed += (discards * self.extra.unit()).floor();
                }
                self.rebalance();
            }
            HealthyTrouble::None
            | HealthyTrouble::OneRestart(_)
            | HealthyTrouble::Replaced(_)
            | HealthyTrouble::MorePods(_)
            | HealthyTrouble::Rebalances { .. }
            | HealthyTrouble::BadPartition { .. }
            | HealthyTrouble::Swings { .. }
            | HealthyTrouble::SlowForAll { .. }
            | HealthyTrouble::CacheFills(_) => {}
        }
    }

    /// To each pod once in so many seconds.
    fn now_and_then(&mut self, every: f64, happens: impl Fn(&mut SimulatedPod)) {
        for pod in &mut self.pods {
            if self.extra.unit() < 1.0 / every {
                happens(pod);
            }
        }
    }

    fn add_pod(&mut self) {
        if self.pods.len() < 2 * self.scenario.pods {
            let index = self.pods.len();
            self.pods.push(SimulatedPod::new(&self.scenario, &mut self.extra));
            self.replace(index);
            self.pods[index].commit_in(self.now, FIRST_COMMIT);
            self.deal();
            self.rebalance();
        }
    }

    /// Errors of a pod on a partition now, times those that are usual for both.
    pub(super) fn more_errors(&self, pod: usize, partition: usize) -> f64 {
        if let HealthyTrouble::ErrorBursts { times, .. } = self.scenario.trouble {
            if self.now < self.pods[pod].fails_until { times } else { 1.0 }
        } else if let HealthyTrouble::BadPartition { seconds, times } = self.scenario.trouble {
            let (place, from) = self.bad_data;
            let is_bad = place == partition && (from..from + seconds).contains(&self.now);
            if is_bad { times } else { 1.0 }
        } else {
            1.0
        }
    }

    /// Part of its speed that a healthy pod has now, for its age and the scenario's trouble.
    pub(super) fn pace(&self, index: usize) -> f64 {
        let started = self.scenario.start.part(self.now - self.pods[index].created);
        if let HealthyTrouble::SlowForAll { part, seconds } = self.scenario.trouble {
            let is_slow = (SLOW_FROM..SLOW_FROM + seconds).contains(&self.now);
            started * if is_slow { part } else { 1.0 }
        } else if let HealthyTrouble::Swings { part, period } = self.scenario.trouble {
            let begun = self.now + period * index as i64 / self.scenario.pods as i64;
            let is_slow = begun.rem_euclid(period) < period / 2;
            started * if is_slow { 1.0 - part } else { 1.0 + part }
        } else {
            started
        }
    }
}

impl Start {
    /// The part of its speed that a pod has at this age, in seconds.
    pub(super) fn part(self, age: i64) -> f64 {
        let passed = |seconds: i64| (age as f64 / seconds as f64).min(1.0);
        match self {
            Self::Full => 1.0,
            Self::Plateau { part, seconds } => {
                if age < seconds {
                    part
                } else {
                    1.0
                }
            }
            Self::Ramp { part, seconds } => part + (1.0 - part) * passed(seconds),
            Self::Cache { part, seconds } => 1.0 - (1.0 - part) * (-(age as f64) / seconds).exp(),
            Self::Late(seconds) => passed(seconds).floor(),
        }
    }
}

/// Whether something that comes in a period comes in this second of the trial.
const fn is_due(now: i64, period: i64) -> bool {
    now > 1 && now % period == 0
}
