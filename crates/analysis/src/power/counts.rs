//! Errors, lost and slow messages: the smallest rate that the count engine finds by a moment.
//! Feeds the real signal with expected windows; margins and accounts are its own.

use std::sync::Arc;

use crate::constants::COUNT_WINDOW;
use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::counters::rise::Rise;
use crate::engines::ratio_test::{EventCounts, Margin};
use crate::normal::warm_up::LONGEST_WARM_UP;
use crate::numbers::{Millis, seconds};
use crate::observation::Role;
use crate::observation::record::RECORD_SPAN;
use crate::power::normal::{Z, below, first_passage, gain, poisson_quantile};
use crate::power::plan::{Stage, Traffic};
use crate::settings::Settings;
use crate::signals::ratio::{RatioLimits, RatioSignal, WARM_UP_WINDOWS};

/// Most windows that are looked at: longer holds are cut into longer windows, which changes at most
/// the second digit of an answer.
const MOST_WINDOWS: i64 = 400;
/// Primary pods in the assumed record: they are all alike, so more teach nothing else.
const RECORD_PODS: u32 = 4;
/// Factor between the bounds of a rate that ends the search for it.
const SEARCH_FACTOR: f64 = 1.01;

/// One kind of count from the first step to the end of the last of these.
pub(crate) struct Counted<'a> {
    pub(crate) kind: Kind,
    pub(crate) base: f64,
    pub(crate) settings: &'a Settings,
    pub(crate) traffic: &'a Traffic,
    pub(crate) stages: &'a [Stage],
}

/// What one window is expected to bring.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// The stage, by its number, and the time since its begin at which the window ends.
    pub(crate) stage: usize,
    pub(crate) end: Millis,
    /// Messages of the canary pods of each stage, with the pods' age when the window begins.
    pub(crate) canary: Vec<(Millis, f64)>,
    pub(crate) primary: f64,
}

/// What an unlucky rollout shows.
struct Unlucky {
    /// Rates of canary and primary, in events per message.
    canary: f64,
    primary: f64,
    /// The part of the windows of young pods that is lost.
    held: f64,
}

impl Slice {
    /// Whether one of the canary's pods may still be warming up.
    fn is_young(&self) -> bool {
        self.canary.iter().any(|(age, _)| *age < LONGEST_WARM_UP)
    }
}

