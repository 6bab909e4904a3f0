//! All signals of a trial: which are available, and what they say together.
//! Availability, weights and margins are fixed before the first window; no verdict is drawn here.

pub(crate) mod churn;
pub(crate) mod evidence;
pub(crate) mod lag;
pub(crate) mod lag_non_inferiority;
pub(crate) mod memory;
pub(crate) mod peers;
pub(crate) mod pod_accounts;
pub(crate) mod ratio;
pub(crate) mod reports;
pub(crate) mod restarts;
pub(crate) mod saved;
pub(crate) mod saved_lag;
pub(crate) mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::constants::{DEFAULT_COMMIT_GAP, RECENT_POLLS};
use crate::counters::cadence::cadence;
use crate::counters::in_flight::Flight;
use crate::counters::kind::{Kind, Traits};
use crate::counters::latency::slow_from;
use crate::counters::meter::{Meter, Reader};
use crate::counters::outcomes::Outcomes;
use crate::counters::rise::Rise;
use crate::findings::signal::Signal;
use crate::guards::Guards;
use crate::lag::group::{Group, GroupSnapshot};
use crate::lag::partitions::Lags;
use crate::numbers::Millis;
use crate::observation::record::Record;
use crate::observation::{Observation, PodMetrics, Role};
use crate::settings::Settings;
use crate::settings::user_metric::{UserMetric, UserRule};
use crate::signals::churn::Churn;
use crate::signals::evidence::{SignalEvidence, weighed};
use crate::signals::lag::{Lag, LagWindow, Sparing};
use crate::signals::lag_non_inferiority::LagNonInferiority;
use crate::signals::memory::Memory;
use crate::signals::peers::Peers;
use crate::signals::ratio::{RatioLimits, RatioSignal};
use crate::signals::restarts::Restarts;
use crate::signals::work::{BaselineBuilder, WorkSignal, work};

/// All signals.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    interval: Millis,
    pub(crate) reader: Reader,
    /// The counters of all pods, as they are followed now.
    pub(crate) meter: Meter,
    /// By the index of their kind; `None`: not available.
    ratios: Vec<Option<RatioSignal>>,
    pub(crate) lag: Lag,
    pub(crate) lag_non_inferiority: LagNonInferiority,
    skipped: Option<WorkSignal>,
    repeated: Option<WorkSignal>,
    memory: Option<Memory>,
    restarts: Restarts,
    churn: Churn,
    window: CountWindow,
    /// The one of CPU, which is longer.
    cpu_window: CountWindow,
    outcomes: Outcomes,
    /// Who is slow now.
    peers: Peers,
}

/// The window of counts under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountWindow {
    begin: Option<Millis>,
    rises: BTreeMap<Arc<str>, Rise>,
}

impl Signals {
    /// Learns from a record which signals there are and what is normal for the primary.
    pub(crate) fn learn(settings: &Settings, record: &Record, lag: Lag) -> Self {
        let gap = lag.margins.commit_gap.unwrap_or(DEFAULT_COMMIT_GAP);
        let reader = Reader {
            cadence: cadence(record.observations(), settings.interval),
            slow_from: slow_from(record.observations()),
            flight: Flight { longest: gap.max(settings.interval), most: 0.0 },
            user: ratio_names(&settings.user),
        };
        let reader = reader.knowing_what_is_in_flight(record);
        let kinds = || Kind::all(reader.user.len());
        let mut meter = Meter::new(reader.clone());
        let mut lags = Lags::default();
        let mut builder = BaselineBuilder::new(gap, reader.cadence);
        let mut window = CountWindow::default();
        let mut windows = Vec::new();
        let mut cpu_window = CountWindow::default();
        let mut cpu_windows = Vec::new();
        let mut outcomes = Outcomes::default();
        let mut available = vec![false; kinds().count()];
        for seen in record.observations() {
            for metrics in primary(&seen) {
                for kind in kinds() {
                    available[kind.index()] |= reader.has_input(kind, metrics);
                }
            }
            let rises = meter.observe(&seen);
            cpu_windows.extend(cpu_window.add(seen.at, &rises, reader.window_of(Kind::Cpu)));
            if let Some(mut full) = window.add(seen.at, &rises, reader.window()) {
                outcomes.add(&mut full);
                windows.push(full);
            }
            if let Some((group, sight)) = seen.group.as_ref().zip(lags.observe(&seen, 0)) {
                builder.observe(group.stable_epoch(), &work(&lags.roster, &sight.lags, &meter));
            }
        }
        let signal = |kind: Kind| {
            let windows = if kind == Kind::Cpu { &cpu_windows } else { &windows };
            let limits = RatioLimits::of(kind, settings);
            available[kind.index()]
                .then(|| RatioSignal::learn(kind, windows, limits, &settings.remembered))
        };
        meter.unreadable = 0;
        let (skipped, repeated) = builder.build().map(|[one, other]| (one, other)).unzip();
        Self {
            interval: settings.interval,
            // It goes on where the record ends, so that the first window is a whole one.
            meter,
            lag_non_inferiority: lag.non_inferiority(),
            lag,
            ratios: kinds().map(signal).collect(),
            reader,
            skipped,
            repeated,
            memory: Memory::learn(record.observations(), settings.warm_up),
            restarts: Restarts::learn(record.latest()),
            churn: Churn::new(),
            window: CountWindow { begin: window.begin, rises: BTreeMap::new() },
            cpu_window: CountWindow { begin: cpu_window.begin, rises: BTreeMap::new() },
            outcomes,
            peers: Peers::default(),
        }
    }

