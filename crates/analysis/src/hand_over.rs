//! The hand-over guard: a canary that goes far back in what others had committed, and does it again.
//! Offsets alone tell; deterministic and outside the error budget. It compares no speeds.

use std::sync::Arc;

use crate::by_partition::{ByPartition, Walk};
use crate::lags::PartitionLag;
use crate::observation::{GroupState, Millis, Role};
use crate::reading::{Reading, Row};
use crate::{Fault, PartitionId, Record};

/// A fall up to here is no rewind: commits that came out of order, a batch that is redone.
const LEAST_RECORDS: i64 = 1_000;
/// Nor is one of as many records as arrive in this time.
const STRETCH: Millis = 60_000;

/// Watches the canary's partitions for commits far below what had been committed before. In steady
/// state it keeps nothing of the primary's.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandOver {
    /// Primary pods go back, too: then that is how the application works.
    pub(crate) usual: bool,
    /// Of the latest observation; `None`: it was not Stable.
    epoch: Option<u64>,
    /// All partitions as they were before the rebalance under way.
    before: Vec<(PartitionId, Position)>,
    /// The canary's partitions. Always some after [`HandOver::take`].
    tracks: ByPartition<Option<Track>>,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    at: Millis,
    committed: i64,
    log_end: i64,
}

#[derive(Clone, Debug)]
struct Track {
    pod: Arc<str>,
    /// The furthest commit of anyone.
    furthest: i64,
    latest: Position,
    /// Begin of the stretch under way, and the log end then.
    stretch: (Millis, i64),
    /// Most records that arrived in one; `None`: none is over yet.
    most: Option<i64>,
    /// Largest distance below the furthest commit, and whether the canary has committed since it
    /// was first seen.
    fell: Option<(i64, bool)>,
}

impl HandOver {
    /// Learns from a record whether going back is usual, and how far everyone was.
    pub(crate) fn learn(record: &Record) -> Self {
        let mut guard = Self::default();
        let mut before: Vec<Row> = Vec::new();
        for reading in record.observations().filter_map(|seen| Reading::of(&seen, 0)) {
            guard.usual |= fall(&before, &reading.rows) > LEAST_RECORDS;
            if reading.state == GroupState::Empty {
                guard.before.clear();
            }
            if reading.is_stable() {
                let known = |row: &Row| Some((row.id.clone(), Position::of(reading.at, row)?));
                guard.before.clear();
                guard.before.extend(reading.rows.iter().filter_map(known));
            }
            before = reading.rows;
        }
        guard
    }

    /// The same after the clock was set: what was seen has no time any more.
    pub(crate) fn forget_times(&self) -> Self {
        Self { usual: self.usual, ..Self::default() }
    }

    /// Takes a reading; `previous` is what the group showed in the reading before.
    pub(crate) fn take(&mut self, reading: &Reading, previous: (Millis, &[PartitionLag])) {
        let now = reading.is_stable().then_some(reading.epoch);
        if self.epoch.is_some() && self.epoch != now {
            self.keep(previous);
        }
        self.epoch = now;
        match reading.state {
            // Offsets of a group without members may be set by anyone.
            GroupState::Empty => *self = self.forget_times(),
            GroupState::Rebalancing => {}
            GroupState::Stable => self.compare(reading, previous.1),
        }
    }

    /// The canary's largest rewind under way.
    pub(crate) fn rewound(&self) -> Option<Fault> {
        let tracks = self.tracks.iter().filter_map(|(id, track)| Some((id, track.as_ref()?)));
        let rewinds = tracks.filter_map(|(id, track)| Some((id, track, track.rewound()?)));
        let (id, track, records) = rewinds.max_by(|a, b| (a.2, b.0).cmp(&(b.2, a.0)))?;
        let (partition, pod) = (id.clone(), track.pod.clone());
        (!self.usual).then_some(Fault::Rewound { partition, pod, records })
    }

    /// Keeps how far everyone was, beside what is known of partitions that nobody had lately.
    fn keep(&mut self, (at, lags): (Millis, &[PartitionLag])) {
        let known = |lag: &PartitionLag| Some((lag.id.clone(), Position::then(at, lag)?));
        let is_new =
            |id: &PartitionId| lags.binary_search_by(|lag: &PartitionLag| lag.id.cmp(id)).is_err();
        self.before.retain(|(id, _)| is_new(id));
        self.before.extend(lags.iter().filter_map(known));
        self.before.sort_by(|a, b| a.0.cmp(&b.0));
    }

