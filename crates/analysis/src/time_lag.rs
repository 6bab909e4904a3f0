//! Time lag: how long ago the log ended where the group has committed now, from our own samples.
//! Interpolates between samples, never extrapolates beyond them.

use std::collections::VecDeque;

use crate::observation::Millis;
use crate::units::{count, seconds};

/// Samples kept per partition: the newest 128 as polled (4 min at 2 s, 21 min at 10 s), older ones
/// ever sparser, so that hours fit. 4 KiB.
const MOST_POINTS: usize = 256;
/// Samples that are looked at one by one, from the newest: two cache lines.
const NEWEST: usize = 8;

/// Log-end offsets of one partition over time.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogEnds {
    points: VecDeque<(Millis, i64)>,
}

/// A time lag in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TimeLag {
    Exact(f64),
    /// The committed offset is older than every sample.
    AtLeast(f64),
}

impl TimeLag {
    /// The lag at `now` of a committed offset that lies between two samples of the log end.
    pub(crate) fn between(
        from: (Millis, i64),
        to: (Millis, i64),
        committed: i64,
        now: Millis,
    ) -> Self {
        let part = count(committed - from.1) / count((to.1 - from.1).max(1));
        let reached = seconds(to.0.saturating_sub(from.0)) * part;
        Self::Exact((seconds(now.saturating_sub(from.0)) - reached).max(0.0))
    }

    /// The lag, or the part of it that is certain.
    pub(crate) fn lower_bound(self) -> f64 {
        match self {
            Self::Exact(lag) | Self::AtLeast(lag) => lag,
        }
    }

    pub(crate) fn exact(self) -> Option<f64> {
        match self {
            Self::Exact(lag) => Some(lag),
            Self::AtLeast(_) => None,
        }
    }
}

impl LogEnds {
    /// Adds a sample. Returns whether the end fell: the topic was recreated or cut, and what was
    /// known of it is void.
    pub(crate) fn push(&mut self, at: Millis, end: i64) -> bool {
        let mut fell = false;
        match self.points.back() {
            Some(&(latest, _)) if at <= latest => return false,
            Some(&(_, before)) if end < before => {
                self.points.clear();
                fell = true;
            }
            Some(_) | None => {}
        }
        // Of a flat stretch only its two ends matter.
        let flat = self.points.len() >= 2
            && self.points.range(self.points.len() - 2..).all(|&(_, before)| before == end);
        if flat {
            self.points.pop_back();
        }
        if self.points.len() == MOST_POINTS {
            self.thin_out();
        }
        self.points.push_back((at, end));
        fell
    }

    /// The lag at `now` of a group that has committed `committed`; `None` without samples.
    pub(crate) fn lag(&self, now: Millis, committed: i64) -> Option<TimeLag> {
        self.points.back()?;
        let after = self.first_beyond(committed);
        if after == self.points.len() {
            return Some(TimeLag::Exact(0.0));
        }
        let Some(&from) = after.checked_sub(1).and_then(|i| self.points.get(i)) else {
            let (first, _) = self.points.front()?;
            return Some(TimeLag::AtLeast(seconds(now.saturating_sub(*first)).max(0.0)));
        };
        Some(TimeLag::between(from, self.points[after], committed, now))
    }

    /// Whether the end has not moved in any sample.
    pub(crate) fn is_flat(&self) -> bool {
        // Ends never fall, so that the newest two mostly tell; the oldest one is not in the cache.
        let newest = self.points.len().saturating_sub(2);
        let mut newest = self.points.range(newest..);
        if let (Some(before), Some(last)) = (newest.next(), newest.next())
            && before.1 < last.1
        {
            return false;
        }
        self.points.front().map(|point| point.1) == self.points.back().map(|point| point.1)
    }

    /// The first sample whose end lies beyond `committed`; as many as there are if none does.
    fn first_beyond(&self, committed: i64) -> usize {
        // A consumer that keeps up has committed among the newest samples, and a search through
        // the whole list would touch memory that nothing else needs.
        let newest = self.points.len().saturating_sub(NEWEST);
        let beyond = self.points.range(newest..).rev().take_while(|&&(_, end)| end > committed);
        let after = self.points.len() - beyond.count();
        if after > newest {
            return after;
        }
        self.points.partition_point(|&(_, end)| end <= committed)
    }

    /// Drops every second sample of the older half, so that resolution falls with age.
    fn thin_out(&mut self) {
        let half = self.points.len() / 2;
        let mut index = 0;
        self.points.retain(|_| {
            index += 1;
            index > half || index % 2 == 1
        });
    }
}
