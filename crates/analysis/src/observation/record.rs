//! A bounded record of observations, at least ten minutes of them, from before and during a trial.
//! It only remembers: no rates, no lag, no judgment.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::numbers::Millis;
use crate::observation::{
    GroupObservation, GroupState, MemberCount, Observation, Owner, PartitionObservation,
    PodObservation,
};

/// Span of a record before a trial, in milliseconds: ten minutes that margins are learned from, and
/// as much again, so that a trial that begins does not push its own record out.
pub const RECORD_SPAN: Millis = 20 * 60 * 1000;

/// Shortest span: margins need about ten minutes of the primary before a rollout.
const SHORTEST_SPAN: Millis = 600_000;
/// Most observations kept: ten minutes at two a second. Faster polls shorten the span.
const MOST_SAMPLES: usize = 1_200;
/// A step backwards beyond this is a clock that was set, not an answer that came late: no request
/// may take that long.
pub(crate) const CLOCK_STEP: Millis = 60_000;

/// A ring of observations, oldest first.
///
/// Compact: an observation costs 24 bytes per partition while assignment and pods don't change.
#[derive(Clone, Debug)]
pub struct Record {
    span: Millis,
    samples: VecDeque<Sample>,
    latest: Option<Observation>,
}

/// What became of a pushed observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The observation is in the record.
    Kept,
    /// Ignored: one of the same moment is there already.
    Duplicate,
    /// Ignored: older than the latest.
    OutOfOrder,
    /// The record begins again with it: so much older than the latest that the clock must have been
    /// set back.
    ClockSetBack,
}

#[derive(Clone, Debug)]
struct Sample {
    at: Millis,
    pods: Arc<[PodObservation]>,
    group: Option<GroupSample>,
}

#[derive(Clone, Debug)]
struct GroupSample {
    state: GroupState,
    epoch: u64,
    members: MemberCount,
    seats: Arc<[Seat]>,
    offsets: Box<[Offsets]>,
}

/// A partition and its owner, shared by all samples of one assignment.
#[derive(Clone, Debug, PartialEq)]
struct Seat {
    topic: Arc<str>,
    partition: i32,
    owner: Owner,
}

#[derive(Clone, Copy, Debug)]
struct Offsets {
    committed: i64,
    log_start: i64,
    log_end: i64,
}

impl Record {
    /// An empty record that keeps `span` milliseconds, at least ten minutes.
    #[must_use]
    pub fn new(span: Millis) -> Self {
        Self { span: span.max(SHORTEST_SPAN), samples: VecDeque::new(), latest: None }
    }

    /// Adds an observation and drops those older than the span.
    pub fn push(&mut self, observation: Observation) -> Pushed {
        let outcome = arrival(self.latest.as_ref().map(|latest| latest.at), observation.at);
        match outcome {
            Pushed::Duplicate | Pushed::OutOfOrder => return outcome,
            Pushed::ClockSetBack => self.samples.clear(),
            Pushed::Kept => {}
        }
        self.samples.push_back(Sample::new(&observation, self.samples.back()));
        let horizon = observation.at.saturating_sub(self.span);
        while self.samples.len() > MOST_SAMPLES
            || self.samples.front().is_some_and(|oldest| oldest.at < horizon)
        {
            self.samples.pop_front();
        }
        self.latest = Some(observation);
        outcome
    }

    /// The newest observation.
    #[must_use]
    pub fn latest(&self) -> Option<&Observation> {
        self.latest.as_ref()
    }

    /// Number of observations kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether nothing was observed yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// All observations, oldest first, as they were pushed.
    pub fn observations(&self) -> impl DoubleEndedIterator<Item = Observation> + '_ {
        self.samples.iter().map(Sample::observation)
    }
}

/// What to do with an observation of `at` after one of `latest`.
pub(crate) fn arrival(latest: Option<Millis>, at: Millis) -> Pushed {
    match latest {
        Some(latest) if at == latest => Pushed::Duplicate,
        Some(latest) if at < latest.saturating_sub(CLOCK_STEP) => Pushed::ClockSetBack,
        Some(latest) if at < latest => Pushed::OutOfOrder,
        Some(_) | None => Pushed::Kept,
    }
}

impl Sample {
    fn new(observation: &Observation, previous: Option<&Self>) -> Self {
        let pods = match previous {
            Some(previous) if *previous.pods == *observation.pods => previous.pods.clone(),
            Some(_) | None => observation.pods.clone().into(),
        };
        let earlier = previous.and_then(|previous| previous.group.as_ref());
        let group = observation.group.as_ref().map(|group| GroupSample::new(group, earlier));
        Self { at: observation.at, pods, group }
    }

    fn observation(&self) -> Observation {
        Observation {
            at: self.at,
            group: self.group.as_ref().map(GroupSample::observation),
            pods: self.pods.to_vec(),
        }
    }
}

impl GroupSample {
    fn new(group: &GroupObservation, earlier: Option<&Self>) -> Self {
        let unchanged = earlier.filter(|earlier| {
            earlier.seats.len() == group.partitions.len()
                && earlier.seats.iter().zip(&group.partitions).all(|(seat, row)| seat.is_of(row))
        });
        let seats = match unchanged {
            Some(earlier) => earlier.seats.clone(),
            None => group.partitions.iter().map(Seat::of).collect(),
        };
        let offsets = group.partitions.iter().map(Offsets::of).collect();
        Self { state: group.state, epoch: group.epoch, members: group.members, seats, offsets }
    }

    fn observation(&self) -> GroupObservation {
        let partitions = self
            .seats
            .iter()
            .zip(&self.offsets)
            .map(|(seat, offsets)| PartitionObservation {
                topic: seat.topic.clone(),
                partition: seat.partition,
                owner: seat.owner.clone(),
                committed: known(offsets.committed),
                log_start: known(offsets.log_start),
                log_end: known(offsets.log_end),
            })
            .collect();
        GroupObservation { state: self.state, epoch: self.epoch, members: self.members, partitions }
    }
}

impl Seat {
    fn of(row: &PartitionObservation) -> Self {
        Self { topic: row.topic.clone(), partition: row.partition, owner: row.owner.clone() }
    }

    fn is_of(&self, row: &PartitionObservation) -> bool {
        self.partition == row.partition && self.owner == row.owner && self.topic == row.topic
    }
}

/// Stands for an unknown offset; no broker sends it.
const UNKNOWN: i64 = i64::MIN;

impl Offsets {
    fn of(row: &PartitionObservation) -> Self {
        Self {
            committed: row.committed.unwrap_or(UNKNOWN),
            log_start: row.log_start.unwrap_or(UNKNOWN),
            log_end: row.log_end.unwrap_or(UNKNOWN),
        }
    }
}

fn known(offset: i64) -> Option<i64> {
    (offset != UNKNOWN).then_some(offset)
}
