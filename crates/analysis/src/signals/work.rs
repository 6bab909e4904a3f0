//! Work against commits: a canary that commits more than it consumes, which lag can't show, or consumes
//! more than it commits. Compares totals over whole windows, so that the phase of commits doesn't matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::counters::meter::Meter;
use crate::engines::drift_test::{Drift, DriftTest};
use crate::findings::effect::Effect;
use crate::lag::partitions::PartitionLag;
use crate::lag::roster::Roster;
use crate::normal::prediction::prediction_limit;
use crate::numbers::{Millis, count, median};
use crate::observation::Role;
use crate::observation::name_table::NameTable;
use crate::signals::pod_accounts::PodAccounts;

/// Share of messages committed without work, or worked on twice, that is nobody's fault: noise of
/// scrapes and commits.
const LEAST_TOLERATED_SHARE: f64 = 0.05;
/// Where pods differ by more, a canary that skips or repeats all of its work looks like one of them.
const MOST_TOLERATED_SHARE: f64 = 1.0;
/// Deviation of the messages per offset from pod to pod that is assumed beforehand. Where compaction
/// has made them differ by partition, a canary may have been dealt any of them.
const SHARE_DEVIATION: f64 = 0.01;
/// Scale of healthy differences.
const SHARE_SCALE: f64 = 0.1;
/// Windows are at least this long, and two commit gaps: the least G is met once in each.
const SHORTEST_WINDOW: Millis = 30_000;
const COMMIT_GAPS: i64 = 2;
/// Messages per offset that can be: compaction leaves few, repeated rebalances deliver some often.
const DENSITIES: std::ops::RangeInclusive<f64> = 1e-6..=1e3;
/// Messages a pod must commit in a window to say anything.
const LEAST_MESSAGES: f64 = 20.0;

/// What may be wrong between work and commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkFault {
    /// Messages are committed that nobody worked on.
    Skipped,
    /// Messages are worked on again. Those that are read again after a rebalance or a rewind don't count:
    /// they were not committed.
    Repeated,
}

/// The signal of yield, or that of duplicates.
///
/// Per pod, G = d·committed − consumed, with d the messages per offset of the record, or −G for
/// duplicates. A consumer that works keeps both below a bound, under a sawtooth of commits; one that
/// skips lets G rise, one that repeats −G. Per window y = (rise of the least)/(d·rise of committed),
/// less the primary's median, above 0.
#[derive(Clone, Debug)]
pub(crate) struct WorkSignal {
    fault: WorkFault,
    /// Messages per offset: transaction markers and compaction leave offsets without one.
    density: f64,
    tolerated: f64,
    ledger: DriftTest<Arc<str>>,
    windows: Windows,
}

/// The signal as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedWork {
    density: f64,
    tolerated: f64,
    length: Millis,
    #[serde(flatten)]
    accounts: PodAccounts,
}

/// Cuts time under one assignment into windows.
#[derive(Clone, Debug)]
struct Windows {
    fault: WorkFault,
    length: Millis,
    epoch: Option<u64>,
    begin: Option<Millis>,
    pods: BTreeMap<Arc<str>, Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    role: Role,
    least: f64,
    least_before: Option<f64>,
    work: Work,
    committed_at_begin: f64,
    /// Whether a window has passed: what was read and not committed is read again in the first.
    settled: bool,
}

/// Offsets committed and messages consumed by one pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    role: Role,
    committed: f64,
    consumed: f64,
}

/// Learns from a record what is normal.
#[derive(Debug)]
pub(crate) struct BaselineBuilder {
    length: Millis,
    epoch: Option<u64>,
    before: BTreeMap<Arc<str>, Work>,
    /// Offsets committed and messages consumed by each primary pod.
    sums: BTreeMap<Arc<str>, (f64, f64)>,
}

impl BaselineBuilder {
    /// For windows that hold two commit gaps and three scrapes. Between two scrapes the gap only
    /// seems larger, so its least is that of a scrape.
    pub(crate) fn new(commit_gap: Millis, cadence: Millis) -> Self {
        let length = commit_gap.saturating_mul(COMMIT_GAPS).max(cadence.saturating_mul(3));
        let length = length.max(SHORTEST_WINDOW);
        Self { length, epoch: None, before: BTreeMap::new(), sums: BTreeMap::new() }
    }

