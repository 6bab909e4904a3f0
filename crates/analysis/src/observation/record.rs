//! A bounded record of observations, at least ten minutes of them, from before and during a trial.
//! It only remembers: no rates, no lag, no judgment.

mod offsets;
mod pods;

use std::collections::VecDeque;

use crate::numbers::Millis;
use crate::observation::Observation;
use crate::observation::record::offsets::GroupSample;
use crate::observation::record::pods::PodsSample;

/// Span of a record before a trial, in milliseconds: ten minutes that margins are learned from, and
/// as much again, so that a trial that begins does not push its own record out.
pub const RECORD_SPAN: Millis = 20 * 60 * 1000;

/// Shortest span: margins need about ten minutes of the primary before a rollout.
const SHORTEST_SPAN: Millis = 600_000;
/// Most observations kept: ten minutes at two a second. Faster polls shorten the span.
const MOST_SAMPLES: usize = 1_200;
/// Most bytes of packed samples: twenty minutes of 20,000 partitions at a poll in 10 s. Larger groups
/// shorten the span.
const MOST_BYTES: usize = 16 << 20;
/// A step backwards beyond this is a clock that was set, not an answer that came late: no request
/// may take that long.
pub(crate) const CLOCK_STEP: Millis = 60_000;

/// A ring of observations, oldest first.
///
/// Compact: while assignment and pods don't change, an observation takes about 6 bytes per partition,
/// 4 for each counter of a pod, 9 for a number with a fraction, and some 150 besides. At most 16 MiB,
/// whatever there is to remember.
#[derive(Clone, Debug)]
pub struct Record {
    span: Millis,
    samples: VecDeque<Sample>,
    /// Bytes of the samples.
    bytes: usize,
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
    pods: PodsSample,
    group: Option<GroupSample>,
}

impl Record {
    /// An empty record that keeps `span` milliseconds, at least ten minutes.
    #[must_use]
    pub fn new(span: Millis) -> Self {
        Self { span: span.max(SHORTEST_SPAN), samples: VecDeque::new(), bytes: 0, latest: None }
    }

    /// Adds an observation and drops those older than the span.
    pub fn push(&mut self, observation: Observation) -> Pushed {
        let outcome = arrival(self.latest.as_ref().map(|latest| latest.at), observation.at);
        match outcome {
            Pushed::Duplicate | Pushed::OutOfOrder => return outcome,
            Pushed::ClockSetBack => {
                self.samples.clear();
                self.bytes = 0;
            }
            Pushed::Kept => {}
        }
        let sample = Sample::new(&observation, self.samples.back());
        self.bytes += sample.bytes();
        self.samples.push_back(sample);
        let horizon = observation.at.saturating_sub(self.span);
        while let Some(oldest) = self.samples.front()
            && (self.samples.len() > MOST_SAMPLES
                || oldest.at < horizon
                || (MOST_BYTES < self.bytes && 1 < self.samples.len()))
        {
            self.bytes -= oldest.bytes();
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
        let pods = PodsSample::new(&observation.pods, previous.map(|it| &it.pods));
        let earlier = previous.and_then(|previous| previous.group.as_ref());
        let group = observation.group.as_ref().map(|group| GroupSample::new(group, earlier));
        Self { at: observation.at, pods, group }
    }

    fn observation(&self) -> Observation {
        Observation {
            at: self.at,
            group: self.group.as_ref().map(GroupSample::observation),
            pods: self.pods.observations(),
        }
    }

    /// Bytes that no other sample shares.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.pods.bytes() + self.group.as_ref().map_or(0, GroupSample::bytes)
    }
}
