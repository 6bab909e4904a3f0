//! What happens to the pods of a group: crashes, replacements, pauses, and how fast each is.
//! What they do with messages is `world`'s.

use crate::scenario::Fault;
use crate::world::World;

/// Seconds in which a canary in a crash loop dies after a start.
const LIFE: i64 = 20;
/// Seconds from one pause of [`Fault::Pauses`] to the next, and how long each is.
const PAUSES: (i64, i64) = (30, 5);

impl World {
    /// Events that are no matter of speed.
    pub(super) fn meddle(&mut self) {
        if !self.is_on() || self.now < 1 {
            return;
        }
        let (since, canary) = (self.now - self.scenario.onset, self.scenario.canary());
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
                self.replace(canary);
                self.rebalance();
            }
            Fault::Rolling if since % 120 == 0 => {
                let next = usize::try_from(since / 120).unwrap_or(0) % canary;
                self.replace(next);
                self.rebalance();
            }
            Fault::Pauses if since % PAUSES.0 == 0 => {
                self.pods[canary].stop_until(self.now + PAUSES.1);
            }
            Fault::Rolling
            | Fault::Eviction
            | Fault::Storm
            | Fault::Pauses
            | Fault::None
            | Fault::Stall
            | Fault::Poison
            | Fault::Slow(_)
            | Fault::Deficit(_)
            | Fault::Leak
            | Fault::Errors(..)
            | Fault::Memory
            | Fault::Cpu(..)
            | Fault::Drops(_)
            | Fault::Skips(_)
            | Fault::HotPartition
            | Fault::WarmUp
            | Fault::Faster
            | Fault::FarZone
            | Fault::LargerBatches
            | Fault::Aborts
            | Fault::Retries
            | Fault::Reprocesses(_)
            | Fault::Everyone => {}
        }
    }

    /// Dies some seconds after each start; the pauses double, as the kubelet's do.
    fn crash(&mut self) {
        let pod = &mut self.pods[self.scenario.canary()];
        if pod.runs && self.now - pod.next_start.max(pod.created) >= LIFE {
            pod.runs = false;
            pod.next_start = self.now + 10 * 2_i64.pow(pod.restarts.min(5));
        } else if !pod.runs && self.now >= pod.next_start {
            pod.runs = true;
            pod.restart();
        }
    }

    /// Part of its speed that a pod has now.
    pub(super) fn health(&mut self, index: usize) -> f64 {
        let pace = self.pace(index);
        let owned = self.seats[index].iter().map(|it| self.partitions[*it].weight);
        let share = owned.sum::<f64>() * self.scenario.pods as f64 / self.partitions.len() as f64;
        let pod = &mut self.pods[index];
        let mut health = 1.0;
        if pod.canary && self.now > self.scenario.onset {
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
                | Fault::Cpu(..)
                | Fault::Drops(_)
                | Fault::Skips(_)
                | Fault::CrashLoop
                | Fault::HotPartition
                | Fault::Eviction
                | Fault::Rolling
                | Fault::FarZone
                | Fault::LargerBatches
                | Fault::Aborts
                | Fault::Retries
                | Fault::Reprocesses(_)
                | Fault::Pauses
                | Fault::Everyone => 1.0,
            };
        }
        health *= pace * self.surroundings.node_speed(index, pod.canary);
        pod.slow_wander.step(&mut self.random);
        pod.slowness = pod.slow_wander.level() / health.max(0.01);
        health
    }
}