    /// Takes one moment of the record.
    pub(crate) fn observe(&mut self, epoch: Option<u64>, now: &BTreeMap<Arc<str>, Work>) {
        if epoch.is_some() && epoch == self.epoch {
            for (pod, work) in now.iter().filter(|(_, work)| work.role == Role::Primary) {
                let Some(before) = self.before.get(pod) else { continue };
                let (committed, consumed) = self.sums.entry(pod.clone()).or_default();
                *committed += (work.committed - before.committed).max(0.0);
                *consumed += (work.consumed - before.consumed).max(0.0);
            }
        }
        self.epoch = epoch;
        self.before.clone_from(now);
    }

    /// The signals of skipped and of repeated work. `None`: no density is known, or none that can be.
    pub(crate) fn build(self) -> Option<[WorkSignal; 2]> {
        let enough = self.sums.values().filter(|(committed, _)| *committed >= LEAST_MESSAGES);
        let each: Vec<(f64, f64)> = enough.copied().collect();
        let (committed, consumed) =
            each.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if consumed <= 0.0 {
            return None;
        }
        let density = consumed / committed;
        if !DENSITIES.contains(&density) {
            return None;
        }
        let shares: Vec<f64> =
            each.iter().map(|(committed, consumed)| consumed / (density * committed)).collect();
        let tolerated = prediction_limit(&shares, SHARE_DEVIATION).unwrap_or(0.0);
        let learned = |fault| WorkSignal::with(fault, density, tolerated, self.length);
        Some([WorkFault::Skipped, WorkFault::Repeated].map(learned))
    }
}

impl WorkSignal {
    fn with(fault: WorkFault, density: f64, tolerated: f64, length: Millis) -> Self {
        Self {
            fault,
            density,
            tolerated: tolerated.clamp(LEAST_TOLERATED_SHARE, MOST_TOLERATED_SHARE),
            ledger: DriftTest::new(SHARE_SCALE),
            windows: Windows::new(fault, length),
        }
    }

    /// Takes one moment: the assignment and the work of each pod; `None` while the group
    /// rebalances.
    pub(crate) fn observe(&mut self, at: Millis, stable: Option<&(u64, BTreeMap<Arc<str>, Work>)>) {
        let nobody = BTreeMap::new();
        let (epoch, now) = stable.map_or((None, &nobody), |(epoch, it)| (Some(*epoch), it));
        let Some(shares) = self.windows.observe(at, epoch, now, self.density) else {
            return;
        };
        let of = |role| shares.iter().filter(move |(_, it, _)| *it == role);
        let mut primary: Vec<f64> = of(Role::Primary).map(|(_, _, share)| *share).collect();
        let reference = median(&mut primary).unwrap_or(0.0).max(0.0);
        let drifts: Vec<_> = of(Role::Canary)
            .map(|(pod, _, share)| {
                let judged = share - reference;
                Drift { id: pod.clone(), judged: Some(judged), seen: judged }
            })
            .collect();
        let owned: Vec<_> = self.windows.pods.keys().collect();
        self.ledger.keep_only(&owned);
        self.ledger.bet(&drifts, self.tolerated);
    }

    pub(crate) fn forget_times(&mut self) {
        self.windows = Windows::new(self.fault, self.windows.length);
    }

    pub(crate) fn ln_value(&self) -> f64 {
        self.ledger.ln_value()
    }

    /// The pod with the most evidence, and its share of commits without work, or of repeated work.
    pub(crate) fn leading(&self) -> Option<(Arc<str>, Effect)> {
        let (pod, share) = self.ledger.leading()?;
        let effect = match self.fault {
            WorkFault::Skipped => Effect::Skipped { share: share.clamp(-1.0, 1.0) },
            WorkFault::Repeated => Effect::Repeated { share: share.max(-1.0) },
        };
        Some((pod.clone(), effect))
    }

    /// The smallest steady share that would have reached `ln_needed` by now.
    pub(crate) fn smallest_seen(&self, ln_needed: f64) -> Option<f64> {
        self.ledger.smallest_drift_seen(ln_needed, self.tolerated, 0.0)
    }

    pub(crate) fn save(&self, names: &mut NameTable, pooled: bool) -> SavedWork {
        let (density, tolerated, length) = (self.density, self.tolerated, self.windows.length);
        let accounts = PodAccounts::of(&self.ledger, names, pooled);
        SavedWork { density, tolerated, length, accounts }
    }