impl Counted<'_> {
    /// The smallest rate, in events per message, that is found with [`crate::power::POWER`].
    pub(crate) fn smallest(&self, ln_needed: f64) -> Option<f64> {
        let slices = self.slices(self.window());
        let floor = self.signal().margin().floor;
        let found = |rate| self.found(&slices, rate, ln_needed).is_some();
        if !found(1.0) {
            return None;
        }
        // At the primary's own rate nothing is found; a base of 0 has the floor for it.
        let (mut low, mut high) = (self.base.max(floor / 10.0), 1.0);
        while high / low > SEARCH_FACTOR {
            let middle = (low * high).sqrt();
            if found(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// When this rate is found, counted from the begin of the last stage.
    pub(crate) fn found_after(&self, rate: f64, ln_needed: f64) -> Option<Millis> {
        self.found(&self.slices(self.window()), rate, ln_needed)
    }

    fn found(&self, slices: &[Slice], rate: f64, ln_needed: f64) -> Option<Millis> {
        let mut signal = self.signal();
        let unlucky = self.unlucky(&signal, slices, rate);
        let mut held = 0.0;
        slices.iter().find_map(|slice| {
            if slice.is_young() {
                held += unlucky.held;
            }
            if held >= 1.0 {
                held -= 1.0;
                return None;
            }
            signal.bet(slice.end, &self.rises(slice, unlucky.canary, unlucky.primary), false);
            (signal.ln_value() >= ln_needed).then_some(slice.end)
        })
    }

    /// The signal as a quiet record teaches it: all pods alike, Poisson noise and no other.
    pub(crate) fn signal(&self) -> RatioSignal {
        let pods = RECORD_PODS.min(self.traffic.consumers);
        let of = self.traffic.rate * seconds(COUNT_WINDOW) / f64::from(pods);
        let each = (self.kind, Count { events: self.base * of, of });
        let window: Vec<Rise> = (0..pods)
            .map(|pod| Rise::expected(&format!("{pod}").into(), Role::Primary, RECORD_SPAN, each))
            .collect();
        let windows = usize::try_from(RECORD_SPAN / COUNT_WINDOW).unwrap_or(0);
        let limits = RatioLimits::of(self.kind, self.settings);
        RatioSignal::learn(self.kind, &vec![window; windows], limits, &self.settings.remembered)
    }

    /// Windows of one length over all stages; what is left over at the end of one is dropped.
    pub(crate) fn slices(&self, length: Millis) -> Vec<Slice> {
        let per_pod = self.traffic.rate / f64::from(self.traffic.consumers) * seconds(length);
        let mut slices = Vec::new();
        let mut cohorts: Vec<(Millis, u32)> = Vec::new();
        let mut start: Millis = 0;
        for (number, stage) in self.stages.iter().enumerate() {
            let earlier: u32 = cohorts.iter().map(|(_, pods)| pods).sum();
            cohorts.push((start, stage.canary.saturating_sub(earlier)));
            let primary = f64::from(self.traffic.consumers.saturating_sub(stage.canary));
            slices.extend((1..=stage.length / length).map(|window| {
                let begin = start + (window - 1) * length;
                let cohort = |&(born, pods): &(Millis, u32)| (begin - born, f64::from(pods));
                let canary = cohorts.iter().map(cohort).filter(|(_, pods)| *pods > 0.0);
                let canary = canary.map(|(age, pods)| (age, pods * per_pod)).collect();
                let end = window * length;
                Slice { stage: number, end, canary, primary: primary * per_pod }
            }));
            start = start.saturating_add(stage.length);
        }
        slices
    }

    /// What the signal is shown of a window at these rates.
    pub(crate) fn rises(&self, slice: &Slice, canary: f64, primary: f64) -> Vec<Rise> {
        let rise = |role, age, of: f64, rate: f64| {
            let name: Arc<str> = format!("{age}").into();
            Rise::expected(&name, role, age, (self.kind, Count { events: rate * of, of }))
        };
        let pods = slice.canary.iter().map(|&(age, of)| rise(Role::Canary, age, of, canary));
        let old =
            (slice.primary > 0.0).then(|| rise(Role::Primary, RECORD_SPAN, slice.primary, primary));
        pods.chain(old).collect()
    }

    fn window(&self) -> Millis {
        let all: Millis = self.stages.iter().map(|stage| stage.length).sum();
        let windows = (all / COUNT_WINDOW).max(1);
        COUNT_WINDOW * ((windows + MOST_WINDOWS - 1) / MOST_WINDOWS)
    }

    /// What is seen in a rollout at the lower end of [`crate::power::POWER`].
    fn unlucky(&self, signal: &RatioSignal, slices: &[Slice], rate: f64) -> Unlucky {
        let [_, n, _, m] = self.compared(slices).letters();
        if n <= 0.0 {
            return Unlucky { canary: rate, primary: self.base, held: 0.0 };
        }
        let Margin { ratio: margin, dispersion: _, floor } = signal.margin();
        let effect = (rate / self.base.max(floor / margin)).max(margin * SEARCH_FACTOR);
        let ln = |x: f64, y: f64| EventCounts::new(x, n, y, m).ln_likelihood(margin, effect);
        let (more, less) = (rate * n, self.base * m);
        let (canary, primary) = (ln(1.0, 0.0) * more.sqrt(), -ln(0.0, 1.0) * less.sqrt());
        let deviation = canary.hypot(primary);
        let (drift, canary, primary) = if deviation > 0.0 {
            // By event: the likelihood of all together is clamped.
            let drift = ln(1.0, 0.0) * more + ln(0.0, 1.0) * less;
            (drift.max(0.0) / deviation, canary / deviation, primary / deviation)
        } else {
            (f64::INFINITY, 1.0, 0.0)
        };
        let z = first_passage(drift);
        Unlucky {
            canary: poisson_quantile(more, -z * canary) / n,
            primary: if m > 0.0 { poisson_quantile(less, z * primary) / m } else { self.base },
            held: self.held_back(slices, rate, drift),
        }
    }

    /// The part of its growth that a signal loses in windows of young pods, because chance makes
    /// them look as if they got faster: over two minutes, so that it averages out only slowly.
    fn held_back(&self, slices: &[Slice], rate: f64, drift: f64) -> f64 {
        let compared = |slice: &&Slice| slice.is_young() && self.warm(slice) > 0.0;
        let young = crate::numbers::tally(slices.iter().filter(compared).count());
        let Some(first) = slices.iter().find(compared) else { return 0.0 };
        let Some(faster) = self.kind.warming_up() else { return 0.0 };
        let windows = f64::from(crate::numbers::tally(WARM_UP_WINDOWS));
        let messages: f64 = first.canary.iter().map(|(_, of)| of).sum();
        let noise = (2.0 / (rate * messages * windows)).sqrt();
        let chance = below(faster.ln() / noise);
        let times = (f64::from(young) / windows).max(1.0);
        // A part of the bad luck: the other one is in the counts.
        let luck = 0.5 * Z;
        let often = chance + luck * (chance * (1.0 - chance) / times).sqrt();
        let all = f64::from(crate::numbers::tally(slices.len()));
        (often * gain((drift / all.sqrt()).clamp(0.05, 9.0))).min(1.0)
    }

    /// Messages of the canary in a window that count, once the grace time is over.
    fn warm(&self, slice: &Slice) -> f64 {
        slice
            .canary
            .iter()
            .filter(|(age, _)| self.kind.compares(*age, self.settings.warm_up))
            .map(|(_, of)| of)
            .sum()
    }

    /// Messages of both roles in the windows that count.
    fn compared(&self, slices: &[Slice]) -> EventCounts {
        let some = slices.iter().map(|slice| (self.warm(slice), slice.primary));
        let some = some.filter(|(n, _)| *n > 0.0);
        let (n, m) = some.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if n > 0.0 {
            return EventCounts::new(0.0, n, 0.0, m);
        }
        // Only the gross account sees younger pods.
        let n = slices.iter().flat_map(|slice| &slice.canary).map(|(_, of)| of).sum();
        let m = slices.iter().map(|slice| slice.primary).sum();
        EventCounts::new(0.0, n, 0.0, m)
    }
}
