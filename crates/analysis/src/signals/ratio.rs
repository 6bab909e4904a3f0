//! One signal of counts: errors, lost or slow messages, or a user's ratio, against the primary's.
//! Takes windows of rises; margins are fixed before each window, by `spread`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::constants::Constant;
use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::counters::rise::Rise;
use crate::engines::e_process::{ROUNDING, share};
use crate::engines::interval::{LARGEST_RATIO, interval};
use crate::engines::non_inferiority::NonInferiority;
use crate::engines::onset::{Onset, SavedOnset};
use crate::engines::ratio_test::{EventCounts, Margin, RATIOS, RatioTest};
use crate::findings::effect::Effect;
use crate::normal::spread::Spread;
use crate::normal::warm_up::LONGEST_WARM_UP;
use crate::numbers::{Millis, ln_add, milli_up, unmilli};
use crate::observation::Role;
use crate::settings::Settings;

/// The gross account's part of the signal of errors; the rest is the ordinary accounts'.
const GROSS_PART: f64 = 0.2;
/// The most windows of 10 s that are compared with as many before them to see whether it gets faster.
pub(crate) const WARM_UP_WINDOWS: usize = 12;
/// What is faster: less than this part of the slow messages before.
pub(crate) const FASTER_RATIO: f64 = 0.95;
/// Errors the primary's rate must predict before a canary without that series is suspicious.
const PREDICTED_EVENTS: f64 = 10.0;
/// Least ratio assumed of a canary that has no live primary beside it.
const LEAST_RATIO_ALONE: f64 = 2.0;

/// A signal of counts.
#[derive(Clone, Debug)]
pub(crate) struct RatioSignal {
    kind: Kind,
    limits: RatioLimits,
    spread: Spread,
    /// The primary's counts in the record.
    record: Count,
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
    /// Counts of each canary pod, to name one.
    pods: BTreeMap<Arc<str>, Count>,
    /// Whether any canary pod exports the series.
    shown: bool,
    /// Whether any pod does, of either role: otherwise 0 may mean misspelt.
    pub(crate) exported: bool,
    /// When the latest window was bet on.
    pub(crate) latest: Option<Millis>,
}

/// What bounds a signal of counts, by the settings of the trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RatioLimits {
    /// ln of the largest factor of one window: a batch of 50 errors is one event that looks like 50.
    ln_most: f64,
    /// Age in milliseconds below which a pod is warming up.
    warm_up: Millis,
}

/// A signal as it is saved: margins and logarithms in thousandths.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedRatio {
    margin: (i64, i64),
    record: (f64, f64),
    fine: (Vec<i64>, Vec<i64>),
    gross: (Vec<i64>, Vec<i64>),
    proof: [i64; 4],
    totals: (f64, f64, f64, f64),
    #[serde(default, skip_serializing_if = "Option::is_none")]
    onset: Option<SavedOnset>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gross_onset: Option<SavedOnset>,
    shown: bool,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    exported: bool,
}

impl RatioLimits {
    pub(crate) fn of(kind: Kind, settings: &Settings) -> Self {
        Self { ln_most: kind.ln_most(settings), warm_up: settings.warm_up }
    }
}

impl RatioSignal {
    /// A signal that was available in the record, with what its windows teach.
    pub(crate) fn learn(kind: Kind, record: &[Vec<Rise>], limits: RatioLimits) -> Self {
        let counts = record
            .iter()
            .map(|window| sum(kind, window.iter().filter(|rise| rise.role == Role::Primary)));
        let count = counts.fold(Count::default(), Count::plus);
        let exported =
            !kind.may_begin_empty() || record.iter().flatten().any(|rise| rise.shows(kind));
        Self { exported, ..Self::with(kind, limits, Spread::learn(kind, record), count) }
    }

