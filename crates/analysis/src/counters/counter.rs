//! One counter: which numbers are totals, what they rise by, and events on messages.
//! Knows no series and no pod.

/// Events of one kind, and the messages they were counted on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) events: f64,
    /// Messages; 0: nothing was counted.
    pub(crate) of: f64,
}

impl Count {
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

/// Whether a value can be a total: a finite number that still changes when 1 is added.
pub(crate) fn is_total(value: f64) -> bool {
    (0.0..1e15).contains(&value)
}
