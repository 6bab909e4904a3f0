//! Messages that a pod consumed and has not accounted for, and which of them are lost. Messages in
//! flight look the same until they are done; how many there may be is learned. Nothing is compared.

use std::collections::VecDeque;

use crate::constants::Constant;
use crate::numbers::Millis;

/// Commit gaps in which a new pod shows how much it has in flight: the first may hold a pause.
const FIRST_COMMIT_GAPS: Millis = 2;
/// Time after which a watched pod has shown how much it ever has in flight.
const KNOWN_AFTER: Millis = 300_000;

/// Bounds of the messages in flight, learned from the record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Flight {
    /// Messages in flight now are done after this time at the latest. The longest commit gap as
    /// polls show it, which is up to a poll longer than it was.
    pub(crate) longest: Millis,
    /// The most messages of one primary pod that were seen to be in flight.
    pub(crate) most: f64,
}

/// Messages found to be missing at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Missing {
    /// Messages that are lost.
    pub(crate) lost: f64,
    /// Messages that are most likely lost, too: more than were ever in flight.
    pub(crate) suspected: f64,
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
    /// Adds the messages that were consumed and not accounted for since the last call; `None`:
    /// losses are unknown until a full span was watched.
    pub(crate) fn push(&mut self, at: Millis, rise: f64, flight: Flight) -> Option<Missing> {
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
        let missing = (self.gap - known.high - most).max(0.0);
        let suspected = if lost > 0.0 && watched > KNOWN_AFTER { missing } else { 0.0 };
        Some(Missing { lost, suspected })
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
mod tests {
    use super::*;
    use crate::dice::Dice;

    const POLL: Millis = 10_000;
    const FLIGHT: Flight = Flight { longest: POLL, most: 0.0 };

    /// What is found missing with each of these gaps, a poll apart.
    fn found(gaps: impl IntoIterator<Item = f64>, flight: Flight) -> Vec<Option<Missing>> {
        let mut pod = InFlight::default();
        let mut at = 0;
        let push = |gap: f64| {
            at += POLL;
            pod.push(at, gap - pod.gap, flight)
        };
        gaps.into_iter().map(push).collect()
    }

    fn lost(gaps: impl IntoIterator<Item = f64>, flight: Flight) -> f64 {
        found(gaps, flight).into_iter().flatten().map(|it| it.lost).sum()
    }

    /// Batches of this many messages, counted when they are done, at moments that polls don't
    /// choose.
    fn batches(size: f64, seed: u32) -> impl Iterator<Item = f64> {
        let mut dice = Dice::new(seed);
        (0..180).map(move |_| size * dice.unit())
    }

    #[test]
    fn what_stays_longer_than_a_commit_gap_is_lost() {
        let steady = lost([0.0, 0.0, 0.0, 60.0, 120.0, 180.0, 180.0], FLIGHT);
        assert!((steady - 180.0).abs() < 1e-9, "{steady}");
        assert!(lost([0.0, 0.0, 0.0, 500.0, 0.0, 0.0], FLIGHT) <= 0.0, "one batch");
    }

    #[test]
    fn a_pod_that_counts_by_the_batch_loses_nothing() {
        for seed in 0..300 {
            let most = batches(1_000.0, !seed).fold(0.0, f64::max);
            let flight = Flight { most, ..FLIGHT };
            assert!(lost(batches(1_000.0, seed), flight) <= 0.0, "seed {seed}");
        }
    }

    #[test]
    fn larger_batches_than_the_primary_ever_had_are_learnt() {
        let runs =
            (0..300).map(|seed| lost(batches(2_000.0, seed), Flight { most: 900.0, ..FLIGHT }));
        let (some, most) = runs.fold((0, 0.0_f64), |(some, most), lost| {
            (some + u32::from(lost > 0.0), most.max(lost))
        });
        assert!(some < 60 && most < 1_000.0, "{some} of 300, up to {most}");
    }

    #[test]
    fn by_the_batch_losses_show_once_they_exceed_what_may_be_in_flight() {
        let flight = Flight { most: 1_000.0, ..FLIGHT };
        let losing = (0..).zip(batches(1_000.0, 1)).map(|(poll, gap)| gap + 42.0 * f64::from(poll));
        let found = found(losing, flight);
        let first = found.iter().position(|it| it.is_some_and(|it| it.lost > 0.0));
        assert!(first.is_some_and(|poll| (25..60).contains(&poll)), "{first:?}");
    }

    #[test]
    fn beside_lost_messages_more_than_were_ever_in_flight_are_suspected() {
        let quiet = std::iter::repeat_n(0.0, 40);
        let found = found(quiet.chain([60.0, 120.0, 120.0]), FLIGHT);
        let last = &found[40..];
        assert_eq!(last[0], Some(Missing::default()), "all of it may be in flight");
        assert_eq!(last[1], Some(Missing { lost: 60.0, suspected: 60.0 }));
        assert_eq!(last[2], Some(Missing { lost: 60.0, suspected: 0.0 }));
    }

    #[test]
    fn a_pod_that_is_hardly_known_is_suspected_of_nothing() {
        let found = found([0.0, 0.0, 0.0, 0.0, 60.0, 120.0, 180.0], FLIGHT);
        let suspected: f64 = found.into_iter().flatten().map(|it| it.suspected).sum();
        assert!(suspected <= 0.0, "{suspected}");
    }
}
