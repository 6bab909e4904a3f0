//! Messages that a pod consumed and has not accounted for, and which of them are lost. Messages in
//! flight look the same until they are done; how many there may be is learned. Nothing is compared.

use std::collections::VecDeque;

use crate::constants::Constant;
use crate::numbers::Millis;

/// Commit gaps in which a new pod shows how much it has in flight: the first may hold a pause.
const FIRST_COMMIT_GAPS: Millis = 2;

/// Bounds of the messages in flight, learned from the record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Flight {
    /// Messages in flight now are done after this time at the latest. The longest commit gap as
    /// polls show it, which is up to a poll longer than it was.
    pub(crate) longest: Millis,
    /// The most messages of one primary pod that were seen to be in flight.
    pub(crate) most: f64,
}

/// Messages of one pod that were consumed and not accounted for.
///
/// One that is in flight is accounted for later, so that the gap falls; one that is lost never is.
/// How far the gap ever fell is therefore a number of messages that were in flight at one time, and
/// as many, and a quarter more, may be at any. Lost are those that stay longer than any message is
/// in flight, the least of the gap over that time, where it rises to a new high above these. A pod
/// that counts a batch when it is done has thousands in flight, which a poll sees or not: without
/// the allowance it loses messages by chance.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight {
    begin: Option<Millis>,
    gap: f64,
    /// The largest gap so far.
    peak: f64,
    recent: VecDeque<(Millis, f64)>,
    /// What is known since the first full span.
    known: Option<Known>,
    /// The most messages that were seen in flight.
    most: f64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// The gap with the fewest messages in flight.
    floor: f64,
    /// Gaps up to here are accounted for.
    high: f64,
}

impl InFlight {
    /// Adds the messages that were consumed and not accounted for since the last call; answers with
    /// those that are found to be lost. `None`: that is unknown until a full span was watched.
    pub(crate) fn push(&mut self, at: Millis, rise: f64, flight: Flight) -> Option<f64> {
        let watched = at.saturating_sub(*self.begin.get_or_insert(at));
        self.gap += rise;
        self.peak = self.peak.max(self.gap);
        self.most = self.most.max(self.peak - self.gap);
        let least = self.least(at, flight.longest)?;
        if watched <= FIRST_COMMIT_GAPS.saturating_mul(flight.longest) {
            self.most = self.most.max(least);
        }
        let known = self.known.get_or_insert(Known { floor: least, high: least });
        known.floor = known.floor.min(least);
        let most = Constant::InFlight.value() * self.most.max(flight.most);
        let lost = (least - known.high.max(known.floor + most)).max(0.0);
        known.high = known.high.max(least);
        Some(lost)
    }

    /// The most messages that were seen in flight.
    pub(crate) fn most(&self) -> f64 {
        self.most
    }

    /// The least gap over a span that ends now; `None`: it was not watched for as long.
    fn least(&mut self, at: Millis, span: Millis) -> Option<f64> {
        let begin = at.saturating_sub(span);
        let is_full = self.recent.front().is_some_and(|&(first, _)| first <= begin);
        self.recent.push_back((at, self.gap));
        while self.recent.get(1).is_some_and(|&(second, _)| second <= begin) {
            self.recent.pop_front();
        }
        is_full.then(|| self.recent.iter().map(|&(_, gap)| gap).fold(f64::INFINITY, f64::min))
    }
}

#[cfg(test)]
mod tests;
