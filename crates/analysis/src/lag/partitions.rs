//! The lag of every owned partition, observation by observation, with the data rules applied.
//! What a rule forbids to use is an unknown lag here; nothing is compared yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lag::column::{Column, Moves, Place, follow_some};
use crate::lag::log_ends::{Arrival, LogEnds};
use crate::lag::roster::{Consumer, Roster};
use crate::lag::time_lag::TimeLag;
use crate::numbers::{Millis, tally};
use crate::observation::offset::offset;
use crate::observation::record::Record;
use crate::observation::{
    GroupObservation, GroupState, Observation, Owner, PartitionObservation, Role,
};

/// Waiting messages from which some of them must be real.
const MORE_THAN_A_MARKER: i64 = 2;

/// Whether what waits is work for sure: a single message may be the marker that ends a transaction,
/// which no consumer reads, and a consumer that reads uncommitted records commits before it is
/// written. One rule for silence, for being behind, and for gaps between commits.
pub(crate) const fn is_work(waiting: i64) -> bool {
    MORE_THAN_A_MARKER <= waiting
}

/// Stands for an offset that was never known; none is negative.
const UNKNOWN: i64 = -1;

/// Follows the offsets of all partitions of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lags {
    pub(crate) roster: Roster,
    ends: LogEnds,
    /// The offset that was known last.
    committed: Column<i64>,
    /// Partitions whose committed offset lies outside the log: few, at any time.
    outside: BTreeMap<Place, Outside>,
    pub(crate) oddities: Oddities,
}

/// A group at one moment.
pub(crate) struct LagSnapshot {
    /// How its list of partitions changed.
    pub(crate) moves: Moves,
    /// One for each place of the roster.
    pub(crate) lags: Vec<PartitionLag>,
    /// Partitions that any member owns.
    pub(crate) assigned: u32,
    /// Partitions whose owner could be ours but matches no pod.
    pub(crate) unattributed: u32,
}

/// A group at one moment of a record.
pub(crate) struct PastGroup<'a> {
    pub(crate) at: Millis,
    pub(crate) group: &'a GroupObservation,
    pub(crate) roster: &'a Roster,
    pub(crate) seen: LagSnapshot,
}

/// One partition at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PartitionLag {
    /// The pod that owns it, if it is one of ours.
    pub(crate) consumer: Option<Consumer>,
    /// Whether its owner is another than under the last stable assignment.
    pub(crate) other_owner: bool,
    /// `None`: unknown, or not to be used.
    pub(crate) lag: Option<TimeLag>,
    pub(crate) committed: Option<i64>,
    pub(crate) log_end: Option<i64>,
    /// What changed since its offsets were last known.
    pub(crate) since: Since,
    /// Whether an offset that was known, or the end, is missing this time.
    pub(crate) unanswered: bool,
    /// Whether nothing has arrived for as long as was watched; only told where nobody committed.
    pub(crate) flat: bool,
}

/// What happened to a partition since the observation before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Since {
    /// Messages that arrived.
    pub(crate) arrived: u32,
    /// Messages that were committed.
    pub(crate) committed: u32,
    /// Whether the log grew, or its end became known.
    pub(crate) grew: bool,
    /// Whether the committed offset changed, or became known.
    pub(crate) commit: bool,
    /// Whether it fell.
    pub(crate) fell: bool,
}

/// What was odd in the offsets of the canary's partitions since the trial began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Oddities {
    #[serde(rename = "lost")]
    pub(crate) lost_by_retention: i64,
    #[serde(rename = "fell")]
    pub(crate) commits_fell: u32,
    #[serde(rename = "recreated")]
    pub(crate) topic_recreated: u32,
}

/// A committed offset that lies outside the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outside {
    /// Messages that it lies before the begin.
    lost: i64,
    /// Whether it lay beyond the end.
    beyond_end: bool,
}