    /// Takes an observation, with what it says of the group if Kafka answered; answers with the
    /// window of lag that it ends. What `guards` explain is no event.
    pub(crate) fn observe(
        &mut self,
        observation: &Observation,
        group: &Group,
        seen: Option<&GroupSnapshot<'_>>,
        guards: &Guards,
    ) -> Option<LagWindow> {
        // Time that nobody watched is bet on as if it had been a few polls.
        let longest = self.interval.saturating_mul(RECENT_POLLS);
        self.restarts.observe(observation, &guards.crash);
        let rewinds = group.lags.oddities.rewinds();
        self.churn.observe(observation, rewinds, longest, guards.stall.is_outage(0));
        self.observe_counts(observation);
        self.memory.iter_mut().for_each(|memory| memory.observe(observation));
        if self.skipped.is_some() || self.repeated.is_some() {
            let works = seen.and_then(|seen| {
                Some((seen.epoch?, work(&group.lags.roster, &seen.lags.lags, &self.meter)))
            });
            let signals = self.skipped.iter_mut().chain(&mut self.repeated);
            signals.for_each(|signal| signal.observe(observation.at, works.as_ref()));
        }
        let seen = seen?;
        let peers = &self.peers;
        let window = self.lag.observe(
            group,
            seen,
            &Sparing {
                is_as_slow: &|pod| peers.one_is_as_slow(pod),
                has_stood: &|partition| guards.has_stood(group, partition),
                outage: guards.stall.is_outage(self.lag.window_length()),
            },
        );
        self.lag_non_inferiority.observe(group, seen, self.lag.margins.normal_lag);
        if seen.epoch.is_some() {
            let length = self.lag.margins_at_its_pace().proof_window(self.interval);
            self.lag_non_inferiority.set_length(length);
        }
        window
    }

    fn observe_counts(&mut self, observation: &Observation) {
        let (at, rises) = (observation.at, self.meter.observe(observation));
        if let Some(window) = self.cpu_window.add(at, &rises, self.reader.window_of(Kind::Cpu)) {
            // A canary whose messages still get faster is warming up: CPU that it takes may be a compiler's.
            let latency = self.ratios[Kind::Latency.index()].as_ref();
            let spared = self.peers.every_canary_has_one() || latency.is_some_and(|it| it.warms_up);
            let cpu = self.ratios[Kind::Cpu.index()].iter_mut();
            cpu.for_each(|ratio| ratio.bet(at, &window, spared));
        }
        let Some(mut window) = self.window.add(at, &rises, self.reader.window()) else { return };
        self.outcomes.add(&mut window);
        self.peers.add(&window);
        let spared = self.peers.every_canary_has_one();
        for kind in Kind::all(self.reader.user.len()).filter(|kind| *kind != Kind::Cpu) {
            let ratio = self.ratios[kind.index()].iter_mut();
            ratio.for_each(|ratio| ratio.bet(at, &window, spared));
        }
    }

