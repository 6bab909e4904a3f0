//! Learns from the record before a trial: margins, capacities, tolerance, and the log ends so far.
//! Looks at the primary only; its result is frozen before the first window of the trial.

use std::collections::BTreeMap;

use crate::constants::Constant;
use crate::engines::drift_test::{FINEST_SCALE, WIDEST_SCALE};
use crate::lag::blocks::Blocks;
use crate::lag::column::Moves;
use crate::lag::commit_gaps::CommitGaps;
use crate::lag::partitions::{Lags, PartitionLag};
use crate::lag::roster::Roster;
use crate::lag::windows::{LagWindows, WindowLag, reference};
use crate::normal::capacity::{Capacity, blocks};
use crate::normal::margins::Margins;
use crate::normal::tolerance::Tolerance;
use crate::normal::warm_up::warm_up;
use crate::numbers::{Millis, median, quantile};
use crate::observation::record::Record;
use crate::observation::{PartitionId, Role};
use crate::settings::Settings;

/// Quantile of a partition's standing lags that is normal: the rest may be a restart or a burst.
const NORMAL_QUANTILE: f64 = 0.9;
/// Fewest drifts from which a scale can be learned.
const ENOUGH_DRIFTS: usize = 10;

/// Result of learning from a record: the margins, and the running state that a judge goes on from.
pub(crate) struct Learned {
    pub(crate) margins: Margins,
    pub(crate) capacity: Capacity,
    pub(crate) tolerance: Tolerance,
    pub(crate) lags: Lags,
}

/// Learns from a record.
pub(crate) fn learn(settings: &Settings, record: &Record) -> Learned {
    let mut gaps = CommitGaps::new(Role::Primary, settings.interval);
    follow(record, |step| match step {
        RecordStep::Broken => gaps.restart(),
        RecordStep::Moved(moves) => gaps.follow(moves),
        RecordStep::Lags(at, lags, _) => gaps.add(at, lags),
    });
    let mut margins = Margins {
        commit_gap: gaps.longest(),
        remembered_gap: settings.remembered.commit_gap,
        typical_gap: gaps.typical(),
        scale: WIDEST_SCALE,
        normal_lag: Constant::NormalLag.value(),
        learned: false,
        warm_up: warm_up(record, settings.interval).max(settings.remembered.warm_up.unwrap_or(0)),
    };
    let mut builder = MarginsBuilder::new(&margins, settings.interval);
    let lags = follow(record, |step| match step {
        RecordStep::Broken => builder.restart(),
        RecordStep::Moved(moves) => builder.follow(moves),
        RecordStep::Lags(at, lags, roster) => builder.add(at, lags, roster),
    });
    builder.set_margins(&mut margins);
    let tolerance = builder.tolerance(&margins);
    Learned { margins, capacity: builder.capacity, tolerance, lags }
}

/// One step along a record.
enum RecordStep<'a> {
    /// A rebalance.
    Broken,
    /// How the list of partitions changed.
    Moved(&'a Moves),
    /// The lags of one observation, under one assignment.
    Lags(Millis, &'a [PartitionLag], &'a Roster),
}

fn follow(record: &Record, mut take: impl FnMut(RecordStep<'_>)) -> Lags {
    let mut epoch = None;
    Lags::of(record, |past| {
        take(RecordStep::Moved(&past.seen.moves));
        let current = past.group.stable_epoch();
        if current != epoch || current.is_none() {
            take(RecordStep::Broken);
        }
        epoch = current;
        if current.is_some() {
            take(RecordStep::Lags(past.at, &past.seen.lags, past.roster));
        }
    })
}

/// Collects the windows of a record, for margins and tolerance.
struct MarginsBuilder {
    windows: LagWindows,
    blocks: Blocks,
    capacity: Capacity,
    closed: Vec<PastWindow>,
    /// Standing lags of each primary partition.
    lags: BTreeMap<PartitionId, Vec<f64>>,
}

/// A past window, or what broke the row of them, for a second pass when margins are known.
enum PastWindow {
    /// A rebalance.
    Broken,
    Moved(Moves),
    Window(Vec<WindowLag>),
}

impl MarginsBuilder {
    fn new(margins: &Margins, interval: Millis) -> Self {
        Self {
            windows: LagWindows::new(margins.drift_window(interval), interval),
            blocks: blocks(margins, interval),
            capacity: Capacity::default(),
            closed: Vec::new(),
            lags: BTreeMap::new(),
        }
    }

    fn restart(&mut self) {
        self.windows.restart();
        self.blocks.restart();
        self.closed.push(PastWindow::Broken);
    }

    fn follow(&mut self, moves: &Moves) {
        self.windows.follow(moves);
        self.blocks.follow(moves);
        if let Moves::Changed(_) = moves {
            self.closed.push(PastWindow::Moved(moves.clone()));
        }
    }

    fn add(&mut self, at: Millis, lags: &[PartitionLag], roster: &Roster) {
        if let Some(block) = self.blocks.add(at, lags) {
            self.capacity.add(&block, roster);
        }
        let Some(window) = self.windows.add(at, lags) else { return };
        for standing in window.iter().filter(|one| one.consumer.role == Role::Primary) {
            self.lags.entry(roster.id(standing.position)).or_default().push(standing.lag);
        }
        self.closed.push(PastWindow::Window(window));
    }

    /// Sets the normal lag and the scale of drifts, by the primary's windows.
    fn set_margins(&mut self, margins: &mut Margins) {
        let normal = |lags: &mut Vec<f64>| quantile(lags, NORMAL_QUANTILE);
        let largest = self.lags.values_mut().filter_map(normal).fold(0.0, f64::max);
        margins.normal_lag =
            Constant::NormalLag.value().max(Constant::NormalFactor.value() * largest);
        let mut drifts = Vec::new();
        for window in self.closed.iter().filter_map(PastWindow::window) {
            let reference = reference(window).unwrap_or(0.0);
            let primary = window.iter().filter(|one| one.consumer.role == Role::Primary);
            drifts.extend(primary.filter_map(|one| one.drift).map(|drift| drift - reference));
        }
        if drifts.len() >= ENOUGH_DRIFTS {
            margins.scale = deviation(&mut drifts).clamp(FINEST_SCALE, WIDEST_SCALE);
            margins.learned = true;
        }
    }

    fn tolerance(&self, margins: &Margins) -> Tolerance {
        let mut tolerance = Tolerance::new(Constant::LeastDrift.value());
        for closed in &self.closed {
            match closed {
                PastWindow::Broken => tolerance.restart(),
                PastWindow::Moved(moves) => tolerance.follow(moves),
                PastWindow::Window(window) => {
                    let reference = reference(window).unwrap_or(0.0);
                    tolerance.add(window, reference, margins.normal_lag);
                }
            }
        }
        tolerance.restart();
        tolerance
    }
}

impl PastWindow {
    fn window(&self) -> Option<&[WindowLag]> {
        match self {
            Self::Window(window) => Some(window),
            Self::Broken | Self::Moved(_) => None,
        }
    }
}

/// A standard deviation that outliers don't move: 1.4826 × the median distance from the median.
fn deviation(values: &mut [f64]) -> f64 {
    let center = median(values).unwrap_or(0.0);
    let mut distances: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    1.4826 * median(&mut distances).unwrap_or(0.0)
}