impl Lags {
    /// Follows a record from its begin, and shows each moment at which Kafka answered. All pods
    /// count as warm.
    pub(crate) fn of(record: &Record, mut show: impl FnMut(PastGroup<'_>)) -> Self {
        let mut lags = Self::default();
        for past in record.observations() {
            if let Some((group, seen)) = past.group.as_ref().zip(lags.observe(&past, 0)) {
                show(PastGroup { at: past.at, group, roster: &lags.roster, seen });
            }
        }
        lags
    }

    /// Takes an observation; `None`: Kafka gave no answer. Pods are warm from the age `warm_up`.
    pub(crate) fn observe(&mut self, seen: &Observation, warm_up: Millis) -> Option<LagSnapshot> {
        let group = seen.group.as_ref()?;
        let (rows, moves) = self.roster.follow(group);
        self.follow(&moves);
        let all = self.roster.len();
        self.ends.begin(seen.at, all);
        let mut warmth = self.roster.warmth(&seen.pods, seen.at.saturating_sub(warm_up));
        let mut lags = Vec::with_capacity(all);
        let (mut assigned, mut unattributed) = (0, 0);
        let is_stable = group.state == GroupState::Stable;
        for place in (0..all).map(Place::at) {
            let Some(row) = rows.at(place) else {
                self.forget(place);
                lags.push(PartitionLag::default());
                continue;
            };
            assigned += usize::from(row.owner != Owner::Nobody);
            unattributed += usize::from(row.owner == Owner::Unattributed);
            let consumer = self.roster.consumer(place, &row.owner, &mut warmth);
            let other_owner = is_stable && self.roster.seat(place, consumer);
            let (lag, odd) = self.lag(seen.at, place, row);
            if consumer.is_some_and(|consumer| consumer.role == Role::Canary) {
                self.oddities.add(odd);
            }
            lags.push(PartitionLag { consumer, other_owner, ..lag });
        }
        let (assigned, unattributed) = (tally(assigned), tally(unattributed));
        Some(LagSnapshot { moves, lags, assigned, unattributed })
    }

    /// Messages waiting as far as was last known.
    pub(crate) fn waiting(&self, place: Place) -> i64 {
        self.offsets(place).map_or(0, |(committed, end)| (end - committed).max(0))
    }

    /// The committed offset and the log end that were known last.
    pub(crate) fn offsets(&self, place: Place) -> Option<(i64, i64)> {
        let committed = Some(self.committed[place.index()]).filter(|offset| *offset != UNKNOWN)?;
        Some((committed, self.ends.newest(place.index())?))
    }

    fn follow(&mut self, moves: &Moves) {
        self.committed.follow(moves, UNKNOWN);
        self.ends.follow(moves);
        follow_some(&mut self.outside, moves);
    }

    fn forget(&mut self, place: Place) {
        self.ends.forget(place.index());
        self.committed[place.index()] = UNKNOWN;
        self.outside.remove(&place);
    }

    fn lag(
        &mut self,
        at: Millis,
        place: Place,
        row: &PartitionObservation,
    ) -> (PartitionLag, Oddities) {
        let (committed, log_end) = (offset(row.committed), offset(row.log_end));
        let mut odd = Oddities::default();
        let mut lag = PartitionLag { committed, log_end, ..PartitionLag::default() };
        lag.unanswered =
            log_end.is_none() || committed.is_none() && self.committed[place.index()] != UNKNOWN;
        let Some(end) = log_end else { return (lag, odd) };
        match self.ends.put(place.index(), end) {
            Arrival::First => lag.since.grew = true,
            Arrival::More(messages) => {
                lag.since.grew = messages > 0;
                lag.since.arrived = saturated(messages);
            }
            Arrival::Fell => odd.topic_recreated = 1,
        }
        let Some(committed) = committed else {
            lag.flat = self.ends.is_flat(place.index());
            return (lag, odd);
        };
        let before = std::mem::replace(&mut self.committed[place.index()], committed);
        let fell = committed < before;
        if fell {
            odd.commits_fell = 1;
        }
        (lag.since.commit, lag.since.fell) = (committed != before, fell);
        if before != UNKNOWN {
            lag.since.committed = saturated(committed - before);
        }
        let outside = self.outside(place, committed, offset(row.log_start), end);
        odd.lost_by_retention = outside.more_lost;
        if outside.is_recreated {
            odd.topic_recreated = 1;
            self.ends.forget(place.index());
            self.ends.put(place.index(), end);
        }
        let usable = !fell && outside.lost == 0 && committed <= end && odd.topic_recreated == 0;
        // As old as the first record that is work for sure: a marker before it may be older.
        let first = committed.saturating_add(MORE_THAN_A_MARKER - 1).min(end);
        lag.lag = self.ends.lag(place.index(), at, first).filter(|_| usable);
        (lag, odd)
    }

    /// How a committed offset lies to the log, and how it did before.
    fn outside(&mut self, place: Place, committed: i64, start: Option<i64>, end: i64) -> Position {
        let lost = start.map_or(0, |start| start.saturating_sub(committed).max(0));
        if lost == 0 && committed <= end && self.outside.is_empty() {
            return Position::default();
        }
        let before = self.outside.remove(&place).unwrap_or_default();
        // A commit beyond the end can be a race once; twice in a row the topic is another one,
        // and what was sampled of the old one says nothing.
        let is_recreated = before.beyond_end && committed > end;
        let now = Outside { lost, beyond_end: committed > end && !is_recreated };
        if now != Outside::default() {
            self.outside.insert(place, now);
        }
        Position { lost, more_lost: lost.saturating_sub(before.lost).max(0), is_recreated }
    }
}

/// What a committed offset outside the log says.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    /// Messages between it and the begin of the log: lost by retention.
    lost: i64,
    /// Lost messages that were not counted before.
    more_lost: i64,
    /// Whether the topic is another one than before.
    is_recreated: bool,
}

