//! Learns from the record before a trial: margins, capacities, tolerance, and the log ends so far.
//! Looks at the primary only; what it teaches is frozen before the first window of the trial.

use std::collections::BTreeMap;

use crate::capacity::{BLOCK, Capacity};
use crate::commit_gaps::CommitGaps;
use crate::constants::Constant;
use crate::drift::{FINEST_SCALE, WIDEST_SCALE};
use crate::lag_windows::{LagWindows, Standing, reference};
use crate::lags::{Lags, PartitionLag};
use crate::margins::{Margins, normal_lag, whole_polls};
use crate::observation::{Millis, Role};
use crate::reading::Reading;
use crate::tolerance::{Tolerance, least};
use crate::units::{median, quantile};
use crate::{PartitionId, Record, Settings};

/// How much more lag than the primary ever had is still normal.
const NORMAL_FACTOR: f64 = 1.5;
/// Standing lags count up to this quantile per partition: the rest may be a restart or a burst.
const NORMAL_QUANTILE: f64 = 0.9;
/// Drifts from which a scale can be learnt.
const ENOUGH_DRIFTS: usize = 10;

/// What a record teaches: the margins, and the running state a judge goes on from.
pub(crate) struct Lesson {
    pub(crate) margins: Margins,
    pub(crate) capacity: Capacity,
    pub(crate) tolerance: Tolerance,
    pub(crate) lags: Lags,
}

/// Learns from a record.
pub(crate) fn learn(settings: &Settings, record: &Record) -> Lesson {
    let readings = || record.observations().filter_map(|seen| Reading::of(&seen, 0));
    let mut gaps = CommitGaps::new(Role::Primary, settings.interval);
    follow(readings(), |step| match step {
        Step::Broken => gaps.restart(),
        Step::Lags(at, lags) => gaps.add(at, lags),
    });
    let mut margins = Margins {
        commit_gap: gaps.longest(),
        typical_gap: gaps.typical(),
        scale: WIDEST_SCALE,
        normal_lag: normal_lag(),
        learnt: false,
    };
    let mut school = School::new(&margins, settings.interval);
    let lags = follow(readings(), |step| match step {
        Step::Broken => school.restart(),
        Step::Lags(at, lags) => school.add(at, lags),
    });
    school.teach(&mut margins);
    let tolerance = school.tolerance(&margins);
    Lesson { margins, capacity: school.capacity, tolerance, lags }
}

/// One step along a record.
enum Step<'a> {
    /// A rebalance.
    Broken,
    /// The lags at a moment, under one assignment.
    Lags(Millis, &'a [PartitionLag]),
}

fn follow(readings: impl Iterator<Item = Reading>, mut take: impl FnMut(Step<'_>)) -> Lags {
    let mut lags = Lags::default();
    let mut owned = Vec::new();
    let mut epoch = None;
    for reading in readings {
        owned = lags.take(&reading, owned);
        let current = reading.is_stable().then_some(reading.epoch);
        if current != epoch || current.is_none() {
            take(Step::Broken);
        }
        epoch = current;
        if current.is_some() {
            take(Step::Lags(reading.at, &owned));
        }
    }
    lags
}

/// Collects what healthy windows look like.
struct School {
    windows: LagWindows,
    blocks: LagWindows,
    commit_gap: f64,
    capacity: Capacity,
    /// An empty one is a rebalance.
    closed: Vec<Vec<Standing>>,
}

impl School {
    fn new(margins: &Margins, interval: Millis) -> Self {
        Self {
            windows: LagWindows::new(margins.drift_window(interval), interval),
            blocks: LagWindows::new(whole_polls(BLOCK, interval), interval),
            commit_gap: margins.commit_gap_seconds(),
            capacity: Capacity::default(),
            closed: Vec::new(),
        }
    }

    fn restart(&mut self) {
        self.windows.restart();
        self.blocks.restart();
        self.closed.push(Vec::new());
    }

    fn add(&mut self, at: Millis, lags: &[PartitionLag]) {
        if let Some(block) = self.blocks.add(at, lags) {
            self.capacity.learn(&block, self.commit_gap);
        }
        self.closed.extend(self.windows.add(at, lags));
    }

    /// Normal lag and the scale of drifts, by the primary's windows.
    fn teach(&self, margins: &mut Margins) {
        let mut lags: BTreeMap<&PartitionId, Vec<f64>> = BTreeMap::new();
        let mut drifts = Vec::new();
        for window in &self.closed {
            let reference = reference(window).unwrap_or(0.0);
            for standing in window.iter().filter(|one| one.consumer.role == Role::Primary) {
                lags.entry(&standing.id).or_default().push(standing.lag);
                drifts.extend(standing.drift.map(|drift| drift - reference));
            }
        }
        let normal = |lags: &mut Vec<f64>| quantile(lags, NORMAL_QUANTILE);
        let largest = lags.values_mut().filter_map(normal).fold(0.0, f64::max);
        margins.normal_lag = normal_lag().max(Constant::NormalFactor.or(NORMAL_FACTOR) * largest);
        if drifts.len() >= ENOUGH_DRIFTS {
            margins.scale = deviation(&mut drifts).clamp(FINEST_SCALE, WIDEST_SCALE);
            margins.learnt = true;
        }
    }

    fn tolerance(&self, margins: &Margins) -> Tolerance {
        let mut tolerance = Tolerance::new(least());
        for window in &self.closed {
            tolerance.learn(window, reference(window).unwrap_or(0.0), margins.normal_lag);
        }
        tolerance.restart();
        tolerance
    }
}

/// A standard deviation that outliers don't move: 1.4826 × the median distance from the median.
fn deviation(values: &mut [f64]) -> f64 {
    let centre = median(values).unwrap_or(0.0);
    let mut distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    1.4826 * median(&mut distances).unwrap_or(0.0)
}
