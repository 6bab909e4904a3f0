//! How long consumers take from one commit to the next while messages wait.
//! The longest such gap sets how long a window must be and when silence is a stall.

use std::collections::BTreeMap;

use crate::lag::column::{Column, Moves};
use crate::lag::partitions::{PartitionLag, is_work};
use crate::numbers::Millis;
use crate::observation::Role;

/// The part of all gaps that the typical one covers.
const TYPICAL_QUANTILE: f64 = 0.9;

/// Measures commit gaps of the partitions of one role, in whole polls.
#[derive(Clone, Debug)]
pub(crate) struct CommitGaps {
    role: Role,
    interval: Millis,
    /// How many gaps took how many polls.
    polls: BTreeMap<i64, u32>,
    /// When lags were last taken.
    latest: Millis,
    /// `None`: not of that role, or unknown.
    clocks: Column<Option<Clock>>,
}

#[derive(Clone, Copy, Debug)]
struct Clock {
    committed: i64,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    /// Nothing waits, or what may be a marker.
    Idle,
    /// Messages have been waiting, uncommitted, since a moment that was seen.
    Since(Millis),
    /// They wait, but since when was not seen.
    Unseen,
}

impl CommitGaps {
    pub(crate) fn new(role: Role, interval: Millis) -> Self {
        Self { role, interval, polls: BTreeMap::new(), latest: 0, clocks: Column::default() }
    }

    /// The longest full gap; `None`: none was seen from its beginning to its end.
    pub(crate) fn longest(&self) -> Option<Millis> {
        self.polls.keys().next_back().map(|polls| polls.saturating_mul(self.interval))
    }

    /// The gap that nine of ten don't exceed: the pace, without the hiccups.
    pub(crate) fn typical(&self) -> Option<Millis> {
        let all: f64 = self.polls.values().copied().map(f64::from).sum();
        let mut seen = 0.0;
        let reaches = |(polls, times): (&i64, &u32)| {
            seen += f64::from(*times);
            (seen >= TYPICAL_QUANTILE * all).then_some(polls.saturating_mul(self.interval))
        };
        self.polls.iter().find_map(reaches)
    }

    /// Forgets gaps that are under way: a rebalance, or silence, is not the consumer's pace.
    pub(crate) fn restart(&mut self) {
        self.clocks.fill(None);
    }

    /// The list of partitions changed.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        self.clocks.follow(moves, None);
    }

    /// Takes the lags of one moment, of the whole list.
    pub(crate) fn add(&mut self, at: Millis, lags: &[PartitionLag]) {
        let before = std::mem::replace(&mut self.latest, at);
        for (clock, lag) in self.clocks.iter_mut().zip(lags) {
            // A cold consumer's first commits are no pace.
            let ours = lag.consumer.is_some_and(|it| it.role == self.role && it.warm);
            let offsets = lag.committed.zip(lag.log_end).filter(|_| ours);
            let Some((committed, end)) = offsets else {
                *clock = None;
                continue;
            };
            let same = clock.filter(|_| !lag.other_owner);
            let waits = is_work(end.saturating_sub(committed));
            let work = match same {
                None if waits => Work::Unseen,
                Some(clock) if waits && clock.committed == committed => clock.work.go_on(at),
                Some(clock) if clock.committed != committed => {
                    if let Some(gap) = clock.gap(before, at) {
                        let polls = gap.saturating_add(self.interval / 2) / self.interval;
                        let times = self.polls.entry(polls.max(1)).or_default();
                        *times = times.saturating_add(1);
                    }
                    if waits { Work::Since(at) } else { Work::Idle }
                }
                None | Some(_) => Work::Idle,
            };
            *clock = Some(Clock { committed, work });
        }
    }
}

impl Clock {
    /// The gap that a commit seen at `at` ends. Work that came and went since the poll `before`
    /// took at most that long.
    fn gap(self, before: Millis, at: Millis) -> Option<Millis> {
        match self.work {
            Work::Idle => Some(at.saturating_sub(before)),
            Work::Since(begin) => Some(at.saturating_sub(begin)),
            Work::Unseen => None,
        }
    }
}

impl Work {
    /// What the work is a poll later, with messages waiting and nothing committed.
    fn go_on(self, at: Millis) -> Self {
        match self {
            Self::Idle => Self::Since(at),
            Self::Since(begin) => Self::Since(begin),
            Self::Unseen => Self::Unseen,
        }
    }
}
