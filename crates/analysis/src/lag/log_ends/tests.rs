//! Rows of samples against one list per partition, as long as nothing is thinned out; and what
//! thinning keeps.

use std::collections::BTreeMap;

use crate::lag::column::Moves;
use crate::lag::log_ends::{Arrival, LogEnds, MOST_SAMPLES};
use crate::lag::time_lag::TimeLag;
use crate::numbers::{Millis, seconds, whole};
use siskin_simulation::random::Random;

/// What is known of one partition, oldest first.
type Samples = Vec<(Millis, i64)>;

fn lag(samples: &Samples, now: Millis, committed: i64) -> Option<TimeLag> {
    let after = samples.iter().position(|(_, end)| *end > committed);
    let (first, _) = samples.first()?;
    Some(match after {
        None => TimeLag::Exact(0.0),
        Some(0) => TimeLag::AtLeast(seconds(now - first)),
        Some(after) => TimeLag::between(samples[after - 1], samples[after], committed, now),
    })
}

fn below(random: &mut Random, most: u32) -> i64 {
    i64::try_from(whole(random.unit() * f64::from(most))).expect("small")
}

#[test]
fn lags_are_those_of_a_list_per_partition() {
    let mut random = Random::spread(7);
    for _ in 0..60 {
        let (mut ends, mut list) = (LogEnds::default(), Vec::new());
        let mut model: BTreeMap<u32, Samples> = BTreeMap::new();
        let mut at = 0;
        for _ in 0..MOST_SAMPLES {
            at += 1 + below(&mut random, 5_000);
            if list.is_empty() || random.unit() < 0.05 {
                let now: Vec<u32> = (0..9).filter(|_| random.unit() < 0.8).collect();
                ends.follow(&Moves::between(&list, &now));
                model.retain(|key, _| now.contains(key));
                list = now;
            }
            ends.begin(at, list.len());
            for (place, key) in list.iter().enumerate() {
                let samples = model.entry(*key).or_default();
                step(&mut random, at, samples, &mut ends, place);
                let newest = samples.last().map_or(0, |(_, end)| *end);
                for committed in [0, below(&mut random, 500), newest - 1, newest, newest + 3] {
                    let expected = lag(samples, at, committed);
                    assert_eq!(ends.lag(place, at, committed), expected, "{committed} {samples:?}");
                }
                let flat = samples.first().map(|it| it.1) == samples.last().map(|it| it.1);
                assert_eq!(
                    (ends.newest(place), ends.is_flat(place)),
                    (samples.last().map(|it| it.1), flat)
                );
            }
        }
    }
}

/// A sample in which a log stands, grows, gives no answer, or begins anew.
fn step(random: &mut Random, at: Millis, samples: &mut Samples, ends: &mut LogEnds, place: usize) {
    let before = samples.last().map(|(_, end)| *end);
    let end = match random.unit() {
        unit if unit < 0.2 => return,
        unit if unit < 0.5 => before.unwrap_or(0),
        unit if unit < 0.97 => before.unwrap_or(0) + below(random, 20),
        _ => below(random, 20),
    };
    let arrival = match before {
        None => Arrival::First,
        Some(before) if end < before => Arrival::Fell,
        Some(before) => Arrival::More(end - before),
    };
    assert_eq!(ends.put(place, end), arrival);
    if arrival == Arrival::Fell {
        samples.clear();
    }
    samples.push((at, end));
}

#[test]
fn the_newest_half_and_the_oldest_sample_outlast_thinning() {
    let mut ends = LogEnds::default();
    let polls = 5 * 256;
    for poll in 0..polls {
        ends.begin(poll * 1_000, 1);
        ends.put(0, poll * 10);
    }
    assert!(ends.samples.len() <= MOST_SAMPLES);
    let now = (polls - 1) * 1_000;
    assert_eq!(ends.lag(0, now, -1), Some(TimeLag::AtLeast(seconds(now))));
    for back in 0..i64::try_from(MOST_SAMPLES / 2).expect("small") {
        let Some(TimeLag::Exact(lag)) = ends.lag(0, now, (polls - 1 - back) * 10) else {
            panic!("{back} polls ago is not known");
        };
        assert!((lag - seconds(back * 1_000)).abs() < 1e-9, "{lag} {back}");
    }
}

#[test]
fn a_moment_that_was_seen_before_adds_nothing() {
    let mut ends = LogEnds::default();
    for (at, end) in [(1_000, 10), (2_000, 20), (2_000, 30), (1_500, 5)] {
        ends.begin(at, 1);
        assert_ne!(ends.put(0, end), Arrival::Fell);
    }
    assert_eq!(ends.newest(0), Some(20));
    assert_eq!(ends.lag(0, 2_000, 15), Some(TimeLag::Exact(0.5)));
}

#[test]
fn rows_are_used_again() {
    let mut ends = LogEnds::default();
    for poll in 0..2_000 {
        ends.begin(poll, 3);
        assert!(ends.samples.len() + ends.spare.len() <= MOST_SAMPLES);
    }
}