    /// Every remembered time is wrong after the clock was set; accounts are not.
    pub(crate) fn forget_times(&mut self) {
        self.lag.forget_times();
        let length = self.lag.margins.proof_window(self.interval);
        self.lag_non_inferiority.forget_times(length, self.interval);
        self.meter = Meter::new(self.reader.clone());
        self.window = CountWindow::default();
        self.cpu_window = CountWindow::default();
        self.peers = Peers::default();
        self.restarts.forget_times();
        self.churn.forget_times();
        self.memory.iter_mut().for_each(Memory::forget_times);
        self.skipped.iter_mut().chain(&mut self.repeated).for_each(WorkSignal::forget_times);
        self.ratios.iter_mut().flatten().for_each(RatioSignal::forget_times);
    }

    /// The kind of counts behind a signal that bad data explains as well as a bad version does.
    pub(crate) fn kind_that_data_explains(&self, signal: &Signal) -> Option<Kind> {
        self.kinds().find(|kind| kind.is(Traits::DATA) && self.signal(*kind) == *signal)
    }

    /// Whether a canary partition is further behind than is normal.
    pub(crate) fn is_behind(&self) -> bool {
        let settled = self.lag_non_inferiority.largest_settled(self.lag.margins.normal_lag);
        self.lag_non_inferiority.is_behind(settled)
    }

    /// The evidence of each available signal, lag first.
    pub(crate) fn evidence(&self) -> Vec<SignalEvidence> {
        let ratio = |kind: Kind| self.ratio(kind).map(RatioSignal::ln_value);
        let built_in = [
            (Signal::Lag, Some(self.lag.test.ln_value())),
            (Signal::Yield, self.skipped.as_ref().map(WorkSignal::ln_value)),
            (Signal::Duplicates, self.repeated.as_ref().map(WorkSignal::ln_value)),
            (Signal::Loss, ratio(Kind::Loss)),
            (Signal::Errors, ratio(Kind::Errors)),
            (Signal::Latency, ratio(Kind::Latency)),
            (Signal::Cpu, ratio(Kind::Cpu)),
            (Signal::Restarts, Some(self.restarts.rate.ln_value())),
            (Signal::Churn, Some(self.churn.rate.ln_value())),
            (Signal::Memory, self.memory.as_ref().map(Memory::ln_value)),
        ];
        let user = (0..self.reader.user.len()).map(Kind::User);
        let user = user.map(|kind| (self.signal(kind), ratio(kind)));
        weighed(built_in.into_iter().chain(user).filter_map(|(signal, ln)| Some((signal, ln?))))
    }

    /// Signals this trial has no input for.
    pub(crate) fn blind(&self) -> Vec<Signal> {
        let missing = self.kinds().filter(|kind| self.ratio(*kind).is_none());
        let mut blind: Vec<Signal> = missing.map(|kind| self.signal(kind)).collect();
        blind.extend(self.skipped.is_none().then_some(Signal::Yield));
        blind.extend(self.repeated.is_none().then_some(Signal::Duplicates));
        blind.extend(self.memory.is_none().then_some(Signal::Memory));
        blind
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::all(self.reader.user.len())
    }

    /// The signal of a kind; `None`: it is not available.
    pub(crate) fn ratio(&self, kind: Kind) -> Option<&RatioSignal> {
        self.ratios.get(kind.index())?.as_ref()
    }

    fn signal(&self, kind: Kind) -> Signal {
        signal(kind, &self.reader.user)
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

/// The signal of a kind, where `user` are the names of the user's ratios.
pub(crate) fn signal(kind: Kind, user: &[Arc<str>]) -> Signal {
    match kind {
        Kind::Errors => Signal::Errors,
        Kind::Loss => Signal::Loss,
        Kind::Latency => Signal::Latency,
        Kind::Cpu => Signal::Cpu,
        Kind::User(place) => Signal::User(user[place].clone()),
    }
}

fn primary(seen: &Observation) -> impl Iterator<Item = &PodMetrics> {
    let pods = seen.pods.iter().filter(|pod| pod.role == Role::Primary);
    pods.filter_map(|pod| pod.metrics.as_ref())
}

impl CountWindow {
    /// Adds the rises of one moment; answers with those of the window if that is `length` long.
    pub(crate) fn add(&mut self, at: Millis, rises: &[Rise], length: Millis) -> Option<Vec<Rise>> {
        let begin = *self.begin.get_or_insert(at);
        for rise in rises {
            let sum = self.rises.entry(rise.pod.clone());
            sum.and_modify(|sum| sum.add(rise)).or_insert_with(|| rise.clone());
        }
        if at.saturating_sub(begin) < length {
            return None;
        }
        self.begin = Some(at);
        Some(std::mem::take(&mut self.rises).into_values().collect())
    }
}
