//! All signals beside lag: which are available, what each weighs, what they say together.
//! Availability, weights and margins are fixed before the first window.

mod churn;
mod interval;
mod latency;
pub(crate) mod memory;
pub(crate) mod meter;
pub(crate) mod ratio;
mod reports;
mod restarts;
mod saved;
mod spread;
mod yields;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use saved::SavedSignals;

use self::churn::Churn;
use self::memory::Memory;
use self::meter::{Meter, Reader, Rise};
use self::ratio::RatioSignal;
use self::restarts::Restarts;
use self::yields::{Yield, YieldSchool};
use crate::lags::{Lags, PartitionLag};
use crate::margins::Margins;
use crate::observation::{Millis, Observation, PodMetrics, Role};
use crate::reading::Reading;
use crate::units::ln_add;
use crate::{Record, Settings, Signal};

/// Counts are compared over windows of at least this length: the shortest block in which their
/// noise is measured.
pub(crate) const WINDOW: Millis = 10_000;
/// Commit gap that is assumed while none was seen.
const DEFAULT_GAP: Millis = 30_000;
/// Age from which errors are compared: connections and caches of a new pod may fail at first.
const GRACE_ERRORS: Millis = 60_000;
/// Age from which processing times are compared: compilers and caches warm up.
const GRACE_LATENCY: Millis = 180_000;

/// Signals of counts per message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Errors,
    Loss,
    Latency,
}

/// All signals beside lag.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    interval: Millis,
    reader: Reader,
    meter: Meter,
    ratios: [Option<RatioSignal>; 3],
    yields: Option<Yield>,
    memory: Option<Memory>,
    restarts: Restarts,
    churn: Churn,
    window: Window,
    /// The first observation of the trial, as far as this judge knows.
    begin: Option<Millis>,
}

/// The window of counts under way.
#[derive(Clone, Debug, Default)]
struct Window {
    begin: Option<Millis>,
    rises: BTreeMap<Arc<str>, Rise>,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Errors, Self::Loss, Self::Latency];

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Errors => 0,
            Self::Loss => 1,
            Self::Latency => 2,
        }
    }

    pub(crate) const fn signal(self) -> Signal {
        match self {
            Self::Errors => Signal::Errors,
            Self::Loss => Signal::Loss,
            Self::Latency => Signal::Latency,
        }
    }

    /// Age of a pod from which it is compared. A lost message is lost at any age.
    pub(crate) const fn grace(self) -> Millis {
        match self {
            Self::Errors => GRACE_ERRORS,
            Self::Loss => 0,
            Self::Latency => GRACE_LATENCY,
        }
    }

    /// Total failure shows in errors; nothing else gets fifty times worse at once.
    const fn has_gross_account(self) -> bool {
        match self {
            Self::Errors => true,
            Self::Loss | Self::Latency => false,
        }
    }

    /// Whether a pod may get better by itself.
    pub(crate) const fn has_warm_up(self) -> bool {
        match self {
            Self::Latency => true,
            Self::Errors | Self::Loss => false,
        }
    }

    /// Whether a missing series is read as 0.
    const fn may_be_missing(self) -> bool {
        match self {
            Self::Errors => true,
            Self::Loss | Self::Latency => false,
        }
    }

    /// Whether a pod's metrics have what this signal needs.
    fn is_in(self, metrics: &PodMetrics, reader: &Reader) -> bool {
        let counts = metrics.consumed.is_some();
        match self {
            Self::Errors => counts && metrics.errors.is_some(),
            Self::Loss => counts && metrics.processed.is_some(),
            Self::Latency => counts && metrics.latency.is_some() && reader.slow_from.is_some(),
        }
    }
}

impl Signals {
    /// Learns from a record which signals there are and what is normal for the primary.
    pub(crate) fn learn(settings: &Settings, record: &Record, margins: &Margins) -> Self {
        let gap = margins.commit_gap.unwrap_or(DEFAULT_GAP);
        let reader = Reader {
            interval: settings.interval,
            slow_from: latency::slow_from(record.observations()),
            in_flight: gap.max(settings.interval),
        };
        let mut meter = Meter::new(reader);
        let mut lags = Lags::default();
        let mut owned = Vec::new();
        let mut school = YieldSchool::new(gap, settings.interval);
        let mut window = Window::default();
        let mut windows = Vec::new();
        let mut available = [false; 3];
        for seen in record.observations() {
            for metrics in primary(&seen) {
                for kind in Kind::ALL {
                    available[kind.index()] |= kind.is_in(metrics, &reader);
                }
            }
            windows.extend(window.add(seen.at, meter.take(&seen)));
            if let Some(reading) = Reading::of(&seen, 0) {
                let epoch = reading.is_stable().then_some(reading.epoch);
                owned = lags.take(&reading, owned);
                school.take(epoch, &owned, &meter);
            }
        }
        let signal =
            |kind: Kind| available[kind.index()].then(|| RatioSignal::learn(kind, &windows));
        meter.unreadable = 0;
        Self {
            interval: settings.interval,
            reader,
            // It goes on where the record ends, so that the first window is a whole one.
            meter,
            ratios: Kind::ALL.map(signal),
            yields: school.teach(),
            memory: Memory::learn(record.observations()),
            restarts: Restarts::learn(record.latest()),
            churn: Churn::new(),
            window: Window { begin: window.begin, rises: BTreeMap::new() },
            begin: None,
        }
    }

