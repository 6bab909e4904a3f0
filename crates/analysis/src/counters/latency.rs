//! Which messages are slow: those above one edge of the histogram, chosen before the trial.
//! An edge chosen later could be chosen to convict.

use crate::counters::counter::is_total;
use crate::observation::{Histogram, Observation, Role};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The share of the primary's messages that should be slow: few enough that a slower canary
/// multiplies it, enough to be counted soon.
const WANTED: f64 = 0.10;
/// Shares that will do. Outside, latency is not judged.
const USABLE: std::ops::RangeInclusive<f64> = 0.01..=0.30;
/// Edges looked at.
pub(crate) const MOST_EDGES: usize = 64;

/// Messages above an edge, and all. `None`: the histogram has no such edge, or is no histogram.
pub(crate) fn split(histogram: &Histogram, edge: f64) -> Option<(f64, f64)> {
    let index = histogram.edges.iter().take(MOST_EDGES).position(|it| same(*it, edge))?;
    let below = *histogram.counts.get(index)?;
    let sane = is_total(below) && is_total(histogram.total) && below <= histogram.total;
    sane.then_some((histogram.total - below, histogram.total))
}

/// The edge above which nearest to a tenth of the primary's messages lay in a record.
pub(crate) fn slow_from(record: impl Iterator<Item = Observation>) -> Option<f64> {
    let mut spans: BTreeMap<Arc<str>, (Histogram, Histogram)> = BTreeMap::new();
    for seen in record {
        for pod in seen.pods.into_iter().filter(|pod| pod.role == Role::Primary) {
            let Some(histogram) = pod.metrics.and_then(|metrics| metrics.latency) else { continue };
            match spans.get_mut(&pod.name) {
                // A reset: only what came after it is counted.
                Some((first, last)) if histogram.total < last.total => {
                    *first = histogram.clone();
                    *last = histogram;
                }
                Some((_, last)) => *last = histogram,
                None => {
                    spans.insert(pod.name, (histogram.clone(), histogram));
                }
            }
        }
    }
    let edges = spans.values().next()?.1.edges.clone();
    let share = |edge: f64| {
        let (mut slow, mut all) = (0.0, 0.0);
        for (first, last) in spans.values() {
            let (before, after) = (split(first, edge)?, split(last, edge)?);
            slow += after.0 - before.0;
            all += after.1 - before.1;
        }
        (all > 0.0).then_some(slow / all)
    };
    let finite = edges.iter().take(MOST_EDGES).copied().filter(|edge| edge.is_finite());
    let usable = finite.filter_map(|edge| Some((edge, share(edge)?)));
    let distance = |share: f64| (share.max(1e-9).ln() - WANTED.ln()).abs();
    usable
        .filter(|(_, share)| USABLE.contains(share))
        .min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))
        .map(|(edge, _)| edge)
}

/// Whether two edges are the same bucket's, printed by two versions of a library.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs()
}
