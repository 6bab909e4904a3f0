//! Losses among messages in flight, on gaps made by hand. Batches take no loss; a loss is found.

use super::*;
use siskin_simulation::random::Random;

const POLL: Millis = 10_000;
const FLIGHT: Flight = Flight { longest: POLL, most: 0.0 };

/// What is found lost with each of these gaps, a poll apart.
fn found(gaps: impl IntoIterator<Item = f64>, flight: Flight) -> Vec<Option<f64>> {
    let mut pod = InFlight::default();
    let mut at = 0;
    let push = |gap: f64| {
        at += POLL;
        pod.push(at, gap - pod.gap, flight)
    };
    gaps.into_iter().map(push).collect()
}

fn lost(gaps: impl IntoIterator<Item = f64>, flight: Flight) -> f64 {
    found(gaps, flight).into_iter().flatten().sum()
}

/// Batches of this many messages, counted when they are done, at moments that polls don't
/// choose.
fn batches(size: f64, seed: u32) -> impl Iterator<Item = f64> {
    let mut random = Random::spread(u64::from(seed));
    (0..180).map(move |_| size * random.unit())
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
fn larger_batches_than_the_primary_ever_had_are_learned() {
    let runs = (0..300).map(|seed| lost(batches(2_000.0, seed), Flight { most: 900.0, ..FLIGHT }));
    let (some, most) = runs
        .fold((0, 0.0_f64), |(some, most), lost| (some + u32::from(lost > 0.0), most.max(lost)));
    assert!(some < 60 && most < 1_000.0, "{some} of 300, up to {most}");
}

#[test]
fn by_the_batch_losses_show_once_they_exceed_what_may_be_in_flight() {
    let flight = Flight { most: 1_000.0, ..FLIGHT };
    let losing = (0..).zip(batches(1_000.0, 1)).map(|(poll, gap)| gap + 42.0 * f64::from(poll));
    let found = found(losing, flight);
    let first = found.iter().position(|it| it.is_some_and(|lost| lost > 0.0));
    assert!(first.is_some_and(|poll| (25..60).contains(&poll)), "{first:?}");
}
