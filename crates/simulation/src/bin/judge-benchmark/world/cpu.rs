//! What makes messages dear in CPU: starts, and a fault.
//! It draws from a stream of its own, so that all else keeps its numbers.

use crate::scenario::Fault;
use crate::world::World;

/// Who starts slowly compiles, and takes more CPU than its slowness says: the power of its pace.
const COMPILES: i32 = -3;
/// Least pace that CPU is reckoned by.
const SLOWEST: f64 = 0.1;

impl World {
    /// The CPU of a pod in this second, in which it consumed so many messages.
    pub(super) fn burn(&mut self, index: usize, messages: f64) {
        let pace = self.scenario.start.part(self.now - self.pods[index].created).max(SLOWEST);
        let times = if self.pods[index].canary { self.times_the_cpu() } else { 1.0 };
        let pod = &mut self.pods[index];
        if pod.runs {
            pod.cpu.burn(messages, times * pace.powi(COMPILES), &mut self.cpu);
        }
        pod.cpu.look(self.now, index);
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
