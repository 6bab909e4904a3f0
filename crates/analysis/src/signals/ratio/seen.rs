//! What a signal of counts says of the canary beside its evidence: how large the effect is, whether
//! chance explains it, and what is missing for a proof. Only reads.

use crate::constants::{Constant, LEAST_OBSERVED_MESSAGES};
use crate::counters::counter::Count;
use crate::counters::cpu::TICKS_PER_SECOND;
use crate::counters::kind::{Kind, Traits};
use crate::engines::e_process::{ROUNDING, share};
use crate::engines::interval::{LARGEST_RATIO, interval};
use crate::engines::non_inferiority::PROVEN;
use crate::engines::onset::Onset;
use crate::engines::poisson::{is_usual, largest_mean};
use crate::engines::ratio_test::{EventCounts, Margin, RATIOS};
use crate::findings::effect::Effect;
use crate::findings::finding::Observed;
use crate::findings::signal::Signal;
use crate::numbers::whole;
use crate::signals::ratio::{GROSS_PART, RatioSignal};

/// Errors the primary's rate must predict before a canary without that series is suspicious.
const PREDICTED_EVENTS: f64 = 10.0;

impl RatioSignal {
    /// Whether more speaks against the canary than a healthy one shows by chance.
    pub(crate) fn is_suspicious(&self) -> bool {
        let ln = self.ln_value();
        ln >= PROVEN.ln() || ln > ROUNDING && !self.is_usual(self.seen())
    }

    /// What was observed of the canary; `None`: too little, or more events than are usual.
    pub(crate) fn observed(&self, signal: Signal) -> Option<Observed> {
        let [x, n, _, _] = self.totals.letters();
        let enough = n >= f64::from(LEAST_OBSERVED_MESSAGES);
        (enough && self.is_usual(self.totals)).then(|| {
            let dispersion = self.spread.margin().dispersion;
            let below = dispersion * largest_mean(x / dispersion) / n;
            Observed { signal, events: whole(x), messages: whole(n), below: below.min(1.0) }
        })
    }

    /// Whether so many events, or more, come with a probability of 5 % where the canary is within its
    /// margin.
    fn is_usual(&self, counts: EventCounts) -> bool {
        let [x, n, y, m] = counts.letters();
        let Margin { ratio, dispersion, floor } = self.spread.margin();
        let rate = floor.max(if m > 0.0 { ratio * y / m } else { 0.0 });
        is_usual(x / dispersion, rate * n / dispersion)
    }

    /// Whether no canary pod exports the series although the primary's rate predicts events: it
    /// may have been renamed, and then 0 means nothing.
    pub(crate) fn is_absent(&self) -> bool {
        let [x, n, y, m] = self.totals.letters();
        let predicted = if m > 0.0 { n * y / m } else { 0.0 };
        self.kind.is(Traits::RENAMED) && !self.shown && x <= 0.0 && predicted >= PREDICTED_EVENTS
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
        let by_gross = self.kind.is(Traits::GROSS) && gross > fine;
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
        let (ratio, low, high) = (it.ratio, it.low, Some(it.high).filter(|it| *it < LARGEST_RATIO));
        let canary = Count { events: x, of: n }.rate();
        let primary = Count { events: y, of: m }.rate();
        match self.kind {
            Kind::Errors | Kind::Loss | Kind::Latency | Kind::User(_) => {
                Effect::Ratio { ratio, low, high, canary, primary }
            }
            Kind::Cpu => {
                let (canary, primary) = (canary / TICKS_PER_SECOND, primary / TICKS_PER_SECOND);
                Effect::CpuTime { ratio, low, high, canary, primary }
            }
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
        let base = (y / m).max(margin.floor / margin.ratio);
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
}