impl PartitionLag {
    /// Messages waiting; 0 while unknown.
    pub(crate) fn waiting(&self) -> i64 {
        let waiting = self.committed.zip(self.log_end).map(|(committed, end)| end - committed);
        waiting.unwrap_or(0).max(0)
    }

    /// Whether work waits for sure; not while an offset is unknown.
    pub(crate) fn has_work(&self) -> bool {
        is_work(self.waiting())
    }

    /// The time lag for comparisons: none without work. `None`: unknown.
    pub(crate) fn comparable(&self) -> Option<f64> {
        let lag = self.lag?;
        if self.has_work() { lag.exact() } else { Some(0.0) }
    }

    /// The part of the time lag that is certain, in seconds; 0 without work.
    pub(crate) fn behind(&self) -> f64 {
        self.lag.filter(|_| self.has_work()).map_or(0.0, TimeLag::lower_bound)
    }

    /// Whether nobody ever committed here and nothing arrives: nothing to judge by.
    pub(crate) fn is_unused(&self) -> bool {
        self.committed.is_none() && self.log_end.is_some() && self.flat
    }

    /// Whether it is owned as under the last stable assignment.
    pub(crate) fn has_same_owner(&self) -> bool {
        self.consumer.is_some() && !self.other_owner
    }

    /// Whether both offsets are known.
    pub(crate) fn has_offsets(&self) -> bool {
        self.committed.is_some() && self.log_end.is_some()
    }

    /// Whether the pod that owns it is warm.
    pub(crate) fn is_warm(&self) -> bool {
        self.consumer.is_some_and(|consumer| consumer.warm)
    }

    /// The role of the pod that owns it.
    pub(crate) fn role(&self) -> Option<Role> {
        self.consumer.map(|consumer| consumer.role)
    }
}

impl Oddities {
    /// How often the canary committed less than before, of its own accord: where a topic was made
    /// anew everyone starts at 0.
    pub(crate) fn rewinds(self) -> u32 {
        self.commits_fell.saturating_sub(self.topic_recreated)
    }

    fn add(&mut self, other: Self) {
        self.lost_by_retention = self.lost_by_retention.saturating_add(other.lost_by_retention);
        self.commits_fell = self.commits_fell.saturating_add(other.commits_fell);
        self.topic_recreated = self.topic_recreated.saturating_add(other.topic_recreated);
    }
}

/// A rise that is counted as far as four bytes go; 0 if it is none.
fn saturated(rise: i64) -> u32 {
    u32::try_from(rise.max(0)).unwrap_or(u32::MAX)
}
