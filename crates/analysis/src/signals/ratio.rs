//! One signal of counts: errors, lost or slow messages, CPU, or a user's ratio, against the primary's.
//! Takes windows of rises; margins are fixed before each window, by `spread`.

pub(crate) mod saved;
mod seen;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::counters::counter::Count;
use crate::counters::kind::{Kind, Traits};
use crate::counters::rise::Rise;
use crate::engines::non_inferiority::NonInferiority;
use crate::engines::onset::Onset;
use crate::engines::ratio_test::{EventCounts, Margin, RatioTest};
use crate::normal::bursts::longest_burst;
use crate::normal::spread::Spread;
use crate::normal::warm_up::LONGEST_WARM_UP;
use crate::numbers::{Millis, ln_add};
use crate::observation::Role;
use crate::settings::Settings;
use crate::settings::remembered::{MOST_BURST, Remembered};

/// The gross account's part of the signal of errors; the rest is the ordinary accounts'.
const GROSS_PART: f64 = 0.2;
/// The most windows of 10 s that are compared with as many before them to see whether it gets faster.
pub(crate) const WARM_UP_WINDOWS: usize = 12;
/// Least ratio that is healthy, for gross failure, of a canary that has no live primary beside it.
const LEAST_RATIO_ALONE: f64 = 2.0;
/// Ratio to the record's rate that is healthy for the ordinary accounts there: what doubles for
/// everyone, by the hour or by a dependency, would double for the primary, too.
const WIDE_RATIO: f64 = 3.0;

/// A signal of counts.
#[derive(Clone, Debug)]
pub(crate) struct RatioSignal {
    kind: Kind,
    limits: RatioLimits,
    spread: Spread,
    /// The primary's counts in the record.
    record: Count,
    /// Longest burst of a primary pod in the record, in windows: what a memory takes from it.
    longest_burst: u32,
    engine: RatioTest<6>,
    gross: RatioTest<2>,
    proof: NonInferiority,
    /// Since the evidence was at its least: of the ordinary accounts, and of the gross one.
    onset: Onset,
    gross_onset: Onset,
    /// All that was bet on.
    totals: EventCounts,
    /// What came before the grace time was over: only the gross account saw it.
    early: EventCounts,
    /// Counts of the canary in recent windows.
    recent: VecDeque<Count>,
    /// Whether a young canary got better by itself in the latest window, so that nothing counts against it.
    pub(crate) warms_up: bool,
    /// Counts of each canary pod, to name one.
    pods: BTreeMap<Arc<str>, Count>,
    /// Whether any canary pod exports the series.
    shown: bool,
    /// Whether any pod does, of either role: otherwise 0 may mean misspelt.
    pub(crate) exported: bool,
    /// When the latest window was bet on.
    pub(crate) latest: Option<Millis>,
}

/// What a record teaches of the primary's pods, in events of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LearnedCounts {
    /// How many there were.
    pub(crate) events: f64,
    /// Largest ratio between pods that is healthy.
    pub(crate) ratio: f64,
    /// Longest burst of one pod, in windows.
    pub(crate) burst: u32,
}

/// What bounds a signal of counts, by the settings of the trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RatioLimits {
    /// ln of the largest factor of one window: a batch of 50 errors is one event that looks like 50.
    ln_most: f64,
    /// Age in milliseconds below which a pod is warming up.
    warm_up: Millis,
    /// Windows for which a burst lasts that is no fault.
    burst: u32,
}

impl RatioLimits {
    pub(crate) fn of(kind: Kind, settings: &Settings) -> Self {
        Self { ln_most: kind.ln_most(settings), warm_up: settings.warm_up, burst: 1 }
    }

    /// Limits under which the windows of a burst of this length say no more together than one does
    /// otherwise: by itself it decides nothing, and what lasts for longer does.
    fn outlasting(self, burst: u32) -> Self {
        Self { burst: burst.clamp(1, MOST_BURST), ..self }
    }

    /// ln of the largest factor of one window.
    fn ln_most(self) -> f64 {
        self.ln_most / f64::from(self.burst)
    }
}

impl RatioSignal {
    /// A signal that was available in the record, with what its windows teach, and days.
    pub(crate) fn learn(
        kind: Kind,
        record: &[Vec<Rise>],
        limits: RatioLimits,
        remembered: &Remembered,
    ) -> Self {
        let counts = record
            .iter()
            .map(|window| sum(kind, window.iter().filter(|rise| rise.role == Role::Primary)));
        let count = counts.sum::<Count>();
        let exported =
            !kind.is(Traits::BEGINS_EMPTY) || record.iter().flatten().any(|rise| rise.shows(kind));
        let spread = Spread::learn(kind, record);
        let (spread, limits) = match kind.remembered(remembered) {
            Some(it) => {
                let ratio = it.ratio_at(count.rate(), kind.lenience());
                (spread.no_narrower_than(ratio), limits.outlasting(it.burst))
            }
            None => (spread, limits),
        };
        let longest_burst = longest_burst(kind, record);
        Self { longest_burst, exported, ..Self::with(kind, limits, spread, count) }
    }