    /// What [`WorkSignal::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(fault: WorkFault, saved: SavedWork, names: &[Arc<str>]) -> Option<Self> {
        let possible =
            saved.density > 0.0 && saved.density < 1e9 && saved.length >= SHORTEST_WINDOW;
        let fresh =
            possible.then(|| Self::with(fault, saved.density, saved.tolerated, saved.length))?;
        Some(Self { ledger: saved.accounts.restored(SHARE_SCALE, names)?, ..fresh })
    }
}

impl WorkFault {
    /// How far the totals of a pod are apart in the direction of the fault.
    fn gap(self, work: &Work, density: f64) -> f64 {
        let skipped = density * work.committed - work.consumed;
        self.of_skipped(skipped)
    }

    /// What was skipped, or is missing from that.
    fn of_skipped(self, skipped: f64) -> f64 {
        match self {
            Self::Skipped => skipped,
            Self::Repeated => -skipped,
        }
    }
}

impl Windows {
    fn new(fault: WorkFault, length: Millis) -> Self {
        Self { fault, length, epoch: None, begin: None, pods: BTreeMap::new() }
    }

    /// Takes one moment. When a window ends: each pod with its share of commits without work.
    fn observe(
        &mut self,
        at: Millis,
        epoch: Option<u64>,
        now: &BTreeMap<Arc<str>, Work>,
        density: f64,
    ) -> Option<Vec<(Arc<str>, Role, f64)>> {
        if epoch != self.epoch || epoch.is_none() {
            *self = Self { epoch, ..Self::new(self.fault, self.length) };
        }
        epoch?;
        let begin = *self.begin.get_or_insert(at);
        let fault = self.fault;
        self.pods.retain(|pod, open| {
            let work = now.get(pod).filter(|work| work.committed >= open.work.committed);
            let Some(work) = work else { return false };
            open.add(fault, work, density);
            true
        });
        for (pod, work) in now {
            self.pods.entry(pod.clone()).or_insert_with(|| Open::new(fault, work, density));
        }
        if at.saturating_sub(begin) < self.length {
            return None;
        }
        self.begin = Some(at);
        let mut shares = Vec::with_capacity(self.pods.len());
        for (pod, open) in &mut self.pods {
            let offered = density * (open.work.committed - open.committed_at_begin);
            let share = open.least_before.map(|before| (open.least - before) / offered);
            let told = share.filter(|share| offered >= LEAST_MESSAGES && share.is_finite());
            shares.extend(told.map(|share| (pod.clone(), open.role, share)));
            open.end(fault);
        }
        Some(shares)
    }
}

impl Open {
    fn new(fault: WorkFault, work: &Work, density: f64) -> Self {
        Self {
            role: work.role,
            least: fault.gap(work, density),
            least_before: None,
            work: *work,
            committed_at_begin: work.committed,
            settled: false,
        }
    }

    /// Adds a moment. Between two scrapes more is committed and nothing seems to be consumed: that is no
    /// moment at which little was repeated.
    fn add(&mut self, fault: WorkFault, work: &Work, density: f64) {
        let was_scraped = work.consumed.to_bits() != self.work.consumed.to_bits();
        if fault == WorkFault::Skipped || was_scraped {
            self.least = self.least.min(fault.gap(work, density));
        }
        self.work = *work;
    }

    /// Ends a window, and begins the next one.
    fn end(&mut self, fault: WorkFault) {
        let counts = fault == WorkFault::Skipped || self.settled;
        self.least_before = Some(self.least).filter(|it| counts && it.is_finite());
        self.settled = true;
        self.committed_at_begin = self.work.committed;
        self.least = f64::INFINITY;
    }
}

/// What each pod has committed and consumed; pods of which either is unknown are left out.
pub(crate) fn work(
    roster: &Roster,
    lags: &[PartitionLag],
    meter: &Meter,
) -> BTreeMap<Arc<str>, Work> {
    let mut works: Vec<Option<(&Arc<str>, Option<Work>)>> = vec![None; roster.numbers()];
    for (lag, consumer) in lags.iter().filter_map(|lag| Some((lag, lag.consumer?))) {
        let (_, work) = works[consumer.number.index()].get_or_insert_with(|| {
            let pod = roster.name(consumer);
            let consumed = meter.consumed(pod);
            let role = consumer.role;
            (pod, consumed.map(|consumed| Work { role, committed: 0.0, consumed }))
        });
        match (work.as_mut(), lag.committed) {
            (Some(sum), Some(offset)) => sum.committed += count(offset),
            (_, None) => *work = None,
            (None, Some(_)) => {}
        }
    }
    let known = works.into_iter().flatten();
    known.filter_map(|(pod, work)| Some((pod.clone(), work?))).collect()
}
