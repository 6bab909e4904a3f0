//! How long consumers take from one commit to the next while messages wait.
//! The longest such gap sets how long a window must be and when silence is a stall.

use std::collections::BTreeMap;

use crate::by_partition::ByPartition;
use crate::lags::PartitionLag;
use crate::observation::{Millis, Role};
use crate::reading::Consumer;

/// The part of all gaps that the typical one covers.
const TYPICAL: f64 = 0.9;

/// Measures commit gaps of the partitions of one role, in whole polls.
#[derive(Clone, Debug)]
pub(crate) struct CommitGaps {
    role: Role,
    interval: Millis,
    /// How many gaps took how many polls.
    polls: BTreeMap<i64, u32>,
    clocks: ByPartition<Clock>,
}

#[derive(Clone, Debug)]
struct Clock {
    consumer: Consumer,
    at: Millis,
    committed: i64,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    /// Nothing waits.
    Idle,
    /// Messages have been waiting, uncommitted, since a moment that was seen.
    Since(Millis),
    /// They wait, but since when was not seen.
    Unseen,
}

impl CommitGaps {
    pub(crate) fn new(role: Role, interval: Millis) -> Self {
        Self { role, interval, polls: BTreeMap::new(), clocks: ByPartition::default() }
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
            (seen >= TYPICAL * all).then_some(polls.saturating_mul(self.interval))
        };
        self.polls.iter().find_map(reaches)
    }

    /// Forgets gaps that are under way: a rebalance, or silence, is not the consumer's pace.
    pub(crate) fn restart(&mut self) {
        self.clocks.clear();
    }

    /// Takes the lags of one moment.
    pub(crate) fn add(&mut self, at: Millis, lags: &[PartitionLag]) {
        // A cold consumer's first commits are no pace.
        let ours = lags.iter().filter(|lag| lag.consumer.role == self.role && lag.consumer.warm);
        let previous = std::mem::take(&mut self.clocks);
        let mut before = previous.walk();
        let mut clocks = Vec::with_capacity(previous.iter().len());
        for lag in ours {
            let (Some(committed), Some(end)) = (lag.committed, lag.log_end) else { continue };
            let same = before.find(&lag.id).map(|row| &row.1);
            let same = same.filter(|clock| clock.consumer.is(&lag.consumer));
            let waits = committed < end;
            let work = match same {
                None if waits => Work::Unseen,
                Some(clock) if waits && clock.committed == committed => clock.work.go_on(at),
                Some(clock) if clock.committed != committed => {
                    if let Some(gap) = clock.gap(at) {
                        let polls = gap.saturating_add(self.interval / 2) / self.interval;
                        let times = self.polls.entry(polls.max(1)).or_default();
                        *times = times.saturating_add(1);
                    }
                    if waits { Work::Since(at) } else { Work::Idle }
                }
                None | Some(_) => Work::Idle,
            };
            let clock = Clock { consumer: lag.consumer.clone(), at, committed, work };
            clocks.push((lag.id.clone(), clock));
        }
        self.clocks = ByPartition::sorted(clocks);
    }
}

impl Clock {
    /// The gap that a commit seen at `at` ends. Work that came and went between two polls took
    /// at most that long.
    fn gap(&self, at: Millis) -> Option<Millis> {
        match self.work {
            Work::Idle => Some(at.saturating_sub(self.at)),
            Work::Since(begin) => Some(at.saturating_sub(begin)),
            Work::Unseen => None,
        }
    }
}

impl Work {
    /// The same work a poll later, messages waiting and nothing committed.
    fn go_on(self, at: Millis) -> Self {
        match self {
            Self::Idle => Self::Since(at),
            Self::Since(begin) => Self::Since(begin),
            Self::Unseen => Self::Unseen,
        }
    }
}
