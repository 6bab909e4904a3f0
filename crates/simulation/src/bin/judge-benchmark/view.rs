//! What a threshold or a test is usually given: counts by role since the last look, and the lag.
//! Resets are taken care of as Prometheus' `increase` does.

use std::collections::BTreeMap;
use std::sync::Arc;

use siskin_analysis::observation::{Observation, Owner, PodMetrics, PodObservation, Role};

/// The edge above which a tenth of a healthy pod's messages lie.
const SLOW_FROM: usize = 3;

/// Messages and what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub messages: f64,
    pub errors: f64,
    pub slow: f64,
    pub lost: f64,
}

/// One look at a group.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Seconds since the trial began.
    pub second: i64,
    pub canary: Tally,
    pub primary: Tally,
    /// Whether anything was heard of the canary's metrics.
    pub heard: bool,
    /// Whether Kafka answered.
    pub answered: bool,
    /// Container restarts of the canary.
    pub restarts: u32,
    /// Whether a container of the canary waits in a crash loop.
    pub crash_loop: bool,
    /// Seconds since the canary's youngest pod was created; none without a canary.
    pub age: Option<i64>,
    /// Messages of the canary's pods, since their start, that are neither processed nor failed.
    pub missing: f64,
    /// Counts of each pod of the primary.
    pub pods: Vec<(Arc<str>, Tally)>,
    /// Partitions of the canary, and of the primary.
    pub partitions: Vec<PartitionOffsets>,
    pub primary_partitions: Vec<PartitionOffsets>,
}

/// Committed offset and log end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionOffsets {
    pub partition: i32,
    pub committed: i64,
    pub end: i64,
}

/// Makes views of observations.
#[derive(Clone, Debug, Default)]
pub struct Viewer {
    totals: BTreeMap<Arc<str>, Tally>,
}

impl Tally {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            errors: self.errors + other.errors,
            slow: self.slow + other.slow,
            lost: self.lost + other.lost,
        }
    }

    fn of(metrics: &PodMetrics) -> Option<Self> {
        let histogram = metrics.latency.as_ref()?;
        let (messages, errors) = (metrics.consumed?, metrics.errors.unwrap_or(0.0));
        let slow = histogram.total - histogram.counts.get(SLOW_FROM)?;
        Some(Self { messages, errors, slow, lost: messages - errors - metrics.processed? })
    }

    fn since(self, before: Option<Self>) -> Self {
        let before = before.filter(|before| before.messages <= self.messages).unwrap_or_default();
        Self {
            messages: self.messages - before.messages,
            errors: (self.errors - before.errors).max(0.0),
            slow: (self.slow - before.slow).max(0.0),
            lost: (self.lost - before.lost).max(0.0),
        }
    }
}

impl Tally {
    /// Counts of what a judge compares: errors, slow messages, lost ones.
    pub const fn events(self) -> [f64; 3] {
        [self.errors, self.slow, self.lost]
    }
}

impl View {
    /// Messages waiting at the canary's partition where most wait.
    pub fn lag(&self) -> f64 {
        most_waiting(&self.partitions)
    }

    /// Messages waiting at the primary's partition where most wait.
    pub fn primary_lag(&self) -> f64 {
        most_waiting(&self.primary_partitions)
    }
}

fn most_waiting(partitions: &[PartitionOffsets]) -> f64 {
    let waiting = partitions.iter().map(|it| it.end - it.committed);
    f64::from(i32::try_from(waiting.max().unwrap_or(0)).unwrap_or(i32::MAX))
}

fn offsets(seen: &Observation, wanted: Role) -> Vec<PartitionOffsets> {
    let rows = seen.group.iter().flat_map(|group| &group.partitions);
    let owned = rows.filter(|row| matches!(row.owner, Owner::Pod { role, .. } if role == wanted));
    owned
        .filter_map(|row| {
            let (committed, end) = (row.committed?, row.log_end?);
            Some(PartitionOffsets { partition: row.partition, committed, end })
        })
        .collect()
}

impl Viewer {
    /// A view of an observation.
    pub fn view(&mut self, second: i64, seen: &Observation) -> View {
        let mut view = View { second, answered: seen.group.is_some(), ..View::default() };
        for pod in &seen.pods {
            self.count(pod, &mut view);
            if pod.role == Role::Canary {
                let age = (seen.at - pod.created) / 1_000;
                view.age = Some(view.age.map_or(age, |youngest| youngest.min(age)));
                view.restarts += pod.restarts;
                view.crash_loop |= pod.crash_loop;
            }
        }
        view.partitions = offsets(seen, Role::Canary);
        view.primary_partitions = offsets(seen, Role::Primary);
        view
    }

    fn count(&mut self, pod: &PodObservation, view: &mut View) {
        let Some(total) = pod.metrics.as_ref().and_then(Tally::of) else { return };
        let rise = total.since(self.totals.insert(pod.name.clone(), total));
        match pod.role {
            Role::Primary => {
                view.primary = view.primary.plus(rise);
                view.pods.push((pod.name.clone(), rise));
            }
            Role::Canary => {
                view.missing += total.lost;
                view.heard = true;
                view.canary = view.canary.plus(rise);
            }
        }
    }
}
