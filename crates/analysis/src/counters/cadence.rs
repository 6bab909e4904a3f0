//! The time between two scrapes of a pod, learned from the record: Prometheus has a pace of its
//! own, which may be slower than that of observations. Nothing is counted here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::numbers::Millis;
use crate::observation::{Observation, PodMetrics};

/// Longest time between scrapes that is believed: Prometheus takes a series for gone after five
/// minutes.
const LONGEST_CADENCE: Millis = 300_000;

/// The usual time between two scrapes of a pod, at least `interval`, which it is without two of
/// them.
pub(crate) fn cadence(observations: impl Iterator<Item = Observation>, interval: Millis) -> Millis {
    let mut latest: BTreeMap<Arc<str>, Millis> = BTreeMap::new();
    let mut gaps = Vec::new();
    for seen in observations {
        for pod in &seen.pods {
            if !pod.metrics.as_ref().is_some_and(has_totals) {
                continue;
            }
            if let Some(before) = latest.insert(pod.name.clone(), seen.at) {
                gaps.push(seen.at.saturating_sub(before));
            }
        }
    }
    let middle = gaps.len() / 2;
    if gaps.is_empty() {
        return interval;
    }
    let (_, median, _) = gaps.select_nth_unstable(middle);
    (*median).clamp(interval, LONGEST_CADENCE.max(interval))
}

/// Whether a scrape has counters, not only something beside them.
pub(crate) fn has_totals(metrics: &PodMetrics) -> bool {
    let built_in = [metrics.consumed, metrics.processed, metrics.errors, metrics.filtered];
    built_in.iter().any(Option::is_some)
        || metrics.latency.is_some()
        || metrics.user.values().any(|it| it.events.is_some() || it.total.is_some())
}
