//! The CPU that a simulated pod uses: by the message, by the second, and when it collects garbage.
//! It knows no fault: how dear a message is now, it is told.

use crate::scenario::Scenario;
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

    /// A second in which it works on so many messages, each so many times as dear as is usual.
    pub fn burn(&mut self, messages: f64, times: f64, random: &mut Random) {
        let each = PER_MESSAGE * times * self.node * self.wander.step(random);
        self.used += messages * each + PER_SECOND;
        for (every, seconds) in COLLECTIONS {
            if random.unit() < 1.0 / every {
                self.used += seconds;
            }
        }
    }

    /// The kubelet looks, if it is time for the pod of this index.
    pub fn look(&mut self, now: i64, index: usize) {
        if (now + LOOKS.1 * index as i64) % LOOKS.0 == 0 {
            self.shown = self.used;
        }
    }
}
