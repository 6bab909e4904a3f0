//! The hand-over guard: a canary that goes far back in what others had committed, and does it again.
//! Offsets alone tell; deterministic and outside the error budget. It compares no speeds.

use std::collections::BTreeMap;

use crate::lag::column::{Column, Moves, Place, Rank, follow_some};
use crate::lag::group::{Group, GroupSnapshot};
use crate::lag::partitions::{LagSnapshot, Lags, PartitionLag};
use crate::numbers::Millis;
use crate::observation::record::Record;
use crate::observation::{GroupObservation, GroupState, Role};

/// A fall up to here is no rewind: commits that came out of order, a batch that is redone.
const LEAST_RECORDS: i64 = 1_000;
/// A fall of as many records as arrive in this time is no rewind, either. Two bytes hold it.
const STRETCH_MS: u16 = 60_000;

/// Watches the canary's partitions for commits far below what had been committed before. In steady
/// state it keeps nothing of the primary's.
#[derive(Clone, Debug, Default)]
pub(crate) struct RewindGuard {
    /// Primary pods go back, too: then that is how the application works.
    pub(crate) usual: bool,
    /// Epoch of the latest observation; `None`: it was not Stable.
    epoch: Option<u64>,
    /// When the canary's partitions were last looked at.
    latest: Millis,
    /// All partitions as they were before the rebalance under way, by their places.
    before: BTreeMap<Place, Offsets>,
    /// The canary's partitions, by their rank among them. `None`: its offsets were never known.
    tracks: Column<Option<Track>>,
    /// Canary partitions below their furthest commit, by rank: few, at any time.
    falls: BTreeMap<Rank, Fall>,
}

#[derive(Clone, Copy, Debug)]
struct Offsets {
    at: Millis,
    committed: i64,
    log_end: i64,
}

#[derive(Clone, Copy, Debug)]
struct Track {
    /// The furthest commit of anyone.
    furthest: i64,
    /// The log end that was known last.
    log_end: i64,
    /// Records that arrived in the stretch under way.
    arrived: u32,
    /// Most records that arrived in one.
    most: u32,
    /// Milliseconds of the stretch under way, as far as two bytes go.
    elapsed: u16,
    /// Whether one is over yet.
    measured: bool,
}

/// A partition below its furthest commit.
#[derive(Clone, Copy, Debug, Default)]
struct Fall {
    /// By so many records.
    below: i64,
    /// The largest such distance since it was beyond [`LEAST_RECORDS`].
    largest: i64,
    /// Whether the canary has committed since then.
    again: bool,
}

impl RewindGuard {
    /// Learns from a record whether going back is usual, and how far everyone was. Places are those
    /// that [`Lags`] has after the same record.
    pub(crate) fn learn(record: &Record) -> Self {
        let mut guard = Self::default();
        let mut before: Vec<PartitionLag> = Vec::new();
        Lags::of(record, |past| {
            guard.usual |= fall(&before, &past.seen) > LEAST_RECORDS;
            guard.follow(&past.seen.moves);
            before = past.seen.lags;
            match past.group.state {
                GroupState::Empty => guard.before.clear(),
                GroupState::Rebalancing => {}
                GroupState::Stable => {
                    let known = |lag| Offsets::of(past.at, lag);
                    let all = before.iter().enumerate();
                    guard.before = all
                        .filter_map(|(place, lag)| Some((Place::at(place), known(lag)?)))
                        .collect();
                }
            }
        });
        guard
    }

    /// The guard after the clock was set: what was seen has no time any more.
    pub(crate) fn forget_times(&self) -> Self {
        Self { usual: self.usual, ..Self::default() }
    }

    /// The group is about to be looked at; `lags` still show it as it was.
    pub(crate) fn begin(&mut self, group: &GroupObservation, lags: &Lags) {
        let now = group.stable_epoch();
        if self.epoch.is_some() && self.epoch != now {
            self.keep(lags);
        }
        self.epoch = now;
        match group.state {
            // Offsets of a group without members may be set by anyone.
            GroupState::Empty => *self = self.forget_times(),
            GroupState::Rebalancing | GroupState::Stable => {}
        }
    }

