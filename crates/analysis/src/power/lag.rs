//! Lag: the smallest part of its work that a canary can fail to do and be found by its lag.
//! Feeds the real ledger with expected drifts; one step at a time.

use crate::constants::Constant;
use crate::counters::kind::may_be_warming_up;
use crate::engines::drift_test::{Drift, DriftTest, FINEST_SCALE, WIDEST_SCALE, smallest};
use crate::lag::windows::growing_since;
use crate::normal::capacity::{Capacity, PACE_BLOCKS, RATE_BLOCK};
use crate::numbers::{Millis, count, seconds};
use crate::observation::record::RECORD_SPAN;
use crate::power::case::Case;
use crate::power::normal::Z;
use crate::power::plan::Stage;
use crate::signals::lag_non_inferiority::LEAST_MESSAGES;

/// Most windows that are looked at: an effect not found in so many is not found by more.
const MOST_WINDOWS: i64 = 1_000;
/// Number of values that stand for the noise; more partitions average out no more.
const NOISE_VALUES: u32 = 8;

/// The canary's lag at one step.
pub(crate) struct Lagging {
    /// Seconds of a window.
    pub(crate) window: f64,
    /// Windows that are over before the first one that may be bet on, and those bet on.
    pub(crate) before: i64,
    pub(crate) windows: i64,
    /// The scale of healthy drifts that a record teaches.
    pub(crate) scale: f64,
    /// Windows, of those bet on, that may tell of a warm-up and decide nothing.
    pub(crate) young: i64,
    /// ln of what the accounts are worth at most by then.
    pub(crate) ln_young: f64,
    /// Partitions of the canary.
    pub(crate) partitions: u32,
    /// Messages per second: of one partition, of one pod.
    partition: f64,
    pod: f64,
    capacity: Capacity,
}

impl Lagging {
    /// `None`: there is nothing to compare, or nothing to compare with, or so few messages per
    /// window that their noise is not that of many.
    pub(crate) fn new(case: &Case, stage: Stage) -> Option<Self> {
        let traffic = &case.traffic;
        let partitions = case.canary_partitions(stage.canary);
        if partitions == 0 || partitions >= traffic.partitions || traffic.rate <= 0.0 {
            return None;
        }
        let length = case.margins.drift_window(case.settings.interval);
        // A window counts if its pods were warm when it and the one before it began.
        let before = (case.settings.warm_up + length - 1) / length + 1;
        let busy = traffic.consumers.min(traffic.partitions);
        let partition = traffic.rate / f64::from(traffic.partitions);
        if partition * seconds(length) < f64::from(LEAST_MESSAGES) {
            return None;
        }
        let pod = traffic.rate / f64::from(busy);
        Some(Self {
            window: seconds(length),
            before,
            windows: (stage.length / length - before).clamp(0, MOST_WINDOWS),
            young: young(length, case.settings.warm_up) - before,
            ln_young: case.settings.ln_needed(0),
            scale: commit_noise(case, length).clamp(FINEST_SCALE, WIDEST_SCALE),
            partitions,
            partition,
            pod,
            capacity: Capacity {
                // Without a backlog in the record nobody knows what a pod can do at most.
                pod: 0.0,
                any_pod: fastest(pod, busy),
                partition: fastest(partition, traffic.partitions),
                ..Capacity::default()
            },
        })
    }

    /// The smallest deficit that is found with [`crate::power::POWER`], as a part of the work.
    pub(crate) fn smallest(&self, ln_needed: f64) -> Option<f64> {
        smallest(|deficit| self.finds(deficit, ln_needed))
    }

    /// Standard deviation of the drift in one window: the scale of healthy drifts, and the chance
    /// of arrivals.
    pub(crate) fn noise(&self, deficit: f64) -> f64 {
        let arrivals = (1.0 - deficit) / (self.partition * self.window);
        self.scale.hypot(arrivals.sqrt())
    }