    fn with(kind: Kind, limits: RatioLimits, spread: Spread, record: Count) -> Self {
        Self {
            kind,
            limits,
            spread,
            record,
            engine: RatioTest::fine(),
            gross: RatioTest::gross(),
            proof: NonInferiority::new(),
            onset: Onset::at(0.0),
            gross_onset: Onset::at(0.0),
            totals: EventCounts::default(),
            early: EventCounts::default(),
            recent: VecDeque::with_capacity(2 * WARM_UP_WINDOWS),
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
        let warm =
            counts(self.kind, window, |rise| self.kind.compares(rise.age, self.limits.warm_up));
        if self.kind.has_gross_account() {
            self.bet_gross(all, margin);
        }
        let most = self
            .largest_factor(window, Count { events: all.canary_events, of: all.canary_messages });
        let most = if spared && self.kind.may_be_node_or_shard() { most.min(0.0) } else { most };
        if warm.canary_messages > 0.0 && warm.primary_messages > 0.0 {
            self.engine.bet(warm, margin, most);
            self.onset.add(warm, self.engine.ln_value());
            self.proof.bet(warm, margin);
            self.totals = self.totals.plus(warm);
            self.latest = Some(at);
        } else {
            self.early = self.early.plus(all);
        }
        self.remember(window);
        self.spread.watch(self.kind, window);
    }

    fn bet_gross(&mut self, all: EventCounts, margin: Margin) {
        if all.canary_messages > 0.0 && all.primary_messages <= 0.0 && self.record.of > 0.0 {
            let Count { events, of } = self.record;
            // An upper bound of the record's rate: 2.33 standard deviations are 1 %, and 3 events
            // are what none seen leaves open.
            let rate = (events + 2.33 * (events + 1.0).sqrt() + 3.0) / of;
            let ratio = margin.ratio.max(LEAST_RATIO_ALONE);
            let at_most = ratio * rate * all.canary_messages;
            self.gross.bet_alone(
                all.canary_events,
                at_most,
                margin.dispersion,
                self.limits.ln_most,
            );
            let beside = EventCounts { primary_events: events, primary_messages: of, ..all };
            self.gross_onset.add(beside, self.gross.ln_value());
        } else {
            self.gross.bet(all, margin, self.limits.ln_most);
            self.gross_onset.add(all, self.gross.ln_value());
        }
    }

    /// ln of the largest factor of this window: none above 1 while a young canary gets faster, from
    /// one half of what was seen of it to the other.
    fn largest_factor(&mut self, window: &[Rise], canary: Count) -> f64 {
        if !self.kind.has_warm_up() {
            return self.limits.ln_most;
        }
        if self.recent.len() == 2 * WARM_UP_WINDOWS {
            self.recent.pop_front();
        }
        // What was not seen was not slow, either.
        self.recent.extend((canary.of > 0.0).then_some(canary));
        let young = window.iter().any(|it| it.role == Role::Canary && it.age < LONGEST_WARM_UP);
        let split = self.recent.len() - (self.recent.len() / 2).min(WARM_UP_WINDOWS);
        let rate = |part: std::ops::Range<usize>| {
            self.recent.range(part).copied().fold(Count::default(), Count::plus).rate()
        };
        let (before, now) = (rate(0..split), rate(split..self.recent.len()));
        // Of one window, or none, nobody knows.
        let gets_faster = self.recent.len() < 2 || now < FASTER_RATIO * before;
        if young && gets_faster { 0.0 } else { self.limits.ln_most }
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
        if self.kind.has_gross_account() {
            let fine = (1.0 - GROSS_PART).ln() + self.engine.ln_value();
            ln_add(fine, GROSS_PART.ln() + self.gross.ln_value())
        } else {
            self.engine.ln_value()
        }
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proof.is_proven()
    }

    /// What is still healthy, for the next window.
    pub(crate) fn margin(&self) -> Margin {
        self.spread.margin()
    }

    /// Whether no canary pod exports the series although the primary's rate predicts events: it
    /// may have been renamed, and then 0 means nothing.
    pub(crate) fn is_absent(&self) -> bool {
        let [x, n, y, m] = self.totals.letters();
        let predicted = if m > 0.0 { n * y / m } else { 0.0 };
        self.kind.may_be_missing() && !self.shown && x <= 0.0 && predicted >= PREDICTED_EVENTS
    }

    /// Whether not even failure of every message would be gross.
    pub(crate) fn is_gross_blind(&self) -> bool {
        let base = self.record.rate();
        self.kind.has_gross_account() && RatioTest::is_blind(base, self.spread.margin())
    }

    /// Messages still needed for a proof if the canary is as good as the primary: the growth per
    /// message is about base rate/36 at τ = 2 (or ε/3,300 events of none), divided by φ.
    pub(crate) fn messages_needed(&self) -> f64 {
        let [_, n, y, m] = self.totals.letters();
        let base = if m > 0.0 { y / m } else { self.record.rate() };
        let dispersion = self.spread.margin().dispersion;
        let by_floor = 3_300.0 * dispersion * (Constant::RateFloor.value() / 0.001);
        let by_ratio = if base > 0.0 { 36.0 * dispersion / base } else { by_floor };
        let all =
            if base < Constant::RateFloor.value() { by_floor.min(by_ratio) } else { by_ratio };
        (all - n).max(0.0)
    }

    /// The canary pod with the highest rate.
    pub(crate) fn worst_pod(&self) -> Option<Arc<str>> {
        let worst = self.pods.iter().max_by(|a, b| a.1.rate().total_cmp(&b.1.rate()));
        worst.map(|(pod, _)| pod.clone())
    }

    /// What tells the size of the effect: all that was counted. But where there is evidence and
    /// not in the totals, which are within the margin, it is what was counted since it arose.
    fn seen(&self) -> EventCounts {
        let totals = if self.totals.canary_messages > 0.0 { self.totals } else { self.early };
        let [x, n, y, m] = totals.letters();
        let shows = n > 0.0 && x * m > self.spread.margin().ratio * y * n;
        if shows || self.ln_value() <= ROUNDING {
            return totals;
        }
        let fine = (1.0 - GROSS_PART).ln() + self.engine.ln_value();
        let gross = GROSS_PART.ln() + self.gross.ln_value();
        let by_gross = self.kind.has_gross_account() && gross > fine;
        let mut onsets = [self.onset, self.gross_onset];
        if by_gross {
            onsets.reverse();
        }
        // The heavier account may have fallen all the time: then the other one speaks.
        onsets.iter().find_map(Onset::counts).unwrap_or(totals)
    }

    /// How much worse the canary is.
    pub(crate) fn effect(&self) -> Effect {
        let seen = self.seen();
        let [x, n, y, m] = seen.letters();
        let it = interval(seen, self.spread.margin().dispersion);
        Effect::Ratio {
            ratio: it.ratio,
            low: it.low,
            high: (it.high < LARGEST_RATIO).then_some(it.high),
            canary: Count { events: x, of: n }.rate(),
            primary: Count { events: y, of: m }.rate(),
        }
    }

    /// The smallest steady ratio that would have reached `ln_needed` by now; `None`: none.
    pub(crate) fn smallest_ratio_seen(&self, ln_needed: f64) -> Option<f64> {
        let [_, n, y, m] = self.totals.letters();
        if n <= 0.0 || m <= 0.0 {
            return None;
        }
        let margin = self.spread.margin();
        // One account of six must do it, with half of the pool; in the gross account there is more
        // to gain only for what is found at once anyway.
        let needed =
            ln_needed + share(RATIOS.len()) - crate::engines::e_process::first_share().ln();
        let base = (y / m).max(Constant::RateFloor.value() / margin.ratio);
        let seen = |ratio: f64| {
            let x = ratio * base * n;
            let counts = EventCounts::new(x, n, base * m, m);
            let grown = RATIOS.map(|rho| counts.ln_likelihood(margin.ratio, margin.ratio * rho));
            grown.into_iter().fold(0.0, f64::max) / margin.dispersion >= needed
        };
        let mut ratio = margin.ratio;
        while ratio <= 1_000.0 {
            if seen(ratio) {
                return Some(ratio);
            }
            ratio *= 1.02;
        }
        None
    }

    pub(crate) fn save(&self) -> SavedRatio {
        let Margin { ratio, dispersion } = self.spread.margin();
        let [x, n, y, m] = self.totals.letters();
        SavedRatio {
            // Rounded up: a smaller margin would be more severe than what was learned.
            margin: (milli_up(ratio), milli_up(dispersion)),
            record: (self.record.events, self.record.of),
            fine: self.engine.save(),
            gross: self.gross.save(),
            proof: self.proof.save(),
            totals: (x, n, y, m),
            onset: self.onset.save(),
            gross_onset: self.gross_onset.save(),
            shown: self.shown,
            exported: self.exported,
        }
    }

    /// What [`RatioSignal::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(kind: Kind, saved: &SavedRatio, limits: RatioLimits) -> Option<Self> {
        let (ratio, dispersion) = saved.margin;
        let margin = Margin { ratio: unmilli(ratio), dispersion: unmilli(dispersion) };
        let record = Count { events: saved.record.0.max(0.0), of: saved.record.1.max(0.0) };
        let mut signal = Self::with(kind, limits, Spread::restored(margin), record);
        signal.engine = RatioTest::fine().restored(&saved.fine)?;
        signal.gross = RatioTest::gross().restored(&saved.gross)?;
        signal.proof = NonInferiority::restore(saved.proof);
        signal.onset = Onset::restore(saved.onset, signal.engine.ln_value())?;
        signal.gross_onset = Onset::restore(saved.gross_onset, signal.gross.ln_value())?;
        let (x, n, y, m) = saved.totals;
        let possible = [x, n, y, m].iter().all(|count| (0.0..1e18).contains(count));
        signal.totals = possible.then_some(EventCounts::new(x, n, y, m))?;
        signal.shown = saved.shown;
        signal.exported = saved.exported;
        Some(signal)
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

fn counts(kind: Kind, window: &[Rise], some: impl Fn(&Rise) -> bool) -> EventCounts {
    let of = |role| window.iter().filter(move |rise| rise.role == role);
    let canary = sum(kind, of(Role::Canary).filter(|rise| some(rise)));
    let primary = sum(kind, of(Role::Primary).filter(|rise| some(rise)));
    EventCounts::new(canary.events, canary.of, primary.events, primary.of)
}

fn sum<'a>(kind: Kind, rises: impl Iterator<Item = &'a Rise>) -> Count {
    rises.map(|rise| rise.count(kind)).fold(Count::default(), Count::plus)
}
