//! One counter: which numbers are totals, what they rise by, and events on messages.
//! Knows no series and no pod.

use std::iter::Sum;

/// Events of one kind, and the messages they were counted on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) events: f64,
    /// Messages; 0: nothing was counted.
    pub(crate) of: f64,
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Self::plus)
    }
}

impl Count {
    /// Nothing is counted where the events are unknown.
    pub(crate) fn known(events: Option<f64>, of: f64) -> Self {
        events.map(|events| Self { events, of }).unwrap_or_default()
    }

    /// What is left of a sum without one of its parts.
    pub(crate) fn without(self, part: Self) -> Self {
        Self { events: self.events - part.events, of: self.of - part.of }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { events: self.events + other.events, of: self.of + other.of }
    }

    /// Events per message; 0 without messages.
    pub(crate) fn rate(self) -> f64 {
        if self.of > 0.0 { self.events / self.of } else { 0.0 }
    }

    /// An upper bound of the rate: 2.33 standard deviations are 1 %, and 3 events are what none seen
    /// leaves open. Infinite without messages.
    pub(crate) fn largest_rate(self) -> f64 {
        let Self { events, of } = self;
        (events + 2.33 * (events + 1.0).sqrt() + 3.0) / of
    }
}

/// The rise of a counter. A counter that fell began anew with its process, so it rose from 0;
/// without a restart the rise is unknown.
pub(crate) fn rise(before: Option<f64>, now: Option<f64>, restarted: bool) -> Option<f64> {
    match (before, now) {
        (Some(before), Some(now)) if now >= before => Some(now - before),
        (Some(_), Some(now)) if restarted => Some(now),
        (Some(_) | None, Some(_) | None) => None,
    }
}

/// A total of messages, which are whole: a fraction of one would be an exposure that is none.
pub(crate) fn whole(total: Option<f64>) -> Option<f64> {
    total.filter(|total| is_total(*total)).map(f64::round)
}

/// Such a total, of which a missing series is 0 while the one `beside` it is there.
pub(crate) fn whole_or_zero(total: Option<f64>, beside: Option<f64>) -> Option<f64> {
    if total.is_some() { whole(total) } else { beside.map(|_| 0.0) }
}

/// Whether a value can be a total: a finite number that still changes when 1 is added.
pub(crate) fn is_total(value: f64) -> bool {
    (0.0..1e15).contains(&value)
}
