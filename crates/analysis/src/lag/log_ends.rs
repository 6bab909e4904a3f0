//! Log ends of all partitions over time, in rows: every sample of a group has one time, so that
//! the newest ends of all partitions lie side by side. Samples are kept, nothing is judged.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::lag::column::Moves;
use crate::lag::time_lag::TimeLag;
use crate::numbers::{Millis, seconds};

/// Samples kept: the newest 128 as polled (4 min at 2 s, 21 min at 10 s), older ones ever sparser,
/// so that hours fit. 2 KiB per partition.
const MOST_SAMPLES: usize = 256;
/// Samples that are looked at one by one, from the newest: a consumer that keeps up has committed
/// among them, and a search through all would touch memory that nothing else needs.
const NEWEST_SAMPLES: usize = 8;
/// Stands where a partition has no end in a sample; no offset is negative.
const UNKNOWN: i64 = -1;

/// Log-end offsets of all partitions, oldest sample first.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogEnds {
    samples: VecDeque<Sample>,
    /// Rows that were thinned out, to be filled again.
    spare: Vec<Vec<i64>>,
    /// Whether the newest sample is still being filled.
    open: bool,
}

#[derive(Clone, Debug)]
struct Sample {
    at: Millis,
    /// By place.
    ends: Vec<i64>,
}

/// What an end told when it was put beside the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The first one known.
    First,
    /// So many more.
    More(i64),
    /// It fell: the topic was made anew or cut, and what was known of it is void.
    Fell,
}

impl LogEnds {
    /// Keeps the ends of partitions that stay.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        if let Moves::Changed(_) = moves {
            let rows = self.samples.iter_mut().map(|sample| &mut sample.ends);
            for row in rows {
                let end = |place| row.get(moves.before(place)?).copied();
                *row = (0..moves.len()).map(|place| end(place).unwrap_or(UNKNOWN)).collect();
            }
            self.spare.clear();
        }
    }

    /// Begins the sample of a moment, with no end known yet. A moment that does not lie behind all
    /// those before adds none.
    pub(crate) fn begin(&mut self, at: Millis, partitions: usize) {
        self.open = self.samples.back().is_none_or(|newest| newest.at < at);
        if !self.open {
            return;
        }
        if self.samples.len() == MOST_SAMPLES {
            self.thin_out();
        }
        let mut ends = self.spare.pop().unwrap_or_default();
        ends.clear();
        ends.resize(partitions, UNKNOWN);
        self.samples.push_back(Sample { at, ends });
    }

    /// Puts an end into the sample that was begun last.
    pub(crate) fn put(&mut self, place: usize, end: i64) -> Arrival {
        let before = self.known(place).next();
        if !self.open {
            let more = |(_, before): (Millis, i64)| Arrival::More((end - before).max(0));
            return before.map_or(Arrival::First, more);
        }
        let arrival = match before {
            None => Arrival::First,
            Some((_, before)) if end < before => Arrival::Fell,
            Some((_, before)) => Arrival::More(end - before),
        };
        if arrival == Arrival::Fell {
            self.forget(place);
        }
        if let Some(newest) = self.samples.back_mut() {
            newest.ends[place] = end;
        }
        arrival
    }

    /// Forgets a partition.
    pub(crate) fn forget(&mut self, place: usize) {
        for sample in &mut self.samples {
            sample.ends[place] = UNKNOWN;
        }
    }

    /// The newest end that is known of a partition.
    pub(crate) fn newest(&self, place: usize) -> Option<i64> {
        self.known(place).next().map(|(_, end)| end)
    }

    /// The lag at `now` of a group that has committed `committed`; `None` without samples.
    pub(crate) fn lag(&self, place: usize, now: Millis, committed: i64) -> Option<TimeLag> {
        let mut later = None;
        for known in self.known(place).take(NEWEST_SAMPLES) {
            if known.1 <= committed {
                return Some(TimeLag::since(known, later, committed, now));
            }
            later = Some(known);
        }
        let later = later?;
        // Ends never fall, so that the samples before are sorted by them as well.
        let mut high = self.samples.partition_point(|sample| sample.at < later.0);
        let (mut low, mut later) = (0, later);
        let mut earlier = None;
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.last_known(place, low..=middle) {
                None => low = middle + 1,
                Some((_, known)) if known.1 <= committed => {
                    earlier = Some(known);
                    low = middle + 1;
                }
                Some((position, known)) => {
                    later = known;
                    high = position;
                }
            }
        }
        Some(match earlier {
            Some(known) => TimeLag::since(known, Some(later), committed, now),
            None => TimeLag::AtLeast(seconds(now.saturating_sub(later.0)).max(0.0)),
        })
    }

    /// Whether the end of a partition has not moved in any sample.
    pub(crate) fn is_flat(&self, place: usize) -> bool {
        let oldest = self.samples.iter().map(|sample| sample.ends[place]);
        oldest.into_iter().find(|end| *end != UNKNOWN) == self.newest(place)
    }

    /// The samples in which the end of a partition is known, newest first.
    fn known(&self, place: usize) -> impl Iterator<Item = (Millis, i64)> {
        let ends = self.samples.iter().rev().map(move |sample| (sample.at, sample.ends[place]));
        ends.filter(|(_, end)| *end != UNKNOWN)
    }

    fn last_known(
        &self,
        place: usize,
        within: std::ops::RangeInclusive<usize>,
    ) -> Option<(usize, (Millis, i64))> {
        let end = |position: usize| (self.samples[position].at, self.samples[position].ends[place]);
        let known = within.rev().map(|position| (position, end(position)));
        known.into_iter().find(|(_, (_, end))| *end != UNKNOWN)
    }

    /// Drops every second sample of the older half, so that resolution falls with age.
    fn thin_out(&mut self) {
        let half = self.samples.len() / 2;
        let mut kept = VecDeque::with_capacity(MOST_SAMPLES);
        for (position, sample) in self.samples.drain(..).enumerate() {
            if position >= half || position % 2 == 0 {
                kept.push_back(sample);
            } else {
                self.spare.push(sample.ends);
            }
        }
        self.samples = kept;
    }
}