    /// The list of partitions changed.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        follow_some(&mut self.before, moves);
    }

    /// The list of the canary's partitions changed.
    pub(crate) fn follow_ranks(&mut self, moves: &Moves) {
        self.tracks.follow(moves, None);
        follow_some(&mut self.falls, moves);
    }

    /// Takes what an observation says of a stable group.
    pub(crate) fn observe(&mut self, group: &Group, seen: &GroupSnapshot<'_>) {
        let (at, lags, members) = (seen.at, &seen.lags.lags, seen.group.members);
        // Who is not ours may do what it likes with what nobody of ours has.
        let strangers = members.external > 0 || members.unattributed > 0;
        let step = short(at.saturating_sub(std::mem::replace(&mut self.latest, at)));
        let mut fell = false;
        for (rank, place) in group.ranked() {
            if let Some(track) = &mut self.tracks[rank.index()] {
                track.elapsed = track.elapsed.saturating_add(step);
            }
            if let Some(now) = Offsets::of(at, &lags[place.index()]) {
                fell |= self.look(rank, self.before.get(&place).copied(), now);
            }
        }
        // An offset that the broker lost is lost to everyone, and so is a topic made anew.
        let is_common = |lag: &PartitionLag| lag.role() == Some(Role::Primary) && lag.since.fell;
        if fell && lags.iter().any(is_common) {
            self.forgive();
        }
        // A cooperative rebalance takes a partition from one owner before the next one has it.
        self.before.retain(|place, _| !strangers && lags[place.index()].consumer.is_none());
    }

    /// The canary's largest rewind under way: the rank of the partition, and records.
    pub(crate) fn rewound(&self) -> Option<(Rank, i64)> {
        // A single low commit may be one that came late, or a broker that forgot: the next one
        // tells.
        let falls = self.falls.iter().filter(|(_, fall)| fall.again && !self.usual);
        let rewinds = falls.filter(|(rank, fall)| {
            let track = self.tracks[rank.index()].filter(|track| track.measured);
            track.is_some_and(|track| fall.below > i64::from(track.most).max(LEAST_RECORDS))
        });
        let largest = rewinds.max_by(|a, b| (a.1.largest, b.0).cmp(&(b.1.largest, a.0)));
        largest.map(|(rank, fall)| (*rank, fall.largest))
    }

    /// Keeps how far everyone was, beside what is known of partitions that nobody had lately.
    fn keep(&mut self, lags: &Lags) {
        let earlier = std::mem::take(&mut self.before);
        let known = |place| match lags.roster.role(place) {
            Some(_) => {
                let (committed, log_end) = lags.offsets(place)?;
                Some(Offsets { at: self.latest, committed, log_end })
            }
            None => earlier.get(&place).copied(),
        };
        let all = (0..lags.roster.len()).map(Place::at);
        self.before = all.filter_map(|place| Some((place, known(place)?))).collect();
    }

    /// Looks at a partition of which both offsets are known; `start`: where it was before the
    /// rebalance. Answers whether a fall was first seen.
    fn look(&mut self, rank: Rank, start: Option<Offsets>, now: Offsets) -> bool {
        let start = start.unwrap_or(now);
        let track = self.tracks[rank.index()].get_or_insert_with(|| Track::new(start, now.at));
        // Made anew, or a commit that overtook the log end on its way to us: nothing to go by.
        if now.log_end < track.log_end || now.committed > now.log_end {
            *track = Track::new(now, now.at);
            self.falls.remove(&rank);
            return false;
        }
        track.arrive(now.log_end);
        let before = self.falls.remove(&rank).unwrap_or_default();
        let moved = now.committed != track.furthest.saturating_sub(before.below);
        track.furthest = track.furthest.max(now.committed);
        let below = track.furthest.saturating_sub(now.committed);
        if below == 0 {
            return false;
        }
        let (was_far, is_far) = (before.below > LEAST_RECORDS, below > LEAST_RECORDS);
        let fall = if was_far && is_far {
            Fall { below, largest: before.largest.max(below), again: before.again || moved }
        } else {
            Fall { below, largest: below, again: false }
        };
        self.falls.insert(rank, fall);
        is_far && !was_far
    }

    /// Goes on from where everyone is.
    fn forgive(&mut self) {
        for (rank, fall) in std::mem::take(&mut self.falls) {
            if let Some(track) = &mut self.tracks[rank.index()] {
                track.furthest = track.furthest.saturating_sub(fall.below);
            }
        }
    }
}

impl Offsets {
    fn of(at: Millis, lag: &PartitionLag) -> Option<Self> {
        Some(Self { at, committed: lag.committed?, log_end: lag.log_end? })
    }
}

impl Track {
    fn new(start: Offsets, now: Millis) -> Self {
        Self {
            furthest: start.committed,
            log_end: start.log_end,
            arrived: 0,
            most: 0,
            elapsed: short(now.saturating_sub(start.at)),
            measured: false,
        }
    }

    /// The log goes on to `end`.
    fn arrive(&mut self, end: i64) {
        let more = end.saturating_sub(std::mem::replace(&mut self.log_end, end));
        self.arrived = self.arrived.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        if self.elapsed >= STRETCH_MS {
            self.most = self.most.max(self.arrived);
            (self.arrived, self.elapsed, self.measured) = (0, 0, true);
        }
    }
}

/// The largest fall of commits on partitions that were the primary's in both observations.
fn fall(before: &[PartitionLag], now: &LagSnapshot) -> i64 {
    let is_primary = |lag: &&PartitionLag| lag.role() == Some(Role::Primary);
    let fell = |(place, lag): (usize, &PartitionLag)| {
        let lag = Some(lag).filter(is_primary)?;
        let earlier = before.get(now.moves.before(place)?).filter(is_primary)?;
        // Where a topic is made anew everyone starts at 0.
        (earlier.log_end? <= lag.log_end?).then_some(())?;
        Some(earlier.committed?.saturating_sub(lag.committed?))
    };
    now.lags.iter().enumerate().filter_map(fell).max().unwrap_or(0)
}

/// A span of time as far as two bytes go.
fn short(span: Millis) -> u16 {
    u16::try_from(span.max(0)).unwrap_or(u16::MAX)
}