    /// What the ledger is shown of a window: the drift, unless the canary is not yet behind.
    pub(crate) fn judged(&self, number: i64, deficit: f64, drift: f64) -> Option<f64> {
        let begun = self.window * count(self.before + number - 1);
        (deficit * begun > Constant::NormalLag.value()).then_some(drift)
    }

    /// Whether a canary that does the rest of its work is as fast as the primary was at its best.
    pub(crate) fn is_excused(&self, deficit: f64) -> bool {
        // In half of the windows a partition is faster than on average; a pod's pace is a mean
        // over several, which varies by less.
        let several = self.window * count(self.windows.clamp(1, PACE_BLOCKS));
        let (partition, pod) = (self.partition * (1.0 - deficit), self.pod * (1.0 - deficit));
        self.capacity.excuses(partition, pod + Z * (self.pod / several).sqrt())
    }

    fn finds(&self, deficit: f64, ln_needed: f64) -> bool {
        if self.is_excused(deficit) {
            return false;
        }
        let noise = self.noise(deficit);
        let partitions = self.partitions.min(NOISE_VALUES);
        // Accounts are averaged, not their logarithms: k partitions help less than k times.
        let drifts = count(self.windows.max(1)) * f64::from(partitions).sqrt();
        let mean = deficit - Z * noise / drifts.sqrt();
        let mut ledger: DriftTest<u32> = DriftTest::new(self.scale);
        (0..self.windows).any(|number| {
            let one = |id| {
                let seen = mean + noise * chance(number + i64::from(id));
                Drift { id, judged: self.judged(number, deficit, seen), seen }
            };
            let drifts: Vec<_> = (0..partitions).map(one).collect();
            ledger.bet(&drifts, Constant::LeastDrift.value());
            self.decides(&mut ledger, number, ln_needed)
        })
    }

    /// Whether the accounts fail the canary after this window.
    pub(crate) fn decides(&self, ledger: &mut DriftTest<u32>, number: i64, ln_needed: f64) -> bool {
        if number < self.young {
            ledger.hold_back(|_| true, self.ln_young);
        }
        ledger.ln_value() >= ln_needed
    }
}

/// Windows until growth is no warm-up any more.
fn young(length: Millis, warm_up: Millis) -> i64 {
    let warming = |end: &i64| may_be_warming_up(growing_since((end + 1) * length, length), warm_up);
    (0..MOST_WINDOWS).take_while(warming).count().try_into().unwrap_or(MOST_WINDOWS)
}

/// Eighths of the normal distribution by their middles, in an order whose sums stay near 0: what
/// noise does in the ledger depends on how far it goes, since drifts are clipped.
fn chance(turn: i64) -> f64 {
    const MIDDLES: [f64; NOISE_VALUES as usize] =
        [-0.489, 0.887, -1.534, 0.157, 1.534, -0.157, -0.887, 0.489];
    let turn = turn.rem_euclid(i64::from(NOISE_VALUES));
    usize::try_from(turn).map_or(0.0, |turn| MIDDLES[turn])
}

/// Standard deviation of a drift that is nothing but the phase of commits: a poll finds the lag
/// anywhere between two of them, and the least of k such lags, uniform up to c seconds, has the
/// variance c²·k/((k + 1)²·(k + 2)).
fn commit_noise(case: &Case, window: Millis) -> f64 {
    let (commit, poll) = (case.traffic.commit_interval.max(1), case.settings.interval);
    let k = count((window / commit.max(poll)).max(1));
    let least = seconds(commit.min(poll)) * (k / (k + 2.0)).sqrt() / (k + 1.0);
    std::f64::consts::SQRT_2 * least / seconds(window)
}

/// The fastest of so many consumers of this rate in any block of a record, if arrivals are
/// Poisson: √(2·ln B) standard deviations above the mean of B blocks.
fn fastest(rate: f64, consumers: u32) -> f64 {
    let blocks = count(RECORD_SPAN / RATE_BLOCK) * f64::from(consumers);
    rate + (2.0 * blocks.max(1.0).ln() * rate / seconds(RATE_BLOCK)).sqrt()
}
