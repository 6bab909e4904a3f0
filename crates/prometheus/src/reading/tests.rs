//! What may be believed: numbers, and the age of samples.

use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::PodMetrics;

use super::{Freshness, PodReading, Reading, Scrapes, Skipped, freshness};
use crate::series::Signal;

const INTERVAL: Duration = Duration::from_secs(10);

#[test]
fn a_sample_is_news_once_and_for_three_intervals() {
    let of = |newest, previous| freshness(newest, previous, 100_000, INTERVAL);
    assert_eq!(of(Some(99_000), None), Freshness::New);
    assert_eq!(of(Some(70_000), None), Freshness::New);
    assert_eq!(of(Some(69_999), None), Freshness::Stale);
    assert_eq!(of(Some(99_000), Some(98_999)), Freshness::New);
    assert_eq!(of(Some(99_000), Some(99_000)), Freshness::Repeated);
    assert_eq!(of(Some(98_000), Some(99_000)), Freshness::Repeated);
    assert_eq!(of(None, Some(1)), Freshness::Stale);
    assert_eq!(of(Some(i64::MIN), None), Freshness::Stale);
    assert_eq!(freshness(Some(0), None, 0, Duration::MAX), Freshness::New);
}

#[test]
fn numbers_that_are_none_are_counted() {
    let mut skipped = Skipped::default();
    let believed = [0.0, 1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -0.0]
        .map(|value| skipped.believe(value).is_some());
    assert_eq!(believed, [true, true, false, false, false, false, true]);
    assert_eq!(skipped, Skipped { not_finite: 3, negative: 1, ..Skipped::default() });
}

fn scrapes(application: &[(&str, i64)], memory: &[(&str, i64)]) -> Scrapes {
    let times =
        |times: &[(&str, i64)]| times.iter().map(|(pod, time)| (Arc::from(*pod), *time)).collect();
    Scrapes { application: times(application), memory: times(memory) }
}

fn reading() -> Reading {
    let mut reading = Reading { at: 100_000, ..Reading::default() };
    for pod in ["a", "b"] {
        reading.put(&pod.into(), Signal::Consumed, 5.0);
        reading.put(&pod.into(), Signal::WorkingSet, 7.0);
    }
    reading
}

#[test]
fn application_and_memory_age_apart() {
    let mut reading = reading();
    let newest = scrapes(&[("a", 99_000), ("b", 99_000)], &[("a", 99_000)]);
    reading.judge_age(&newest, &scrapes(&[("b", 99_000)], &[]), INTERVAL);
    let metrics = PodMetrics { consumed: Some(5.0), ..PodMetrics::default() };
    assert_eq!(
        reading.pods["a"],
        PodReading {
            metrics: PodMetrics { working_set: Some(7.0), ..metrics },
            scraped_at: Some(99_000),
        }
    );
    let unknown = PodReading { metrics: PodMetrics::default(), scraped_at: Some(99_000) };
    assert_eq!(reading.pods["b"], unknown);
    assert_eq!(reading.skipped, Skipped { repeated: 1, stale: 1, ..Skipped::default() });
}

#[test]
fn times_are_remembered_over_a_reading_that_failed() {
    let known = scrapes(&[("a", 98_000), ("b", 99_000)], &[("a", 97_000)]);
    let mut reading = reading();
    reading.judge_age(&scrapes(&[("a", 99_500)], &[]), &known, INTERVAL);
    assert_eq!(reading.scrapes, scrapes(&[("a", 99_500), ("b", 99_000)], &[("a", 97_000)]));
    assert_eq!(reading.pods["b"].metrics, PodMetrics::default(), "its age is not known");
    assert_eq!(reading.scrapes.of(&["b".into()]), scrapes(&[("b", 99_000)], &[]));
}
