//! All signals beside lag: which are available, what each weighs, what they say together.
//! Availability, weights and margins are fixed before the first window.

pub(crate) mod churn;
pub(crate) mod lag_non_inferiority;
pub(crate) mod memory;
pub(crate) mod peers;
pub(crate) mod pod_accounts;
pub(crate) mod ratio;
pub(crate) mod reports;
pub(crate) mod restarts;
pub(crate) mod saved;
pub(crate) mod skipped_work;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::constants::{DEFAULT_COMMIT_GAP, RECENT_POLLS};
use crate::counters::cadence::cadence;
use crate::counters::in_flight::Flight;
use crate::counters::kind::Kind;
use crate::counters::latency::slow_from;
use crate::counters::meter::{Meter, Reader};
use crate::counters::outcomes::Outcomes;
use crate::counters::rise::Rise;
use crate::findings::signal::Signal;
use crate::guards::bounds::{Bounds, Times};
use crate::lag::partitions::{Lags, PartitionLag};
use crate::lag::roster::Roster;
use crate::normal::margins::Margins;
use crate::numbers::{Millis, ln_add};
use crate::observation::record::Record;
use crate::observation::{GroupState, Observation, PodMetrics, Role};
use crate::settings::Settings;
use crate::settings::check::Measure;
use crate::settings::user_metric::{UserMetric, UserRule};
use crate::signals::churn::Churn;
use crate::signals::memory::Memory;
use crate::signals::peers::Peers;
use crate::signals::ratio::RatioSignal;
use crate::signals::restarts::Restarts;
use crate::signals::skipped_work::{BaselineBuilder, SkippedWork, work};

/// All signals beside lag.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    interval: Millis,
    reader: Reader,
    meter: Meter,
    /// By the index of their kind; `None`: not available.
    ratios: Vec<Option<RatioSignal>>,
    bounds: Vec<Bounds>,
    yields: Option<SkippedWork>,
    memory: Option<Memory>,
    restarts: Restarts,
    churn: Churn,
    window: Window,
    outcomes: Outcomes,
    /// Who is slow now.
    pub(crate) peers: Peers,
    /// The first observation of the trial, as far as this judge knows.
    begin: Option<Millis>,
}

/// The window of counts under way.
#[derive(Clone, Debug, Default)]
struct Window {
    begin: Option<Millis>,
    rises: BTreeMap<Arc<str>, Rise>,
}

impl Signals {
    /// Learns from a record which signals there are and what is normal for the primary.
    pub(crate) fn learn(settings: &Settings, record: &Record, margins: &Margins) -> Self {
        let gap = margins.commit_gap.unwrap_or(DEFAULT_COMMIT_GAP);
        let reader = Reader {
            cadence: cadence(record.observations(), settings.interval),
            slow_from: slow_from(record.observations()),
            flight: Flight { longest: gap.max(settings.interval), most: 0.0 },
            user: ratio_names(&settings.user),
        };
        let reader = reader.knowing_what_is_in_flight(record);
        let kinds = || Kind::all(reader.user.len());
        let mut bounds = bounds_of(settings, reader.cadence);
        let mut meter = Meter::new(reader.clone());
        let mut lags = Lags::default();
        let mut school = BaselineBuilder::new(gap, reader.cadence);
        let mut window = Window::default();
        let mut windows = Vec::new();
        let mut outcomes = Outcomes::default();
        let mut available = vec![false; kinds().count()];
        for seen in record.observations() {
            for metrics in primary(&seen) {
                for kind in kinds() {
                    available[kind.index()] |= reader.has_input(kind, metrics);
                }
            }
            for bounds in &mut bounds {
                bounds.hear(&seen);
            }
            if let Some(mut full) = window.add(seen.at, meter.take(&seen), reader.window()) {
                outcomes.take(&mut full);
                windows.push(full);
            }
            if let Some((group, sight)) = seen.group.as_ref().zip(lags.take(&seen, 0)) {
                let epoch = (group.state == GroupState::Stable).then_some(group.epoch);
                school.take(epoch, &work((&lags.roster, &sight.lags), &meter));
            }
        }
        let signal = |kind: Kind| {
            available[kind.index()]
                .then(|| RatioSignal::learn(kind, &windows, kind.ln_most(settings)))
        };
        meter.unreadable = 0;
        Self {
            interval: settings.interval,
            // It goes on where the record ends, so that the first window is a whole one.
            meter,
            ratios: kinds().map(signal).collect(),
            bounds,
            reader,
            yields: school.teach(),
            memory: Memory::learn(record.observations()),
            restarts: Restarts::learn(record.latest()),
            churn: Churn::new(),
            window: Window { begin: window.begin, rises: BTreeMap::new() },
            outcomes,
            peers: Peers::default(),
            begin: None,
        }
    }

