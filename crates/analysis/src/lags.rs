//! The lag of every owned partition, observation by observation, with the data rules applied.
//! What a rule forbids to use is an unknown lag here; nothing is compared yet.

use serde::{Deserialize, Serialize};

use crate::PartitionId;
use crate::by_partition::ByPartition;
use crate::observation::Role;
use crate::reading::{Consumer, Reading, Row};
use crate::time_lag::{LogEnds, TimeLag};

/// Waiting messages from which some of them must be real.
pub(crate) const MORE_THAN_A_MARKER: i64 = 2;

/// Follows the offsets of all partitions of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lags {
    tracks: ByPartition<Track>,
    pub(crate) oddities: Oddities,
}

/// One owned partition at one moment.
#[derive(Clone, Debug)]
pub(crate) struct PartitionLag {
    pub(crate) id: PartitionId,
    pub(crate) consumer: Consumer,
    /// `None`: unknown, or not to be used.
    pub(crate) lag: Option<TimeLag>,
    pub(crate) committed: Option<i64>,
    pub(crate) log_end: Option<i64>,
    /// Whether nothing has arrived for as long as was watched.
    pub(crate) flat: bool,
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

#[derive(Clone, Debug, Default)]
struct Track {
    ends: LogEnds,
    committed: Option<i64>,
    lost: i64,
    beyond_end: bool,
}

impl Lags {
    /// Takes a reading; answers for the partitions that a pod of ours owns, sorted. `spare` is an
    /// earlier answer that nobody needs any more: its memory and its names are used again.
    pub(crate) fn take(
        &mut self,
        reading: &Reading,
        spare: Vec<PartitionLag>,
    ) -> Vec<PartitionLag> {
        self.tracks.follow(reading.rows.iter().map(|row| &row.id), Track::default);
        let mut lags = spare;
        let mut filled = 0;
        for ((id, track), row) in self.tracks.iter_mut().zip(&reading.rows) {
            let (lag, odd) = track.take(row, reading);
            let Some(consumer) = &row.consumer else { continue };
            if consumer.role == Role::Canary {
                self.oddities.add(odd);
            }
            let (committed, log_end, flat) = (row.committed, row.log_end, track.ends.is_flat());
            if let Some(before) = lags.get_mut(filled).filter(|before| before.id == *id) {
                before.go_on(consumer, lag, (committed, log_end, flat));
            } else {
                lags.truncate(filled);
                let (id, consumer) = (id.clone(), consumer.clone());
                lags.push(PartitionLag { id, consumer, lag, committed, log_end, flat });
            }
            filled += 1;
        }
        lags.truncate(filled);
        lags
    }
}

impl PartitionLag {
    /// The same partition at a later moment; the name of an owner that stays isn't copied.
    fn go_on(
        &mut self,
        consumer: &Consumer,
        lag: Option<TimeLag>,
        (committed, log_end, flat): (Option<i64>, Option<i64>, bool),
    ) {
        if self.consumer.is(consumer) {
            (self.consumer.warm, self.consumer.number) = (consumer.warm, consumer.number);
        } else {
            self.consumer = consumer.clone();
        }
        (self.lag, self.committed, self.log_end, self.flat) = (lag, committed, log_end, flat);
    }

    /// Messages waiting; 0 while unknown.
    pub(crate) fn waiting(&self) -> i64 {
        let waiting = self.committed.zip(self.log_end).map(|(committed, end)| end - committed);
        waiting.unwrap_or(0).max(0)
    }

    /// The time lag for comparisons: a single waiting message is none, since a transaction's
    /// marker at the end of the log is never consumed. `None`: unknown.
    pub(crate) fn comparable(&self) -> Option<f64> {
        let lag = self.lag?;
        if self.waiting() < MORE_THAN_A_MARKER { Some(0.0) } else { lag.exact() }
    }

    /// Whether nobody ever committed here and nothing arrives: nothing to judge by.
    pub(crate) fn is_unused(&self) -> bool {
        self.committed.is_none() && self.log_end.is_some() && self.flat
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

impl Track {
    fn take(&mut self, row: &Row, reading: &Reading) -> (Option<TimeLag>, Oddities) {
        let mut odd = Oddities::default();
        let Some(end) = row.log_end else { return (None, odd) };
        if self.ends.push(reading.at, end) {
            odd.topic_recreated = 1;
        }
        let Some(committed) = row.committed else { return (None, odd) };
        let fell = self.committed.replace(committed).is_some_and(|before| committed < before);
        if fell {
            odd.commits_fell = 1;
        }
        odd.lost_by_retention = self.lose(committed, row.log_start);
        let recreated = self.is_recreated(committed, end, reading);
        if recreated {
            odd.topic_recreated = 1;
        }
        let usable = !fell && self.lost == 0 && committed <= end && odd.topic_recreated == 0;
        (self.ends.lag(reading.at, committed).filter(|_| usable), odd)
    }

    /// Records lost by retention since the last call.
    fn lose(&mut self, committed: i64, log_start: Option<i64>) -> i64 {
        let lost = log_start.map_or(0, |start| start.saturating_sub(committed).max(0));
        let more = lost.saturating_sub(self.lost).max(0);
        self.lost = lost;
        more
    }

    /// A commit beyond the end can be a race once; twice in a row the topic is another one, and
    /// what was sampled of the old one says nothing.
    fn is_recreated(&mut self, committed: i64, end: i64, reading: &Reading) -> bool {
        let twice = self.beyond_end && committed > end;
        self.beyond_end = committed > end && !twice;
        if twice {
            self.ends = LogEnds::default();
            self.ends.push(reading.at, end);
        }
        twice
    }
}