    fn with(kind: Kind, limits: RatioLimits, spread: Spread, record: Count) -> Self {
        Self {
            kind,
            limits,
            spread,
            record,
            longest_burst: 0,
            engine: RatioTest::fine(),
            gross: RatioTest::gross(),
            proof: NonInferiority::new(),
            onset: Onset::at(0.0),
            gross_onset: Onset::at(0.0),
            totals: EventCounts::default(),
            early: EventCounts::default(),
            recent: VecDeque::with_capacity(2 * WARM_UP_WINDOWS),
            warms_up: false,
            pods: BTreeMap::new(),
            shown: false,
            exported: true,
            latest: None,
        }
    }

    /// Bets on a window. `spared`: what is slow in it may be the place, not the version.
    pub(crate) fn bet(&mut self, at: Millis, window: &[Rise], spared: bool) {
        let margin = self.spread.margin();
        let all = counts(self.kind, window, |_| true);
        let warm = counts(self.kind, window, |rise| self.compares(rise));
        if self.kind.is(Traits::GROSS) {
            self.bet_gross(all, margin);
        }
        let most = self
            .largest_factor(window, Count { events: all.canary_events, of: all.canary_messages });
        let most = if spared && self.kind.is(Traits::PLACE) { most.min(0.0) } else { most };
        if warm.canary_messages > 0.0 && warm.primary_messages > 0.0 {
            self.engine.bet(warm, margin, most);
            self.onset.add(warm, self.engine.ln_value());
            self.proof.bet(warm, margin);
            self.totals = self.totals.plus(warm);
            self.latest = Some(at);
        } else if warm.canary_messages > 0.0 && self.is_alone(all) {
            self.bet_beside_the_record(warm, margin, most);
            self.latest = Some(at);
        } else {
            self.early = self.early.plus(all);
        }
        self.remember(window);
        self.spread.watch(self.kind, window);
    }

    fn compares(&self, rise: &Rise) -> bool {
        self.kind.compares(rise.age_of(self.kind), self.limits.warm_up)
    }

    /// Whether no primary pod is there to compare with, but a record of it is.
    fn is_alone(&self, all: EventCounts) -> bool {
        self.kind.is(Traits::PAST)
            && all.canary_messages > 0.0
            && all.primary_messages <= 0.0
            && self.record.of > 0.0
    }

    /// Counts of the canary, beside those of the record.
    fn beside_the_record(&self, counts: EventCounts) -> EventCounts {
        let Count { events, of } = self.record;
        EventCounts { primary_events: events, primary_messages: of, ..counts }
    }

    /// Bets on a window without a live primary: before and after, with a wide margin.
    fn bet_beside_the_record(&mut self, warm: EventCounts, margin: Margin, most: f64) {
        let wide = margin.ratio.max(WIDE_RATIO);
        let at_most = wide * self.record.largest_rate() * warm.canary_messages;
        self.engine.bet_alone(warm.canary_events, at_most, margin.dispersion, most);
        self.proof.bet_alone(warm, wide * self.record.rate(), margin.dispersion);
        self.totals = self.beside_the_record(self.totals.plus(warm));
        self.onset.add(self.beside_the_record(warm), self.engine.ln_value());
    }

    fn bet_gross(&mut self, all: EventCounts, margin: Margin) {
        if self.is_alone(all) {
            let ratio = margin.ratio.max(LEAST_RATIO_ALONE);
            let at_most = ratio * self.record.largest_rate() * all.canary_messages;
            let (events, dispersion) = (all.canary_events, margin.dispersion);
            self.gross.bet_alone(events, at_most, dispersion, self.limits.ln_most());
            self.gross_onset.add(self.beside_the_record(all), self.gross.ln_value());
        } else {
            self.gross.bet(all, margin, self.limits.ln_most());
            self.gross_onset.add(all, self.gross.ln_value());
        }
    }