    /// Takes an observation, with the lags of its group if that was Stable under `epoch`.
    /// `rewinds`: how often committed offsets of canary partitions fell so far.
    pub(crate) fn take(
        &mut self,
        seen: &Observation,
        stable: Option<(u64, &Roster, &[PartitionLag])>,
        rewinds: u32,
    ) {
        self.begin.get_or_insert(seen.at);
        // Time that nobody watched is bet on as if it had been three polls.
        let longest = self.interval.saturating_mul(RECENT_POLLS);
        self.restarts.take(seen, longest);
        self.churn.take(seen, rewinds, longest);
        let rises = self.meter.take(seen);
        if let Some(mut window) = self.window.add(seen.at, rises, self.reader.window()) {
            self.outcomes.take(&mut window);
            self.peers.take(&window);
            let spared = self.peers.every_canary_has_one();
            for ratio in self.ratios.iter_mut().flatten() {
                ratio.bet(seen.at, &window, spared);
            }
        }
        for bounds in &mut self.bounds {
            bounds.take(seen);
        }
        if let Some(memory) = &mut self.memory {
            memory.take(seen);
        }
        if let Some(yields) = &mut self.yields {
            let meter = &self.meter;
            let works = stable.map(|(epoch, roster, lags)| (epoch, work((roster, lags), meter)));
            yields.take(seen.at, works);
        }
    }

    /// Every remembered time is wrong after the clock was set; accounts are not.
    pub(crate) fn forget_times(&mut self) {
        self.meter = Meter::new(self.reader.clone());
        self.window = Window::default();
        self.peers = Peers::default();
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
        for bounds in &mut self.bounds {
            bounds.forget_times();
        }
    }

    /// Weight and ln of the evidence of each available signal; `lag` is that of lag. The weights
    /// add up to 1.
    pub(crate) fn evidence(&self, lag: f64) -> Vec<(Signal, f64, f64)> {
        let ratio = |kind: Kind| self.ratio(kind).map(RatioSignal::ln_value);
        let all = [
            (Signal::Lag, Some(lag)),
            (Signal::Yield, self.yields.as_ref().map(SkippedWork::ln_value)),
            (Signal::Loss, ratio(Kind::Loss)),
            (Signal::Errors, ratio(Kind::Errors)),
            (Signal::Latency, ratio(Kind::Latency)),
            (Signal::Restarts, Some(self.restarts.ln_value())),
            (Signal::Churn, Some(self.churn.ln_value())),
            (Signal::Memory, self.memory.as_ref().map(Memory::ln_value)),
        ];
        let user = (0..self.reader.user.len()).map(Kind::User);
        let all = all.into_iter().chain(user.map(|kind| (self.signal(kind), ratio(kind))));
        let weighed = |(signal, ln): (Signal, Option<f64>)| {
            let weight = weight(&signal);
            ln.map(|ln| (signal, weight, ln))
        };
        let mut parts: Vec<_> = all.filter_map(weighed).collect();
        let total: f64 = parts.iter().map(|(_, weight, _)| weight).sum();
        for (_, weight, _) in &mut parts {
            *weight /= total;
        }
        parts
    }

