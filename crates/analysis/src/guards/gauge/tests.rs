//! Rises over the window of a check: what is in it, and what ends it.
//! One pod that consumes a hundred messages a poll, five of which fail.

use super::*;
use crate::observation::{Histogram, PodMetrics};

const POLL: Millis = 10_000;
const BORN: Millis = 1_000_000;
const WARM_UP: Millis = 30_000;

/// A pod with this many polls of work behind it.
fn pod(polls: f64, role: Role) -> PodObservation {
    let (consumed, errors) = (Some(100.0 * polls), Some(5.0 * polls));
    let metrics = Some(PodMetrics { consumed, errors, ..PodMetrics::default() });
    PodObservation { metrics, ..PodObservation::healthy("a", role, BORN) }
}

struct Run {
    gauge: Gauge,
    at: Millis,
}

impl Run {
    fn new(measure: Measure) -> Self {
        Self { gauge: Gauge::new(measure, POLL, WARM_UP), at: BORN }
    }

    /// The pod as it is one poll later.
    fn see(&mut self, pod: PodObservation) -> Option<Result<Level, NoValue>> {
        self.at += POLL;
        let seen = Observation { at: self.at, group: None, pods: vec![pod] };
        self.gauge.follow(&seen);
        self.gauge.value(&seen.pods[0], self.at)
    }

    /// This many polls of steady work after those it has behind it.
    fn work(&mut self, from: u32, polls: u32) -> Vec<Option<Result<Level, NoValue>>> {
        let all = (from + 1)..=(from + polls);
        all.map(|it| self.see(pod(f64::from(it), Role::Canary))).collect()
    }
}

const TOO_EARLY: Option<Result<Level, NoValue>> = Some(Err(NoValue::TooEarly { window: 60_000 }));
const RATE: Option<Result<Level, NoValue>> = Some(Ok(Level::Is(0.05)));

#[test]
fn the_window_is_a_minute_of_a_warm_pod() {
    let mut run = Run::new(Measure::ErrorRate);
    let seen = run.work(0, 10);
    assert_eq!(seen[..2], [None, None], "what happens in the warm-up is not counted");
    assert_eq!(seen[2..8], [TOO_EARLY; 6]);
    assert_eq!(seen[8..], [RATE; 2]);
}

#[test]
fn a_slow_pace_of_scrapes_makes_the_window_longer() {
    assert_eq!(window(1_000), 60_000);
    assert_eq!(window(15_000), 60_000);
    assert_eq!(window(30_000), 120_000);
    let gauge = Gauge::new(Measure::ErrorRate, 30_000, 0);
    assert_eq!((gauge.window, gauge.patience), (120_000, 75_000));
}

#[test]
fn what_is_older_than_the_window_is_out_of_it() {
    let mut run = Run::new(Measure::ErrorRate);
    run.work(0, 12);
    let quiet = |it: f64| {
        let mut pod = pod(it, Role::Canary);
        pod.metrics.as_mut().unwrap().errors = Some(60.0);
        pod
    };
    let later: Vec<_> = (13..=18).map(|it| run.see(quiet(f64::from(it)))).collect();
    let share = |it: &Option<Result<Level, NoValue>>| match it {
        Some(Ok(Level::Is(value))) => *value,
        other => panic!("{other:?}"),
    };
    let shares: Vec<f64> = later.iter().map(share).collect();
    assert!(shares.windows(2).all(|pair| pair[1] < pair[0]), "{shares:?}");
    assert_eq!(later[5], Some(Ok(Level::Is(0.0))));
}

#[test]
fn one_missed_scrape_is_bridged_and_a_longer_gap_begins_anew() {
    let silent = PodObservation { metrics: None, ..pod(0.0, Role::Canary) };
    let mut run = Run::new(Measure::ErrorRate);
    run.work(0, 10);
    assert_eq!(run.see(silent.clone()), None, "it has shown nothing now");
    assert_eq!(run.see(pod(12.0, Role::Canary)), RATE);
    run.see(silent.clone());
    run.see(silent);
    assert_eq!(run.see(pod(15.0, Role::Canary)), TOO_EARLY);
    assert_eq!(run.work(15, 6)[5], RATE);
}

#[test]
fn a_restart_begins_at_zero_and_a_counter_that_fell_without_one_is_unknown() {
    let mut run = Run::new(Measure::ErrorRate);
    run.work(0, 10);
    let restarted = PodObservation { restarts: 1, ..pod(1.0, Role::Canary) };
    assert_eq!(run.see(restarted), RATE);
    let restarted = PodObservation { restarts: 1, ..pod(0.5, Role::Canary) };
    assert_eq!(run.see(restarted), Some(Err(NoValue::CounterFell)));
    let after = PodObservation { restarts: 1, ..pod(1.5, Role::Canary) };
    assert_eq!(run.see(after), TOO_EARLY, "and nothing before it is counted");
}

#[test]
fn a_window_without_messages_has_no_rate() {
    let mut run = Run::new(Measure::ErrorRate);
    run.work(0, 10);
    let idle = (0..6).map(|_| run.see(pod(10.0, Role::Canary))).last();
    assert_eq!(idle, Some(Some(Err(NoValue::NoMessages))));
}

#[test]
fn other_buckets_begin_anew() {
    let timed = |polls: f64, edge: f64| {
        let mut pod = pod(polls, Role::Canary);
        let counts = vec![100.0 * polls];
        let latency = Histogram { edges: [edge].into(), counts, total: 100.0 * polls };
        pod.metrics.as_mut().unwrap().latency = Some(latency);
        pod
    };
    let mut run = Run::new(Measure::LatencyP99);
    let seen = (1..=9).map(|it| run.see(timed(f64::from(it), 1.0))).last();
    assert_eq!(seen, Some(Some(Ok(Level::Is(0.99)))));
    assert_eq!(run.see(timed(10.0, 2.0)), TOO_EARLY);
}

#[test]
fn the_primary_counts_by_what_it_showed_within_the_window() {
    let mut run = Run::new(Measure::ErrorRate);
    (1..=10).for_each(|it| {
        run.see(pod(f64::from(it), Role::Primary));
    });
    let silent = |role| PodObservation { metrics: None, ..pod(0.0, role) };
    for _ in 0..6 {
        assert_eq!(run.see(silent(Role::Primary)), RATE);
        assert_eq!(run.gauge.value(&silent(Role::Canary), run.at), None, "the canary's is stale");
    }
    assert_eq!(run.see(silent(Role::Primary)), None);
}

#[test]
fn a_pod_that_is_gone_and_a_clock_that_was_set_leave_nothing() {
    let mut run = Run::new(Measure::ErrorRate);
    run.work(0, 10);
    run.gauge.forget_times();
    assert_eq!(run.work(10, 1), [TOO_EARLY]);
    run.gauge.follow(&Observation { at: run.at, group: None, pods: Vec::new() });
    assert!(run.gauge.pods.is_empty());
}
