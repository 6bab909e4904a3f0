//! The counters behind a user's ratios, and their rises between two scrapes of a pod.
//! Resets and missing series follow the rules of all counters; nothing is compared.

use std::sync::Arc;

use crate::counters::counter::{Count, is_total, rise, whole, whole_or_zero};
use crate::counters::rise::ShownCount;
use crate::observation::PodMetrics;

/// The two counters of one ratio at one scrape, as far as they are numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserTotals {
    events: Option<f64>,
    total: Option<f64>,
    /// Whether the pod exports events: a missing series is read as 0.
    shown: bool,
}

impl UserTotals {
    /// Totals of a pod that has just begun.
    pub(crate) const ZERO: Self = Self { events: Some(0.0), total: Some(0.0), shown: false };

    /// Totals of each named ratio, in the order of the names.
    pub(crate) fn of(metrics: &PodMetrics, names: &[Arc<str>]) -> Vec<Self> {
        let totals = |name| {
            let reading = metrics.user.get(name).copied().unwrap_or_default();
            let total = whole(reading.total);
            let events = whole_or_zero(reading.events, total);
            Self { events, total, shown: reading.events.is_some() }
        };
        names.iter().map(totals).collect()
    }

    /// Rises between two scrapes of the same ratios.
    pub(crate) fn rises(before: &[Self], now: &[Self], restarted: bool) -> Vec<ShownCount> {
        let one = |(before, now): (&Self, &Self)| {
            let events = rise(before.events, now.events, restarted);
            let of = rise(before.total, now.total, restarted);
            let count = of.map(|of| Count::known(events, of)).unwrap_or_default();
            ShownCount { count, shown: now.shown }
        };
        before.iter().zip(now).map(one).collect()
    }
}

/// Number of exported counters of these ratios that can't be totals.
pub(crate) fn unreadable(metrics: &PodMetrics, names: &[Arc<str>]) -> usize {
    let readings = names.iter().filter_map(|name| metrics.user.get(name));
    let counters = readings.flat_map(|reading| [reading.events, reading.total]).flatten();
    counters.filter(|value| !is_total(*value)).count()
}
