//! Memory of canary pods that grows towards the limit, before it ends in a kill.
//! Judged by a pod's own headroom; a kill that has happened is the crash guard's business.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::counters::counter::is_total;
use crate::engines::drift_test::{Drift, DriftTest, WIDEST_SCALE};
use crate::findings::effect::Effect;
use crate::numbers::{Millis, count};
use crate::observation::name_table::NameTable;
use crate::observation::{Observation, PodObservation, Role, staying};
use crate::signals::pod_accounts::PodAccounts;

/// Heaps, caches and pools fill for this long after a start.
const GRACE_AGE: Millis = 180_000;
/// Length of a window, and the unit of growth.
const WINDOW: Millis = 60_000;
/// Growth of 1: the headroom would be used up in this time, in milliseconds.
const USED_UP_IN: Millis = 3_600_000;
/// Growth beyond this says no more.
const MOST_GROWTH: f64 = 4.0;
/// A working set up to this multiple of the largest of any primary pod is normal.
const NORMAL_RATIO: f64 = 1.1;
/// Least part of the limit that counts as headroom, so that a pod at its limit has a rate.
const LEAST_HEADROOM_SHARE: f64 = 0.01;

/// Bytes per minute below which there is no growth to speak of.
const LEAST_BYTES_PER_MINUTE: f64 = 1.0;

/// The signal of memory.
///
/// Growth y per minute is measured in headrooms per hour, from new highs of the least working set
/// in each minute, so that a heap's sawtooth is none. Null hypothesis: E\[clip(y, 0, 4)\] ≤ 1,
/// which bets on (y − 1)/4 with scale ¼: `a ← a·(1 + λ·(y − 1))`.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Largest working set of a primary pod so far, in bytes.
    largest: f64,
    /// Age from which a pod is compared.
    grace: Millis,
    ledger: DriftTest<Arc<str>>,
    window: Option<Millis>,
    pods: BTreeMap<Arc<str>, PodMemory>,
    /// When the latest window was bet on.
    pub(crate) latest: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
struct PodMemory {
    /// Least in this window; `None`: nothing was seen yet.
    least: Option<f64>,
    limit: f64,
    /// The highest least so far.
    high: Option<f64>,
    /// Growth of the latest window, in bytes per minute.
    growth: f64,
}

/// The signal as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedMemory {
    largest: f64,
    #[serde(flatten)]
    accounts: PodAccounts,
}

impl Memory {
    /// `None`: the primary's pods don't show both working set and limit.
    pub(crate) fn learn(
        record: impl Iterator<Item = Observation>,
        warm_up: Millis,
    ) -> Option<Self> {
        let largest = record.filter_map(|seen| largest_of_primary(&seen)).reduce(f64::max)?;
        Some(Self::with(largest, warm_up, DriftTest::new(WIDEST_SCALE)))
    }

    fn with(largest: f64, warm_up: Millis, ledger: DriftTest<Arc<str>>) -> Self {
        let grace = GRACE_AGE.max(warm_up);
        Self { largest, grace, ledger, window: None, pods: BTreeMap::new(), latest: None }
    }

    /// Age of a pod at which its first window can be over: one after the one that sets the start,
    /// which may have begun before.
    pub(crate) fn speaks_from(warm_up: Millis) -> Millis {
        GRACE_AGE.max(warm_up).saturating_add(WINDOW)
    }

    /// Takes the canary's pods of an observation; bets once a minute.
    pub(crate) fn observe(&mut self, seen: &Observation) {
        let pods = || staying(&seen.pods, Role::Canary);
        self.pods.retain(|name, _| pods().any(|pod| pod.name == *name));
        for pod in pods().filter(|pod| seen.at.saturating_sub(pod.created) >= self.grace) {
            let Some((set, limit)) = reading(pod) else { continue };
            let fresh = PodMemory { least: None, limit, high: None, growth: 0.0 };
            let entry = self.pods.entry(pod.name.clone()).or_insert(fresh);
            entry.limit = limit;
            entry.least = Some(entry.least.map_or(set, |least| least.min(set)));
        }
        let begin = *self.window.get_or_insert(seen.at);
        if seen.at.saturating_sub(begin) >= WINDOW {
            self.window = Some(seen.at);
            self.bet(seen.at, seen.at.saturating_sub(begin));
        }
        // After the bet, which only what came before it may spare.
        self.largest = largest_of_primary(seen).map_or(self.largest, |it| it.max(self.largest));
    }

