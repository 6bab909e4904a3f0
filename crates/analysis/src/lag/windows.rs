//! Standing lag: the least time lag of each partition over consecutive, disjoint windows.
//! The sawtooth of commits vanishes in the minimum (RFC 8289 does the same to queues); no betting here.

use crate::lag::column::{Column, Moves, Partitions, Position};
use crate::lag::partitions::{PartitionLag, Since};
use crate::lag::roster::Consumer;
use crate::lag::schedule::{Poll, Schedule};
use crate::numbers::{Millis, median, seconds, short};
use crate::observation::Role;

/// Stands for a lag that isn't known: some sample was not usable.
const UNKNOWN: f32 = f32::NAN;

/// Cuts the lags of a list of partitions into windows.
///
/// Lags are kept to seven digits, 2 µs at 30 s: offsets are sampled far more coarsely.
#[derive(Clone, Debug)]
pub(crate) struct LagWindows {
    schedule: Schedule,
    /// The least lag in the open window.
    lows: Column<f32>,
    /// The least lag in the window before, under the same owner and as warm.
    before: Column<f32>,
    counts: Column<MessageCounts>,
    /// Whether the owner was warm when the window began.
    warm: Column<bool>,
}

/// What one window says of one partition of a list.
#[derive(Clone, Debug)]
pub(crate) struct WindowLag<L = Partitions> {
    pub(crate) position: Position<L>,
    /// Its owner, as warm as at the begin of the window.
    pub(crate) consumer: Consumer,
    /// The standing lag in seconds.
    pub(crate) lag: f64,
    /// Its growth since the window before, in seconds per second; `None` without one.
    pub(crate) drift: Option<f64>,
    /// The standing lag of the window before.
    pub(crate) lag_before: f64,
    /// Length of the window.
    pub(crate) span: Millis,
    /// What came and went in it.
    pub(crate) counts: MessageCounts,
}

/// How many messages arrived and were committed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MessageCounts {
    pub(crate) arrived: u32,
    pub(crate) committed: u32,
}

impl MessageCounts {
    /// Adds what happened since the poll before.
    fn add(&mut self, since: Since) {
        self.arrived = self.arrived.saturating_add(since.arrived);
        self.committed = self.committed.saturating_add(since.committed);
    }
}

impl LagWindows {
    /// Windows of `length`, a multiple of the polling `interval`.
    pub(crate) fn new(length: Millis, interval: Millis) -> Self {
        Self {
            schedule: Schedule::new(length, interval),
            lows: Column::default(),
            before: Column::default(),
            counts: Column::default(),
            warm: Column::default(),
        }
    }

    pub(crate) fn length(&self) -> Millis {
        self.schedule.length()
    }

    /// Takes effect with the next window.
    pub(crate) fn set_length(&mut self, length: Millis) {
        self.schedule.set_length(length);
    }

    /// Forgets what is open: a rebalance, or silence. No growth is told across it.
    pub(crate) fn restart(&mut self) {
        self.schedule.restart();
    }

    /// The list of partitions changed. A new one is in no window until the next begins.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        self.lows.follow(moves, UNKNOWN);
        self.before.follow(moves, UNKNOWN);
        self.counts.follow(moves, MessageCounts::default());
        self.warm.follow(moves, false);
    }

    /// Adds the lags of one moment, of the whole list. Answers if they complete a window: for each
    /// partition that had one owner and usable offsets throughout, in order.
    pub(crate) fn add<L>(
        &mut self,
        at: Millis,
        lags: &[PartitionLag],
    ) -> Option<Vec<WindowLag<L>>> {
        match self.schedule.push(at) {
            Poll::Begins => self.begin(lags),
            Poll::GoesOn => self.go_on(lags),
            Poll::Ends { span, since } => return Some(self.end(lags, span, since)),
        }
        None
    }

    fn begin(&mut self, lags: &[PartitionLag]) {
        for (place, lag) in lags.iter().enumerate() {
            self.before[place] = UNKNOWN;
            self.open(place, lag);
        }
    }

    fn go_on(&mut self, lags: &[PartitionLag]) {
        let columns = self.lows.iter_mut().zip(self.counts.iter_mut());
        for ((low, counts), lag) in columns.zip(lags) {
            counts.add(lag.since);
            *low = match lag.comparable() {
                Some(now) if lag.has_same_owner() && !low.is_nan() => low.min(short(now)),
                Some(_) | None => UNKNOWN,
            };
        }
    }

    /// The next window's first sample also ends the counts of this one.
    fn end<L>(
        &mut self,
        lags: &[PartitionLag],
        span: Millis,
        since: Option<Millis>,
    ) -> Vec<WindowLag<L>> {
        let mut standings = Vec::with_capacity(lags.len());
        for (place, lag) in lags.iter().enumerate() {
            self.counts[place].add(lag.since);
            let (low, warm) = (self.lows[place], self.warm[place]);
            let known =
                lag.consumer.filter(|_| lag.has_same_owner() && lag.has_offsets() && !low.is_nan());
            if let Some(consumer) = known {
                let earlier = Some(self.before[place]).filter(|before| !before.is_nan());
                let earlier = earlier.filter(|_| since.is_some()).map(f64::from);
                let lag = f64::from(low);
                let since = since.filter(|since| *since > 0);
                let drift =
                    earlier.zip(since).map(|(before, since)| (lag - before) / seconds(since));
                let consumer = Consumer { warm, ..consumer };
                let (lag_before, counts) = (earlier.unwrap_or(lag), self.counts[place]);
                let position = Position::at(place);
                standings.push(WindowLag {
                    position,
                    consumer,
                    lag,
                    drift,
                    lag_before,
                    span,
                    counts,
                });
            }
            let unchanged = known.is_some_and(|consumer| consumer.warm == warm);
            self.before[place] = if unchanged { low } else { UNKNOWN };
            self.open(place, lag);
        }
        standings
    }

    fn open(&mut self, place: usize, lag: &PartitionLag) {
        let lag_now = lag.comparable().filter(|_| lag.consumer.is_some());
        self.lows[place] = lag_now.map_or(UNKNOWN, short);
        self.counts[place] = MessageCounts::default();
        self.warm[place] = lag.consumer.is_some_and(|consumer| consumer.warm);
    }
}

impl<L> WindowLag<L> {
    /// Whether nothing arrived and nothing waited: no evidence.
    pub(crate) fn is_idle(&self) -> bool {
        self.counts.arrived == 0 && self.lag <= 0.0 && self.lag_before <= 0.0
    }

    /// Messages committed per second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.counts.committed) / seconds(self.span)
    }
}

/// Since when the lag has grown of which a window that ends now tells: least lags are compared, and
/// where lag grows the least is at the begin of each window.
pub(crate) fn growing_since(at: Millis, length: Millis) -> Millis {
    at.saturating_sub(length.saturating_mul(2))
}

/// The primary's own drift in a window, never below 0: its median over busy partitions. With
/// fewer than three of them the largest, which can only spare the canary. `None`: none.
pub(crate) fn reference(standings: &[WindowLag]) -> Option<f64> {
    let mut drifts: Vec<f64> = standings
        .iter()
        .filter(|one| one.consumer.role == Role::Primary && !one.is_idle())
        .filter_map(|one| one.drift)
        .collect();
    let middle = if drifts.len() < 3 {
        drifts.iter().copied().reduce(f64::max)
    } else {
        median(&mut drifts)
    };
    middle.map(|drift| drift.max(0.0))
}