    /// ln of the largest factor of this window: none above 1 while a young canary gets faster, from
    /// one half of what was seen of it to the other.
    fn largest_factor(&mut self, window: &[Rise], canary: Count) -> f64 {
        let Some(faster) = self.kind.warming_up() else { return self.limits.ln_most() };
        if self.recent.len() == 2 * WARM_UP_WINDOWS {
            self.recent.pop_front();
        }
        // What was not seen was not slow, either.
        self.recent.extend((canary.of > 0.0).then_some(canary));
        let young = window.iter().any(|it| it.role == Role::Canary && it.age < LONGEST_WARM_UP);
        let split = self.recent.len() - (self.recent.len() / 2).min(WARM_UP_WINDOWS);
        let rate =
            |part: std::ops::Range<usize>| self.recent.range(part).copied().sum::<Count>().rate();
        let (before, now) = (rate(0..split), rate(split..self.recent.len()));
        // Of one window, or none, nobody knows.
        let gets_faster = self.recent.len() < 2 || now < faster * before;
        self.warms_up = young && gets_faster;
        if self.warms_up { 0.0 } else { self.limits.ln_most() }
    }

    fn remember(&mut self, window: &[Rise]) {
        let canary = || window.iter().filter(|rise| rise.role == Role::Canary);
        self.shown |= canary().any(|rise| rise.shows(self.kind));
        self.exported |= window.iter().any(|rise| rise.shows(self.kind));
        if canary().next().is_some() {
            self.pods.retain(|pod, _| canary().any(|rise| rise.pod == *pod));
        }
        for rise in canary() {
            let count = rise.count(self.kind);
            let sum = self.pods.entry(rise.pod.clone()).or_default();
            *sum = sum.plus(count);
        }
    }

    pub(crate) fn forget_times(&mut self) {
        self.latest = None;
    }

    /// ln of the evidence.
    pub(crate) fn ln_value(&self) -> f64 {
        if self.kind.is(Traits::GROSS) {
            let fine = (1.0 - GROSS_PART).ln() + self.engine.ln_value();
            ln_add(fine, GROSS_PART.ln() + self.gross.ln_value())
        } else {
            self.engine.ln_value()
        }
    }

    /// What the record taught.
    pub(crate) fn learned(&self) -> LearnedCounts {
        let (ratio, events) = (self.spread.margin().ratio, self.record.events);
        LearnedCounts { events, ratio, burst: self.longest_burst }
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proof.is_proven()
    }

    /// Whether it is proven that the canary is no worse; `None`: nobody asks for that.
    pub(crate) fn proven(&self) -> Option<bool> {
        self.kind.is(Traits::PROOF).then(|| self.is_proven())
    }

    /// What is still healthy, for the next window.
    pub(crate) fn margin(&self) -> Margin {
        self.spread.margin()
    }

    /// ln of the largest factor of one window.
    pub(crate) fn ln_most(&self) -> f64 {
        self.limits.ln_most()
    }

    /// Whether not even failure of every message would be gross.
    pub(crate) fn is_gross_blind(&self) -> bool {
        let base = self.record.rate();
        self.kind.is(Traits::GROSS) && RatioTest::is_blind(base, self.spread.margin())
    }

    /// The canary pod with the highest rate.
    pub(crate) fn worst_pod(&self) -> Option<Arc<str>> {
        let worst = self.pods.iter().max_by(|a, b| a.1.rate().total_cmp(&b.1.rate()));
        worst.map(|(pod, _)| pod.clone())
    }
}

fn counts(kind: Kind, window: &[Rise], some: impl Fn(&Rise) -> bool) -> EventCounts {
    let of = |role| window.iter().filter(move |rise| rise.role == role).filter(|rise| some(rise));
    let (canary, primary) = (sum(kind, of(Role::Canary)), sum(kind, of(Role::Primary)));
    let exposure = match kind {
        Kind::Errors | Kind::Loss | Kind::Latency | Kind::User(_) => canary.of,
        Kind::Cpu => {
            let seconds = [of_cpu(of(Role::Canary)), of_cpu(of(Role::Primary))];
            canary.of.max(by_time(canary, primary, seconds))
        }
    };
    EventCounts::new(canary.events, exposure, primary.events, primary.of)
}

/// The messages that the canary would have had to consume in its time at the primary's pace. A pod
/// that does `a` a second and `b` a message takes no more CPU than in proportion to the larger of
/// time and messages, whatever `a` and `b` are: with few messages it is not the version that is dear.
fn by_time(canary: Count, primary: Count, seconds: [f64; 2]) -> f64 {
    let [own, others] = seconds;
    if canary.of > 0.0 && others > 0.0 { primary.of * own / others } else { 0.0 }
}

/// Seconds over which CPU was counted.
fn of_cpu<'a>(rises: impl Iterator<Item = &'a Rise>) -> f64 {
    rises.map(|rise| rise.cpu.seconds).sum()
}

fn sum<'a>(kind: Kind, rises: impl Iterator<Item = &'a Rise>) -> Count {
    rises.map(|rise| rise.count(kind)).sum::<Count>()
}
