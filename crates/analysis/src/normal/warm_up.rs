//! How long pods of the primary took to get to work when they started, if the record shows a start.
//! A canary is a pod that starts; its own start teaches nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::counters::counter::Count;
use crate::counters::in_flight::Flight;
use crate::counters::kind::Kind;
use crate::counters::latency::slow_from;
use crate::counters::meter::{Meter, Reader};
use crate::counters::rise::primary_counts;
use crate::lag::partitions::Lags;
use crate::numbers::{Millis, millis, seconds};
use crate::observation::record::Record;
use crate::observation::{Observation, PodObservation, Role};

/// No pod warms up for longer than this: who is still slow then is slow.
pub(crate) const LONGEST_WARM_UP: Millis = 900_000;
/// The next start may take this many times as long.
const NEXT_START: f64 = 1.25;
/// A young pod is still warming up while it has more than this many times the others' share of slow
/// messages.
const SLOWER_RATIO: f64 = 1.5;
/// Slow messages added to both sides, so that few make no ratio.
const PSEUDO_SLOW: f64 = 5.0;
/// Observations in a row in which it is as fast as the others end a warm-up.
const SETTLED_AFTER: u32 = 3;

/// A primary pod that started while it was watched.
#[derive(Clone, Copy, Debug, Default)]
struct Start {
    /// Age at its first commit.
    committed: Option<Millis>,
    /// Age up to which it was slow.
    slow: Millis,
    /// Observations in a row since then; the warm-up is over after [`SETTLED_AFTER`] of them.
    settled: u32,
}

/// The longest warm-up of a primary pod in the record, with some to spare; 0: none started in it.
pub(crate) fn warm_up(record: &Record, interval: Millis) -> Millis {
    let Some(begin) = record.observations().next().map(|seen| seen.at) else { return 0 };
    let is_start = |pod: &PodObservation| pod.role == Role::Primary && pod.created > begin;
    // Mostly nobody starts, and a record is long.
    if !record.observations().any(|seen| seen.pods.iter().any(is_start)) {
        return 0;
    }
    let mut starts: BTreeMap<Arc<str>, Start> = BTreeMap::new();
    let mut lags = Lags::default();
    let mut meter = Meter::new(Reader {
        cadence: interval,
        slow_from: slow_from(record.observations()),
        flight: Flight::default(),
        user: Arc::default(),
    });
    for seen in record.observations() {
        let ages: BTreeMap<&Arc<str>, Millis> = seen
            .pods
            .iter()
            .filter(|pod| is_start(pod))
            .map(|pod| (&pod.name, seen.at.saturating_sub(pod.created)))
            .collect();
        for pod in committing(&mut lags, &seen) {
            if let Some(age) = ages.get(&pod) {
                starts.entry(pod).or_default().committed.get_or_insert(*age);
            }
        }
        for (pod, is_slow) in slow(&mut meter, &seen) {
            if let Some(age) = ages.get(&pod) {
                starts.entry(pod).or_default().look(*age, is_slow);
            }
        }
    }
    let longest = starts.values().map(Start::length).max().unwrap_or(0);
    millis(seconds(longest) * NEXT_START).min(LONGEST_WARM_UP)
}

impl Start {
    fn look(&mut self, age: Millis, is_slow: bool) {
        if self.settled >= SETTLED_AFTER || age > LONGEST_WARM_UP {
            return;
        }
        if is_slow {
            (self.slow, self.settled) = (age, 0);
        } else {
            self.settled += 1;
        }
    }

    fn length(&self) -> Millis {
        self.committed.unwrap_or(0).max(self.slow)
    }
}

/// Pods that were seen to commit something under an assignment that they had before.
fn committing(lags: &mut Lags, seen: &Observation) -> Vec<Arc<str>> {
    let Some(sight) = lags.observe(seen, 0) else { return Vec::new() };
    let moved = sight.lags.iter().filter(|lag| lag.since.commit && lag.has_same_owner());
    let consumers = moved.filter_map(|lag| lag.consumer);
    consumers.map(|consumer| lags.roster.name(consumer).clone()).collect()
}

/// Each pod that processed anything since its last scrape, and whether it was slower than the
/// others of the primary.
fn slow(meter: &mut Meter, seen: &Observation) -> Vec<(Arc<str>, bool)> {
    let rises = meter.observe(seen);
    let counted: Vec<(&Arc<str>, Count)> = primary_counts(Kind::Latency, &rises).collect();
    let all = counted.iter().map(|(_, count)| *count).sum::<Count>();
    let is_slow = |own: Count| {
        let others = all.without(own);
        let expected = own.of * others.rate();
        others.of > 0.0 && own.events + PSEUDO_SLOW > SLOWER_RATIO * (expected + PSEUDO_SLOW)
    };
    counted.iter().map(|(pod, own)| (Arc::clone(pod), is_slow(*own))).collect()
}
