//! The CPU that a simulated pod uses: by the message, by the second, and when it collects garbage.
//! It draws from a stream of its own, so that all else keeps its numbers.

use crate::scenario::{Fault, Scenario};
use crate::world::World;
use siskin_simulation::random::Random;
use siskin_simulation::wander::Wander;

/// Seconds of CPU that a message takes, and that a second takes whatever is consumed in it.
const PER_MESSAGE: f64 = 0.001_5;
const PER_SECOND: f64 = 0.02;
/// Collections of garbage: mean seconds between two, and seconds of CPU.
const COLLECTIONS: [(f64, f64); 2] = [(20.0, 0.1), (300.0, 2.0)];
/// Seconds between two looks of the kubelet, and from one pod's look to the next one's.
const LOOKS: (i64, i64) = (15, 4);
/// Seconds in which a pod forgets how dear its messages were.
const MEMORY: f64 = 60.0;
/// Who starts slowly compiles, and takes more CPU than its slowness says: the power of its pace.
const COMPILES: i32 = -3;

/// The CPU of one pod.
#[derive(Clone, Debug)]
pub struct PodCpu {
    used: f64,
    /// What the kubelet saw last.
    pub shown: f64,
    /// CPU per message by the node it runs on.
    node: f64,
    wander: Wander,
}

impl PodCpu {
    /// A pod that has used nothing yet.
    pub fn new(scenario: &Scenario) -> Self {
        let wander = Wander::from_one(scenario.cpu_wander, MEMORY);
        Self { used: 0.0, shown: 0.0, node: 1.0, wander }
    }

    /// A new process.
    pub fn reset(&mut self) {
        (self.used, self.shown) = (0.0, 0.0);
    }

    /// It runs on another node.
    pub fn place(&mut self, spread: f64, random: &mut Random) {
        self.node = (spread * random.normal()).exp();
    }
}

impl World {
    /// The CPU of a pod in this second, in which it consumed so many messages.
    pub(super) fn burn(&mut self, index: usize, messages: f64) {
        let pace = self.scenario.start.part(self.now - self.pods[index].created).max(0.1);
        let times = if self.pods[index].canary { self.times_the_cpu() } else { 1.0 };
        let (random, pod) = (&mut self.cpu, &mut self.pods[index]);
        let cpu = &mut pod.cpu;
        let each = PER_MESSAGE * times * cpu.node * cpu.wander.step(random) * pace.powi(COMPILES);
        cpu.used += messages * each + if pod.runs { PER_SECOND } else { 0.0 };
        for (every, seconds) in COLLECTIONS {
            if random.unit() < 1.0 / every && pod.runs {
                cpu.used += seconds;
            }
        }
        if (self.now + LOOKS.1 * index as i64) % LOOKS.0 == 0 {
            cpu.shown = cpu.used;
        }
    }

    /// What the fault multiplies the canary's CPU per message by.
    fn times_the_cpu(&self) -> f64 {
        let since = self.now - self.scenario.onset;
        if let Fault::Cpu(times, span) = self.scenario.fault
            && (1..=span).contains(&since)
        {
            times
        } else {
            1.0
        }
    }
}
