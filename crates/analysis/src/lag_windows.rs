//! Standing lag: the least time lag of each partition over consecutive, disjoint windows.
//! The sawtooth of commits vanishes in the minimum (RFC 8289 does the same to queues); no betting here.

use crate::PartitionId;
use crate::by_partition::{ByPartition, Walk};
use crate::lags::PartitionLag;
use crate::observation::{Millis, Role};
use crate::reading::Consumer;
use crate::units::{count, median, seconds};

/// Cuts the lags of one assignment into windows.
#[derive(Clone, Debug)]
pub(crate) struct LagWindows {
    length: Millis,
    interval: Millis,
    open: Option<Open>,
    before: Option<Open>,
}

/// What one window says of one partition.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) id: PartitionId,
    pub(crate) consumer: Consumer,
    /// The standing lag in seconds.
    pub(crate) lag: f64,
    /// Its growth since the window before, in seconds per second; `None` without one.
    pub(crate) drift: Option<f64>,
    /// The standing lag of the window before.
    pub(crate) lag_before: f64,
    /// Length of the window.
    pub(crate) span: Millis,
    /// Messages that arrived in it.
    pub(crate) arrived: i64,
    /// Messages committed per second.
    pub(crate) rate: f64,
}

#[derive(Clone, Debug)]
struct Open {
    /// Fixed when the window begins.
    length: Millis,
    start: Millis,
    latest: Millis,
    lows: ByPartition<Low>,
}

#[derive(Clone, Debug)]
struct Low {
    consumer: Consumer,
    /// `None`: some sample was not usable, so the minimum isn't known.
    lag: Option<f64>,
    first: (i64, i64),
    last: (i64, i64),
}

impl LagWindows {
    /// Windows of `length`, a multiple of the polling `interval`.
    pub(crate) fn new(length: Millis, interval: Millis) -> Self {
        Self { length, interval, open: None, before: None }
    }

    pub(crate) fn length(&self) -> Millis {
        self.length
    }

    /// Takes effect with the next window.
    pub(crate) fn set_length(&mut self, length: Millis) {
        self.length = length;
    }

    /// Forgets what is open: a rebalance, or silence. No growth is told across it.
    pub(crate) fn restart(&mut self) {
        self.open = None;
        self.before = None;
    }

    /// Adds the lags of one moment. Answers if they complete a window: for each partition that
    /// had one owner and usable offsets throughout, sorted.
    pub(crate) fn add(&mut self, at: Millis, lags: &[PartitionLag]) -> Option<Vec<Standing>> {
        // One missed poll is bridged. After more, the minimum would rest on too few samples.
        let patience = self.interval.saturating_mul(5) / 2;
        if self.open.as_ref().is_some_and(|open| at.saturating_sub(open.latest) > patience) {
            self.restart();
        }
        let Some(open) = &mut self.open else {
            self.open = Some(Open::new(self.length, at, lags));
            return None;
        };
        // Half a poll of tolerance: jitter must not make every window one poll longer.
        if at.saturating_sub(open.start) < open.length - self.interval / 2 {
            open.add(at, lags);
            return None;
        }
        open.finish(lags);
        let closed = std::mem::replace(open, Open::new(self.length, at, lags));
        let standings = closed.standings(at, self.before.as_ref());
        self.before = Some(closed);
        Some(standings)
    }
}

impl Open {
    fn new(length: Millis, at: Millis, lags: &[PartitionLag]) -> Self {
        let mut lows = Vec::with_capacity(lags.len());
        lows.extend(lags.iter().filter_map(|lag| Some((lag.id.clone(), Low::new(lag)?))));
        Self { length, start: at, latest: at, lows: ByPartition::sorted(lows) }
    }

    fn add(&mut self, at: Millis, lags: &[PartitionLag]) {
        self.latest = at;
        for (low, lag) in self.matching(lags) {
            low.lag = match (low.lag, lag.and_then(PartitionLag::comparable)) {
                (Some(least), Some(now)) => Some(least.min(now)),
                (None, _) | (_, None) => None,
            };
            low.count(lag);
        }
    }

    /// The next window's first sample also ends the counts of this one.
    fn finish(&mut self, lags: &[PartitionLag]) {
        for (low, lag) in self.matching(lags) {
            low.count(lag);
        }
    }

    /// Every partition of the window with its lag now, if it still has the same owner.
    fn matching<'a>(
        &'a mut self,
        lags: &'a [PartitionLag],
    ) -> impl Iterator<Item = (&'a mut Low, Option<&'a PartitionLag>)> {
        let mut walk = Walk::new(lags, |lag: &PartitionLag| &lag.id);
        self.lows.iter_mut().map(move |(id, low)| {
            let same = walk.find(id).filter(|lag| lag.consumer.is(&low.consumer));
            (low, same)
        })
    }

    fn standings(&self, end: Millis, before: Option<&Self>) -> Vec<Standing> {
        let span = end.saturating_sub(self.start).max(1);
        let mut walk = before.map(|before| before.lows.walk());
        let standing = |(id, low): &(PartitionId, Low)| {
            let lag = low.lag?;
            let earlier = walk
                .as_mut()
                .and_then(|walk| walk.find(id))
                .map(|(_, earlier)| earlier)
                .filter(|earlier| earlier.consumer.is_unchanged(&low.consumer))
                .and_then(|earlier| earlier.lag);
            let since = before.map_or(0, |before| self.start.saturating_sub(before.start));
            let drift =
                earlier.filter(|_| since > 0).map(|earlier| (lag - earlier) / seconds(since));
            Some(Standing {
                id: id.clone(),
                consumer: low.consumer.clone(),
                lag,
                drift,
                lag_before: earlier.unwrap_or(lag),
                span,
                arrived: low.last.1.saturating_sub(low.first.1).max(0),
                rate: count(low.last.0.saturating_sub(low.first.0).max(0)) / seconds(span),
            })
        };
        let mut standings = Vec::with_capacity(self.lows.iter().len());
        standings.extend(self.lows.iter().filter_map(standing));
        standings
    }
}

impl Low {
    fn new(lag: &PartitionLag) -> Option<Self> {
        let offsets = (lag.committed?, lag.log_end?);
        Some(Self {
            consumer: lag.consumer.clone(),
            lag: lag.comparable(),
            first: offsets,
            last: offsets,
        })
    }

    /// Moves the counts on; a partition that changed hands or lost its offsets is not usable.
    fn count(&mut self, lag: Option<&PartitionLag>) {
        match lag.and_then(|lag| Some((lag.committed?, lag.log_end?))) {
            Some(offsets) => self.last = offsets,
            None => self.lag = None,
        }
    }
}

/// The primary's own drift in a window, never below 0: its median over busy partitions. With
/// fewer than three of them the largest, which can only spare the canary. `None`: none.
pub(crate) fn reference(standings: &[Standing]) -> Option<f64> {
    let mut drifts: Vec<f64> = standings
        .iter()
        .filter(|one| one.consumer.role == Role::Primary && !is_idle(one))
        .filter_map(|one| one.drift)
        .collect();
    let middle = if drifts.len() < 3 {
        drifts.iter().copied().reduce(f64::max)
    } else {
        median(&mut drifts)
    };
    middle.map(|drift| drift.max(0.0))
}

/// Whether nothing arrived and nothing waited: no evidence.
pub(crate) fn is_idle(standing: &Standing) -> bool {
    standing.arrived == 0 && standing.lag <= 0.0 && standing.lag_before <= 0.0
}
