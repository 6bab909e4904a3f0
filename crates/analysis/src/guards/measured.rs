//! From the metrics of one pod to the value of a named check: which counters, and which formula.
//! Pure arithmetic; time, pods and bounds are elsewhere.

use std::sync::Arc;

use crate::counters::cadence::has_totals;
use crate::counters::counter::is_total;
use crate::counters::latency::MOST_EDGES;
use crate::guards::held::Level;
use crate::observation::{Histogram, PodMetrics};
use crate::settings::check::{Input, Measure, NoValue};

/// The quantile of `latency_p99`.
const QUANTILE: f64 = 0.99;

/// What one scrape of a pod says of a check.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    /// Nothing: it lies between two scrapes.
    Nothing,
    Missing(NoValue),
    /// The value itself.
    Level(Level),
    /// Counters whose rises make the value. Edges: of a histogram, else none.
    Totals {
        edges: Arc<[f64]>,
        totals: Vec<f64>,
    },
}

impl Measure {
    /// What the metrics of a pod say.
    pub(crate) fn read(self, metrics: &PodMetrics) -> Shown {
        let read = match self {
            Self::MemoryUsage => return memory(metrics),
            Self::ErrorRate => error_totals(metrics),
            Self::SuccessRate => success_totals(metrics),
            Self::LatencyP99 => metrics.latency.as_ref().and_then(buckets).ok_or(Input::Latency),
        };
        match read {
            Ok((edges, totals)) => Shown::Totals { edges, totals },
            Err(_) if !has_totals(metrics) => Shown::Nothing,
            Err(input) => Shown::Missing(NoValue::NoSeries { input }),
        }
    }

    /// The value that these rises of the totals make.
    ///
    /// # Errors
    /// They hold no message.
    pub(crate) fn level(self, edges: &[f64], rises: &[f64]) -> Result<Level, NoValue> {
        match (self, rises) {
            (Self::ErrorRate, &[errors, consumed]) => share(errors, consumed),
            (Self::SuccessRate, &[processed, errors]) => share(processed, processed + errors),
            (Self::LatencyP99, [below @ .., all]) => quantile(edges, below, *all),
            (Self::ErrorRate | Self::SuccessRate | Self::LatencyP99 | Self::MemoryUsage, _) => {
                Err(NoValue::NoMessages)
            }
        }
    }

    /// Why there is no value where no pod has shown anything.
    pub(crate) const fn unread(self) -> NoValue {
        match self {
            Self::ErrorRate | Self::SuccessRate | Self::LatencyP99 => NoValue::Unread,
            // There are defaults for it, which not every pod exports.
            Self::MemoryUsage => NoValue::NoSeries { input: Input::WorkingSet },
        }
    }

    /// Whether a missing series of errors is read as 0 here.
    pub(crate) const fn counts_errors(self) -> bool {
        match self {
            Self::ErrorRate | Self::SuccessRate => true,
            Self::LatencyP99 | Self::MemoryUsage => false,
        }
    }
}

type Totals = (Arc<[f64]>, Vec<f64>);

fn error_totals(metrics: &PodMetrics) -> Result<Totals, Input> {
    let consumed = total(metrics.consumed).ok_or(Input::Consumed)?;
    Ok((Arc::default(), vec![errors(metrics)?, consumed]))
}

fn success_totals(metrics: &PodMetrics) -> Result<Totals, Input> {
    let processed = total(metrics.processed).ok_or(Input::Processed)?;
    Ok((Arc::default(), vec![processed, errors(metrics)?]))
}

/// A missing series is 0 while the pod is scraped: many libraries create it with the first error.
fn errors(metrics: &PodMetrics) -> Result<f64, Input> {
    match metrics.errors {
        Some(_) => total(metrics.errors).ok_or(Input::Errors),
        None => Ok(0.0),
    }
}

fn memory(metrics: &PodMetrics) -> Shown {
    // It is scraped apart from the counters, and not there between two scrapes.
    let Some(shown) = metrics.working_set else { return Shown::Nothing };
    let Some(used) = total(Some(shown)) else {
        return Shown::Missing(NoValue::NoSeries { input: Input::WorkingSet });
    };
    // Less than a byte is no limit, and no divisor.
    match total(metrics.memory_limit).filter(|limit| *limit >= 1.0) {
        Some(limit) => Shown::Level(Level::Is(used / limit)),
        None => Shown::Missing(NoValue::NoLimit),
    }
}

/// Edges and cumulative counts with the total; `None`: it is no histogram.
fn buckets(histogram: &Histogram) -> Option<Totals> {
    let Histogram { edges, counts, total: all } = histogram;
    let known = edges.len().min(MOST_EDGES);
    let ascend = edges.windows(2).all(|pair| pair[0] < pair[1]);
    let finite = known > 0 && edges.iter().all(|edge| edge.is_finite());
    let mut totals = counts.get(..known)?.to_vec();
    totals.push(*all);
    let sane = edges.len() == counts.len() && totals.iter().all(|count| is_total(*count));
    (ascend && finite && sane).then(|| (edges[..known].into(), totals))
}

fn total(value: Option<f64>) -> Option<f64> {
    value.filter(|it| is_total(*it))
}

/// Messages are counted when they are taken and fail a little later: never above 1.
fn share(part: f64, of: f64) -> Result<Level, NoValue> {
    if of > 0.0 { Ok(Level::Is((part / of).min(1.0))) } else { Err(NoValue::NoMessages) }
}

/// As Prometheus' `histogram_quantile` has it: linear within a bucket, the first of which begins at
/// 0. Above the largest edge it says so; Prometheus answers with that edge.
fn quantile(edges: &[f64], below: &[f64], all: f64) -> Result<Level, NoValue> {
    if all <= 0.0 {
        return Err(NoValue::NoMessages);
    }
    let rank = QUANTILE * all;
    let (mut begin, mut passed) = (0.0_f64, 0.0_f64);
    for (&edge, &count) in edges.iter().zip(below) {
        if count >= rank {
            let from = begin.min(edge);
            let part = (rank - passed) / (count - passed);
            return Ok(Level::Is(from * (1.0 - part) + edge * part));
        }
        // A scrape amid an increment may show a bucket below the one before it.
        passed = passed.max(count);
        begin = edge;
    }
    Ok(Level::Above(begin))
}

#[cfg(test)]
mod tests;