    pub(crate) fn forget_times(&mut self) {
        self.window = None;
        self.latest = None;
        self.pods.clear();
    }

    fn bet(&mut self, at: Millis, span: Millis) {
        let mut drifts = Vec::with_capacity(self.pods.len());
        for (name, pod) in &mut self.pods {
            let Some(least) = pod.least.take() else { continue };
            let before = pod.high.map_or(least, |high| high.max(least));
            let Some(high) = pod.high.replace(before) else { continue };
            pod.growth = (before - high) * count(WINDOW) / count(span.max(WINDOW));
            let headroom = (pod.limit - least).max(LEAST_HEADROOM_SHARE * pod.limit);
            let normal = least <= NORMAL_RATIO * self.largest;
            let per_hour = pod.growth * count(USED_UP_IN) / count(WINDOW) / headroom;
            let y = if normal { 0.0 } else { per_hour.clamp(0.0, MOST_GROWTH) };
            let judged = (y - 1.0) * WIDEST_SCALE;
            drifts.push(Drift { id: name.clone(), judged: Some(judged), seen: pod.growth });
        }
        if !drifts.is_empty() {
            self.latest = Some(at);
        }
        let owned: Vec<_> = self.pods.keys().collect();
        self.ledger.keep_only(&owned);
        self.ledger.bet(&drifts, 0.0);
    }

    pub(crate) fn ln_value(&self) -> f64 {
        self.ledger.ln_value()
    }

    /// The pod with the most evidence, and how fast it grows.
    pub(crate) fn leading(&self) -> Option<(Arc<str>, Effect)> {
        let (pod, growth) = self.ledger.leading()?;
        let seen = self.pods.get(pod);
        let used = seen.and_then(|pod| pod.high).unwrap_or(0.0);
        let headroom = seen.map_or(0.0, |pod| (pod.limit - used).max(0.0));
        let minutes_left = (growth >= LEAST_BYTES_PER_MINUTE).then(|| headroom / growth);
        Some((pod.clone(), Effect::Growth { bytes_per_minute: growth, minutes_left }))
    }

    /// The smallest steady growth that would have reached `ln_needed` by now, in headrooms per
    /// hour.
    pub(crate) fn smallest_seen(&self, ln_needed: f64) -> Option<f64> {
        let drift = self.ledger.smallest_drift_seen(ln_needed, 0.0, 0.0)?;
        Some(drift / WIDEST_SCALE + 1.0)
    }

    pub(crate) fn save(&self, names: &mut NameTable, pooled: bool) -> SavedMemory {
        let accounts = PodAccounts::of(&self.ledger, names, pooled);
        SavedMemory { largest: self.largest, accounts }
    }

    /// What [`Memory::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(saved: SavedMemory, warm_up: Millis, names: &[Arc<str>]) -> Option<Self> {
        let ledger = saved.accounts.restored(WIDEST_SCALE, names)?;
        Some(Self::with(saved.largest.max(0.0), warm_up, ledger))
    }
}

/// The largest working set of the primary's pods at one moment.
fn largest_of_primary(seen: &Observation) -> Option<f64> {
    let primary = seen.pods.iter().filter(|pod| pod.role == Role::Primary);
    primary.filter_map(|pod| Some(reading(pod)?.0)).reduce(f64::max)
}

/// Working set and limit of a pod.
fn reading(pod: &PodObservation) -> Option<(f64, f64)> {
    let metrics = pod.metrics.as_ref()?;
    let (set, limit) = (metrics.working_set?, metrics.memory_limit?);
    (is_total(set) && is_total(limit) && limit > 0.0).then_some((set, limit))
}