    /// Signals this trial has no input for.
    pub(crate) fn blind(&self) -> Vec<Signal> {
        let missing = self.kinds().filter(|kind| self.ratio(*kind).is_none());
        let mut blind: Vec<Signal> = missing.map(|kind| self.signal(kind)).collect();
        blind.extend(self.yields.is_none().then_some(Signal::Yield));
        blind.extend(self.memory.is_none().then_some(Signal::Memory));
        blind.extend(self.bounds.iter().filter(|it| it.is_blind()).map(Bounds::signal));
        blind.sort_unstable();
        blind
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::all(self.reader.user.len())
    }

    fn ratio(&self, kind: Kind) -> Option<&RatioSignal> {
        self.ratios.get(kind.index())?.as_ref()
    }

    fn signal(&self, kind: Kind) -> Signal {
        signal(kind, &self.reader.user)
    }
}

/// ln of the whole evidence: the weighted mean of the signals', which is an e-process under any
/// dependence between them.
pub(crate) fn ln_total(evidence: &[(Signal, f64, f64)]) -> f64 {
    let parts = evidence.iter().map(|(_, weight, ln)| weight.ln() + ln);
    parts.reduce(ln_add).unwrap_or(crate::engines::e_process::LN_NOTHING)
}

/// How much of the error budget a signal may spend: lag and errors see most faults, churn and
/// memory few; a user's ratio is one more cause among the middling ones. What is unavailable is
/// shared by the others in proportion, and what ratios are more is taken from all.
pub(crate) const fn weight(signal: &Signal) -> f64 {
    match signal {
        Signal::Lag | Signal::Errors => 0.25,
        Signal::Yield | Signal::Loss | Signal::Latency | Signal::Restarts | Signal::User(_) => 0.10,
        Signal::Churn | Signal::Memory => 0.05,
    }
}

/// Names of the user's ratios.
fn ratio_names(user: &[UserMetric]) -> Arc<[Arc<str>]> {
    let named = |metric: &UserMetric| match metric.rule {
        UserRule::Ratio => Some(metric.name.clone()),
        UserRule::Threshold(_) | UserRule::Check(_) => None,
    };
    user.iter().filter_map(named).collect()
}

/// The user's thresholds and checks, with nothing counted yet.
fn bounds_of(settings: &Settings, cadence: Millis) -> Vec<Bounds> {
    let times = Times { warm_up: settings.warm_up, interval: settings.interval, cadence };
    let bounds = |metric: &UserMetric| match metric.rule {
        UserRule::Ratio => None,
        UserRule::Threshold(threshold) => {
            Some(Bounds::of_threshold(metric.name.clone(), threshold, times))
        }
        UserRule::Check(check) => {
            Some(Bounds::of_check(Measure::called(&metric.name)?, check, times))
        }
    };
    settings.user.iter().filter_map(bounds).collect()
}

/// The signal of a kind, where `user` are the names of the user's ratios.
pub(crate) fn signal(kind: Kind, user: &[Arc<str>]) -> Signal {
    match kind {
        Kind::Errors => Signal::Errors,
        Kind::Loss => Signal::Loss,
        Kind::Latency => Signal::Latency,
        Kind::User(place) => Signal::User(user[place].clone()),
    }
}

fn primary(seen: &Observation) -> impl Iterator<Item = &PodMetrics> {
    let pods = seen.pods.iter().filter(|pod| pod.role == Role::Primary);
    pods.filter_map(|pod| pod.metrics.as_ref())
}

impl Window {
    /// Adds the rises of one moment; answers with those of the window if that is `length` long.
    fn add(&mut self, at: Millis, rises: Vec<Rise>, length: Millis) -> Option<Vec<Rise>> {
        let begin = *self.begin.get_or_insert(at);
        for rise in rises {
            match self.rises.get_mut(&rise.pod) {
                Some(sum) => sum.add(&rise),
                None => {
                    self.rises.insert(rise.pod.clone(), rise);
                }
            }
        }
        if at.saturating_sub(begin) < length {
            return None;
        }
        self.begin = Some(at);
        Some(std::mem::take(&mut self.rises).into_values().collect())
    }
}
