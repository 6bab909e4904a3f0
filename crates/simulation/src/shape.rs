//! What kind of group is simulated, and what nothing is wrong with.
//! Only data; `world` brings it to life.

use siskin_analysis::observation::{Millis, PodObservation, Role};

/// When the simulation begins: any moment of 2026.
pub const START: Millis = 1_780_000_000_000;
/// One tick.
pub const TICK: Millis = 500;

/// What kind of group is simulated. The defaults are the generator of the benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Partitions of the one topic.
    pub partitions: usize,
    /// Consumers.
    pub pods: usize,
    /// Messages per second that an average pod can take.
    pub capacity: f64,
    /// Part of the capacity that arrives.
    pub load: f64,
    /// Time between the commits of a pod.
    pub commit: Millis,
    /// Time between observations.
    pub poll: Millis,
    /// Standard deviation of ln of the partitions' weights.
    pub skew: f64,
    /// Standard deviation of a pod's speed over time, and its memory in seconds.
    pub wobble: (f64, f64),
    /// Whether garbage collection stops pods for 1 to 3 s every five minutes.
    pub pauses: bool,
    /// Whether pods export metrics.
    pub metrics: bool,
    /// Shares of messages that the user's ratios count; `None`: not exported.
    pub user: [Option<f64>; 2],
}

impl Shape {
    /// A small, steady group that is polled fast: for tests that wait for a verdict.
    #[must_use]
    pub fn small() -> Self {
        Self {
            partitions: 12,
            pods: 3,
            capacity: 60.0,
            commit: 1_000,
            poll: 2_000,
            wobble: (0.0, 1.0),
            pauses: false,
            ..Self::default()
        }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            partitions: 24,
            pods: 6,
            capacity: 300.0,
            load: 0.7,
            commit: 5_000,
            poll: 10_000,
            skew: 0.15,
            wobble: (0.06, 30.0),
            pauses: true,
            metrics: false,
            user: [None; 2],
        }
    }
}

/// Largest mean of a Poisson number that is counted out; above it, a rounded normal is near enough.
pub(crate) const COUNTED: f64 = 30.0;

/// Seconds as ticks.
pub(crate) fn ticks(seconds: f64) -> f64 {
    seconds * 1_000.0 / TICK as f64
}

/// What the API server shows of a pod that has nothing wrong with it.
#[must_use]
pub fn healthy_pod(name: &str, role: Role, created: Millis) -> PodObservation {
    PodObservation::healthy(name, role, created)
}