    /// Takes an observation, with the lags of its group if that was Stable under `epoch`.
    /// `rewinds`: how often committed offsets of canary partitions fell so far.
    pub(crate) fn take(
        &mut self,
        seen: &Observation,
        stable: Option<(u64, &[PartitionLag])>,
        rewinds: u32,
    ) {
        self.begin.get_or_insert(seen.at);
        // Time that nobody watched is bet on as if it had been three polls.
        let longest = self.interval.saturating_mul(3);
        self.restarts.take(seen, longest);
        self.churn.take(seen, rewinds, longest);
        let rises = self.meter.take(seen);
        if let Some(window) = self.window.add(seen.at, rises) {
            for ratio in self.ratios.iter_mut().flatten() {
                ratio.bet(seen.at, &window);
            }
        }
        if let Some(memory) = &mut self.memory {
            memory.take(seen);
        }
        if let Some(yields) = &mut self.yields {
            let (epoch, lags) = stable.map_or((None, &[][..]), |(epoch, lags)| (Some(epoch), lags));
            yields.take(seen.at, epoch, lags, &self.meter);
        }
    }

    /// Every remembered time is wrong after the clock was set; accounts are not.
    pub(crate) fn forget_times(&mut self) {
        self.meter = Meter::new(self.reader);
        self.window = Window::default();
        self.begin = None;
        self.restarts.forget_times();
        self.churn.forget_times();
        if let Some(memory) = &mut self.memory {
            memory.forget_times();
        }
        if let Some(yields) = &mut self.yields {
            yields.forget_times();
        }
        for ratio in self.ratios.iter_mut().flatten() {
            ratio.forget_times();
        }
    }

    /// Weight and ln of the evidence of each available signal; `lag` is that of lag. The weights
    /// add up to 1.
    pub(crate) fn evidence(&self, lag: f64) -> Vec<(Signal, f64, f64)> {
        let ratio = |kind: Kind| self.ratios[kind.index()].as_ref().map(RatioSignal::ln_value);
        let all = [
            (Signal::Lag, Some(lag)),
            (Signal::Yield, self.yields.as_ref().map(Yield::ln_value)),
            (Signal::Loss, ratio(Kind::Loss)),
            (Signal::Errors, ratio(Kind::Errors)),
            (Signal::Latency, ratio(Kind::Latency)),
            (Signal::Restarts, Some(self.restarts.ln_value())),
            (Signal::Churn, Some(self.churn.ln_value())),
            (Signal::Memory, self.memory.as_ref().map(Memory::ln_value)),
        ];
        let available = all.into_iter().filter_map(|(signal, ln)| Some((signal, ln?)));
        let total: f64 = available.clone().map(|(signal, _)| weight(signal)).sum();
        available.map(|(signal, ln)| (signal, weight(signal) / total, ln)).collect()
    }

    /// Signals this trial has no input for.
    pub(crate) fn blind(&self) -> Vec<Signal> {
        let missing = Kind::ALL.into_iter().filter(|kind| self.ratios[kind.index()].is_none());
        let mut blind: Vec<Signal> = missing.map(Kind::signal).collect();
        blind.extend(self.yields.is_none().then_some(Signal::Yield));
        blind.extend(self.memory.is_none().then_some(Signal::Memory));
        blind.sort_unstable();
        blind
    }
}

/// ln of the whole evidence: the weighted mean of the signals', which is an e-process under any
/// dependence between them.
pub(crate) fn ln_total(evidence: &[(Signal, f64, f64)]) -> f64 {
    let parts = evidence.iter().map(|(_, weight, ln)| weight.ln() + ln);
    parts.reduce(ln_add).unwrap_or(crate::funds::LN_NOTHING)
}

/// How much of the error budget a signal may spend: lag and errors see most faults, churn and
/// memory few. What is unavailable is shared by the others in proportion.
pub(crate) const fn weight(signal: Signal) -> f64 {
    match signal {
        Signal::Lag | Signal::Errors => 0.25,
        Signal::Yield | Signal::Loss | Signal::Latency | Signal::Restarts => 0.10,
        Signal::Churn | Signal::Memory => 0.05,
    }
}

fn primary(seen: &Observation) -> impl Iterator<Item = &PodMetrics> {
    let pods = seen.pods.iter().filter(|pod| pod.role == Role::Primary);
    pods.filter_map(|pod| pod.metrics.as_ref())
}

impl Window {
    /// Adds the rises of one moment; answers with those of the window if it ends here.
    fn add(&mut self, at: Millis, rises: Vec<Rise>) -> Option<Vec<Rise>> {
        let begin = *self.begin.get_or_insert(at);
        for rise in rises {
            match self.rises.get_mut(&rise.pod) {
                Some(sum) => sum.add(&rise),
                None => {
                    self.rises.insert(rise.pod.clone(), rise);
                }
            }
        }
        if at.saturating_sub(begin) < WINDOW {
            return None;
        }
        self.begin = Some(at);
        Some(std::mem::take(&mut self.rises).into_values().collect())
    }
}
