//! What one look at the pods yielded, and the rules by which a number becomes evidence.
//! Pure: what was answered comes in, what may be believed goes out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::{Millis, PodMetrics};

use crate::error::ReadError;
use crate::histogram::Buckets;
use crate::series::Signal;

/// A sample is too old when this many intervals have passed: one scrape may fail, two in a row
/// mean that the pod does not answer.
const MAX_AGE_INTERVALS: u32 = 3;

/// One look at the pods of a rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Moment of all values.
    pub at: Millis,
    /// Readings of the pods that something is known of.
    pub pods: HashMap<Arc<str>, PodReading>,
    /// Metrics and pods that could not be read.
    pub failures: Vec<ReadError>,
    /// Counts of what was read and is no evidence.
    pub skipped: Skipped,
    /// Times of the newest samples, for the next reading of these pods.
    pub scrapes: Scrapes,
}

/// What one pod exports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodReading {
    /// Metrics of one scrape; memory may come from another exporter.
    /// `memory_limit` is never set: it is in the pod's spec.
    pub metrics: PodMetrics,
    /// When the application was scraped. `None`: unknown, and then so are its metrics.
    pub scraped_at: Option<Millis>,
}

/// Counts of numbers that are not taken as evidence, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// NaN or infinite.
    pub not_finite: u32,
    /// Below zero.
    pub negative: u32,
    /// Histograms without an infinite bucket, or with counts that fall or are no numbers.
    pub irregular_histograms: u32,
    /// Pods whose newest sample was in the previous reading already; application and memory
    /// count apart.
    pub repeated: u32,
    /// Pods whose newest sample is older than three intervals, or of unknown age; application and
    /// memory count apart.
    pub stale: u32,
    /// Series of pods that were not asked for, or of none.
    pub foreign: u32,
    /// Topics of a pod that its client library has registered under two names, each counted once.
    pub doubled: u32,
}

/// Times of the pods' newest samples, as far as known. Empty before the first reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrapes {
    pub(crate) application: HashMap<Arc<str>, Millis>,
    pub(crate) memory: HashMap<Arc<str>, Millis>,
}

/// Whether a pod's newest sample is newer than in the previous reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    New,
    Repeated,
    Stale,
}

/// Freshness of a pod's newest sample. A sample of unknown time is stale: the same value again
/// would look like a pod that does nothing.
pub(crate) fn freshness(
    newest: Option<Millis>,
    previous: Option<Millis>,
    at: Millis,
    interval: Duration,
) -> Freshness {
    let max_age =
        i64::try_from(interval.saturating_mul(MAX_AGE_INTERVALS).as_millis()).unwrap_or(i64::MAX);
    match newest {
        None => Freshness::Stale,
        Some(newest) if at.saturating_sub(newest) > max_age => Freshness::Stale,
        Some(newest) if previous.is_some_and(|previous| newest <= previous) => Freshness::Repeated,
        Some(_) => Freshness::New,
    }
}

impl Skipped {
    /// Returns a value that is a finite number ≥ 0 and counts any other.
    pub(crate) fn believe(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            self.not_finite += 1;
            return None;
        }
        if value < 0.0 {
            self.negative += 1;
            return None;
        }
        Some(value)
    }

    fn add(&mut self, other: Self) {
        let Self { not_finite, negative, irregular_histograms, repeated, stale, foreign, doubled } =
            other;
        self.not_finite += not_finite;
        self.negative += negative;
        self.irregular_histograms += irregular_histograms;
        self.repeated += repeated;
        self.stale += stale;
        self.foreign += foreign;
        self.doubled += doubled;
    }

    pub(crate) fn count(&mut self, freshness: Freshness) {
        match freshness {
            Freshness::New => {}
            Freshness::Repeated => self.repeated += 1,
            Freshness::Stale => self.stale += 1,
        }
    }
}

impl Reading {
    /// Takes in what was read of one pod.
    pub(crate) fn take(&mut self, one: Self) {
        let Self { at: _, pods, failures, skipped, scrapes: _ } = one;
        self.pods.extend(pods);
        self.failures.extend(failures);
        self.skipped.add(skipped);
    }

    /// Enters one number of a pod.
    pub(crate) fn put(&mut self, pod: &Arc<str>, signal: Signal, value: f64) {
        let Some(value) = self.skipped.believe(value) else { return };
        let metrics = &mut self.pods.entry(Arc::clone(pod)).or_default().metrics;
        match signal {
            Signal::Consumed => metrics.consumed = Some(value),
            Signal::Processed => metrics.processed = Some(value),
            Signal::Errors => metrics.errors = Some(value),
            Signal::Filtered => metrics.filtered = Some(value),
            Signal::WorkingSet => metrics.working_set = Some(value),
            Signal::Cpu => metrics.cpu_seconds = Some(value),
            // No single numbers: see `put_buckets` and `judge_age`.
            Signal::Latency | Signal::ScrapeTime => {}
        }
    }

    /// Enters a pod's histogram.
    pub(crate) fn put_buckets(&mut self, pod: &Arc<str>, buckets: Buckets) {
        match buckets.histogram() {
            Some(latency) => {
                self.pods.entry(Arc::clone(pod)).or_default().metrics.latency = Some(latency);
            }
            None => self.skipped.irregular_histograms += 1,
        }
    }

    /// Removes metrics whose sample is not new, and keeps the times for the next reading. `newest`
    /// holds the times of this reading, as far as they were answered.
    pub(crate) fn judge_age(&mut self, newest: &Scrapes, previous: &Scrapes, interval: Duration) {
        for (name, pod) in &mut self.pods {
            let (now, before) = (newest.application.get(name), previous.application.get(name));
            let age = freshness(now.copied(), before.copied(), self.at, interval);
            pod.scraped_at = now.copied();
            if age != Freshness::New {
                if has_application(&pod.metrics) || now.is_some() {
                    self.skipped.count(age);
                }
                let PodMetrics { working_set, cpu_seconds, .. } = pod.metrics;
                pod.metrics = PodMetrics { working_set, cpu_seconds, ..PodMetrics::default() };
            }
            let (now, before) = (newest.memory.get(name), previous.memory.get(name));
            let age = freshness(now.copied(), before.copied(), self.at, interval);
            if age != Freshness::New && pod.metrics.working_set.take().is_some() {
                self.skipped.count(age);
            }
        }
        self.scrapes = Scrapes {
            application: latest(&newest.application, &previous.application),
            memory: latest(&newest.memory, &previous.memory),
        };
    }
}

impl Scrapes {
    /// The times of these pods alone: names of pods that are gone don't pile up.
    pub(crate) fn of(&self, pods: &[Arc<str>]) -> Self {
        let only = |times: &HashMap<Arc<str>, Millis>| {
            pods.iter().filter_map(|pod| Some((Arc::clone(pod), *times.get(pod)?))).collect()
        };
        Self { application: only(&self.application), memory: only(&self.memory) }
    }
}

fn has_application(metrics: &PodMetrics) -> bool {
    [metrics.consumed, metrics.processed, metrics.errors, metrics.filtered]
        .iter()
        .any(Option::is_some)
        || metrics.latency.is_some()
}

fn latest(
    newest: &HashMap<Arc<str>, Millis>,
    previous: &HashMap<Arc<str>, Millis>,
) -> HashMap<Arc<str>, Millis> {
    let mut times = previous.clone();
    for (pod, time) in newest {
        let known = times.entry(Arc::clone(pod)).or_insert(*time);
        *known = (*known).max(*time);
    }
    times
}

#[cfg(test)]
mod tests;