    fn compare(&mut self, reading: &Reading, previous: &[PartitionLag]) {
        let canary = || reading.rows.iter().filter(|row| row.role() == Some(Role::Canary));
        let owned: Vec<&PartitionId> = canary().map(|row| &row.id).collect();
        self.tracks.follow(owned.iter().copied(), || None);
        let mut before = Walk::new(&self.before, |entry: &(PartitionId, Position)| &entry.0);
        let mut fell = false;
        for ((id, track), row) in self.tracks.iter_mut().zip(canary()) {
            let (Some(now), Some(consumer)) = (Position::of(reading.at, row), &row.consumer) else {
                continue;
            };
            let start = before.find(id).map(|(_, start)| *start);
            let track =
                track.get_or_insert_with(|| Track::new(&consumer.pod, start.unwrap_or(now)));
            fell |= track.take(&consumer.pod, now);
        }
        // An offset that the broker lost is lost to everyone, and so is a topic made anew.
        if fell && fall_since(previous, &reading.rows) > 0 {
            self.tracks.iter_mut().filter_map(|(_, track)| track.as_mut()).for_each(Track::forgive);
        }
        // A cooperative rebalance takes a partition from one owner before the next one has it.
        // Who is not ours may do what it likes with what it has in between.
        let strangers = reading.members.external > 0 || reading.members.unattributed > 0;
        let is_free = |id: &PartitionId| reading.row(id).is_some_and(|row| row.consumer.is_none());
        self.before.retain(|(id, _)| !strangers && is_free(id));
        self.before.shrink_to_fit();
    }
}

impl Position {
    fn of(at: Millis, row: &Row) -> Option<Self> {
        Some(Self { at, committed: row.committed?, log_end: row.log_end? })
    }

    fn then(at: Millis, lag: &PartitionLag) -> Option<Self> {
        Some(Self { at, committed: lag.committed?, log_end: lag.log_end? })
    }
}

impl Track {
    fn new(pod: &Arc<str>, start: Position) -> Self {
        Self {
            pod: pod.clone(),
            furthest: start.committed,
            latest: start,
            stretch: (start.at, start.log_end),
            most: None,
            fell: None,
        }
    }

    /// The next look; answers whether a fall was first seen in it.
    fn take(&mut self, pod: &Arc<str>, now: Position) -> bool {
        // Made anew, or a commit that overtook the log end on its way to us: nothing to go by.
        if now.log_end < self.latest.log_end || now.committed > now.log_end {
            *self = Self::new(pod, now);
            return false;
        }
        if self.pod != *pod {
            self.pod = pod.clone();
        }
        let (begin, end) = self.stretch;
        if now.at.saturating_sub(begin) >= STRETCH {
            self.most = self.most.max(Some(now.log_end.saturating_sub(end)));
            self.stretch = (now.at, now.log_end);
        }
        let moved = now.committed != self.latest.committed;
        self.latest = now;
        self.furthest = self.furthest.max(now.committed);
        let below = self.furthest.saturating_sub(now.committed);
        let before = self.fell.filter(|_| below > LEAST_RECORDS);
        self.fell = match before {
            Some((largest, again)) => Some((largest.max(below), again || moved)),
            None => (below > LEAST_RECORDS).then_some((below, false)),
        };
        before.is_none() && self.fell.is_some()
    }

    fn forgive(&mut self) {
        self.furthest = self.latest.committed;
        self.fell = None;
    }

    /// How far it went back. A single low commit may be one that came late, or a broker that forgot:
    /// the next one tells.
    fn rewound(&self) -> Option<i64> {
        let (largest, again) = self.fell?;
        let below = self.furthest.saturating_sub(self.latest.committed);
        (again && below > self.most?.max(LEAST_RECORDS)).then_some(largest)
    }
}

/// The largest fall of commits on partitions that were the primary's in both readings.
fn fall(before: &[Row], now: &[Row]) -> i64 {
    let mut walk = Walk::new(before, |row: &Row| &row.id);
    let is_primary = |row: &&Row| row.role() == Some(Role::Primary);
    let fell = |row: &Row| {
        let earlier = walk.find(&row.id).filter(is_primary)?;
        // Where a topic is made anew everyone starts at 0.
        (earlier.log_end? <= row.log_end?).then_some(())?;
        Some(earlier.committed?.saturating_sub(row.committed?))
    };
    now.iter().filter(is_primary).filter_map(fell).max().unwrap_or(0)
}

/// The same, since what the group showed in the reading before.
fn fall_since(before: &[PartitionLag], now: &[Row]) -> i64 {
    let mut walk = Walk::new(before, |lag: &PartitionLag| &lag.id);
    let fell = |row: &Row| {
        let earlier = walk.find(&row.id)?;
        Some(earlier.committed?.saturating_sub(row.committed?))
    };
    let primary = now.iter().filter(|row| row.role() == Some(Role::Primary));
    primary.filter_map(fell).max().unwrap_or(0)
}
