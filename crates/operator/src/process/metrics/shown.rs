//! Each rollout as series of its own: what it is in, and for how long something has held it.
//! Made at each scrape from what the watch has shown last; nothing is kept for it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use siskin_api::{Phase, Verdict};

use super::endings::Ended;
use crate::clock;

/// A rollout, as its status says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its phase; `None` before its first status.
    pub phase: Option<Phase>,
    /// What the comparison of the attempt under way, or of the last one, says.
    pub verdict: Option<Verdict>,
    /// What keeps it from going on.
    pub held: Vec<Hold>,
    /// How its last attempt ended, if one did.
    pub ended: Option<End>,
}

/// How an attempt ended, as the status' history says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// As it is counted.
    pub how: Ended,
    /// When.
    pub at: Timestamp,
}

/// A condition that says that a rollout does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The condition's type.
    pub condition: &'static str,
    /// The condition's reason.
    pub reason: Box<str>,
    /// Since when the condition says so.
    pub since: Timestamp,
}

/// Tells all rollouts there are.
type Source = Box<dyn Fn() -> Vec<Shown> + Send + Sync>;

/// Collects the series of all rollouts, if this process leads.
#[derive(Clone)]
pub(super) struct Shows {
    leader: Gauge,
    source: Arc<OnceLock<Source>>,
}

impl Shows {
    pub(super) fn new(leader: Gauge) -> Self {
        Self { leader, source: Arc::default() }
    }

    /// Takes the rollouts from this source. The first one stays.
    pub(super) fn from(&self, source: Source) {
        self.source.set(source).ok();
    }
}

impl fmt::Debug for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shows").finish_non_exhaustive()
    }
}

impl Collector for Shows {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // One that waits for the lease knows them, too: the series would be there twice.
        let Some(source) = self.source.get().filter(|_| self.leader.get() == 1) else {
            return Ok(());
        };
        let (all, now) = (source(), clock::now());
        info(&mut encoder, &all)?;
        held(&mut encoder, &all, now)?;
        ended(&mut encoder, &all)
    }
}

fn info(encoder: &mut DescriptorEncoder<'_>, all: &[Shown]) -> fmt::Result {
    let help = "1 for each CanaryRollout, with its phase and what the comparison says";
    let gauge = ConstGauge::new(1_i64);
    let mut family = encoder.encode_descriptor("rollout_info", help, None, MetricType::Gauge)?;
    for it in all {
        let phase: &str = it.phase.map_or("", Into::into);
        let verdict: &str = it.verdict.map_or("", Into::into);
        let labels = [
            ("namespace", &*it.namespace),
            ("name", &*it.name),
            ("phase", phase),
            ("verdict", verdict),
        ];
        gauge.encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn held(encoder: &mut DescriptorEncoder<'_>, all: &[Shown], now: Timestamp) -> fmt::Result {
    let help = "Time since a condition says that a CanaryRollout does not go on";
    let mut family =
        encoder.encode_descriptor("rollout_held_seconds", help, None, MetricType::Gauge)?;
    for it in all {
        for hold in &it.held {
            let seconds = now.duration_since(hold.since).as_secs_f64().max(0.0);
            let labels = [
                ("namespace", &*it.namespace),
                ("name", &*it.name),
                ("condition", hold.condition),
                ("reason", &*hold.reason),
            ];
            ConstGauge::new(seconds).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// A time and no counter: what began and ended while nobody scraped is told, too, and by the rollout's own name.
fn ended(encoder: &mut DescriptorEncoder<'_>, all: &[Shown]) -> fmt::Result {
    let help = "When the last attempt of a CanaryRollout ended, in seconds since 1970, and how";
    let name = "rollout_ended_timestamp_seconds";
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for it in all {
        let Some(End { how, at }) = it.ended else { continue };
        let labels = [
            ("namespace", &*it.namespace),
            ("name", &*it.name),
            ("outcome", how.outcome),
            ("reason", how.reason),
        ];
        ConstGauge::new(at.as_second()).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
