//! The reverse question for counts: is it proven that the canary is not τ times worse?
//! Betting in the canary's favor; only a rule of `signals` turns it into a Pass.

use crate::constants::Constant;
use crate::engines::e_process::share;
use crate::engines::ratio_test::{EventCounts, Margin, ln_poisson};
use crate::numbers::{ln_add, milli, unmilli};

/// Evidence that proves: wrong at most one time in twenty.
pub(crate) const PROVEN: f64 = 20.0;
/// Ratios that a healthy canary may have: better, equal, a little worse.
const HEALTHY_RATIOS: [f64; 3] = [0.5, 1.0, 1.3];
/// The effect to rule out is at least this ratio: twice the events are a fault to most people.
const LEAST_EFFECT_RATIO: f64 = 2.0;
/// The effect to rule out is at least this multiple of the margin, so that what is healthy can be proven at all.
const BEYOND_MARGIN: f64 = 1.6;
/// Part of the floor that a rate "far below the floor" has.
const FAR_BELOW_FLOOR: f64 = 0.1;
/// Most and least evidence kept, as for the lag proof: a late fault unproves, and a recovered
/// canary is not held for ever.
const MOST_EVIDENCE: f64 = 2.0 * PROVEN;
const LEAST_EVIDENCE: f64 = 1.0 / PROVEN;

/// The effect to rule out of a canary without a live primary, as a multiple of what was before.
const LEAST_EFFECT_ALONE: f64 = 3.0;

/// Evidence that the ratio is below τ = max(2, 1.6·R): the mixture over healthy ratios of the
/// likelihood ratio against τ. Or that the rate is below ε: 0 events need ln 20/(0.9·ε) ≈ 3,300
/// messages. Each is an e-process where it is wrong; either one suffices.
///
/// Wrong at most one time in twenty for each of the two. What they say stays true only as long as
/// the rate does, so both are capped: a fault after a long healthy time unproves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NonInferiority {
    by_ratio: [f64; HEALTHY_RATIOS.len()],
    by_floor: f64,
}

impl NonInferiority {
    pub(crate) fn new() -> Self {
        Self { by_ratio: [0.0; HEALTHY_RATIOS.len()], by_floor: 0.0 }
    }

    /// The ratio that is ruled out once this is proven.
    pub(crate) fn effect(margin: Margin) -> f64 {
        LEAST_EFFECT_RATIO.max(BEYOND_MARGIN * margin.ratio)
    }

    /// Takes a window.
    pub(crate) fn bet(&mut self, counts: EventCounts, margin: Margin) {
        let effect = Self::effect(margin);
        let dispersion = margin.dispersion.max(1.0);
        for (ln, ratio) in self.by_ratio.iter_mut().zip(HEALTHY_RATIOS) {
            let likelihood = counts.ln_likelihood(effect, ratio) / dispersion;
            *ln = kept(*ln + likelihood, share(HEALTHY_RATIOS.len()));
        }
        self.bet_on_floor(counts, dispersion);
    }

    /// Takes a window of a canary without a live primary: is its rate below `effect`, in events per
    /// message?
    pub(crate) fn bet_alone(&mut self, counts: EventCounts, effect: f64, dispersion: f64) {
        let [x, n, _, _] = counts.letters();
        // The effect to rule out is that many times what a healthy canary has.
        for (ln, ratio) in self.by_ratio.iter_mut().zip(HEALTHY_RATIOS) {
            let likelihood = ln_poisson(x, effect * n, ratio / LEAST_EFFECT_ALONE);
            *ln = kept(*ln + likelihood / dispersion.max(1.0), share(HEALTHY_RATIOS.len()));
        }
        self.bet_on_floor(counts, dispersion.max(1.0));
    }

    fn bet_on_floor(&mut self, counts: EventCounts, dispersion: f64) {
        let floor = Constant::RateFloor.value() * counts.canary_messages;
        let likelihood = ln_poisson(counts.canary_events, floor, FAR_BELOW_FLOOR) / dispersion;
        self.by_floor = kept(self.by_floor + likelihood, 0.0);
    }

    /// ln of the evidence.
    pub(crate) fn ln_value(&self) -> f64 {
        let [first, rest @ ..] = self.by_ratio;
        let mixture = rest.into_iter().fold(first, ln_add) - share(HEALTHY_RATIOS.len());
        mixture.max(self.by_floor)
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.ln_value() >= PROVEN.ln()
    }

    pub(crate) fn save(self) -> [i64; 4] {
        let [a, b, c] = self.by_ratio;
        [a, b, c, self.by_floor].map(milli)
    }

    pub(crate) fn restore(saved: [i64; 4]) -> Self {
        let most = MOST_EVIDENCE.ln() + share(HEALTHY_RATIOS.len());
        let [a, b, c, by_floor] = saved.map(|ln| unmilli(ln).clamp(LEAST_EVIDENCE.ln(), most));
        Self { by_ratio: [a, b, c], by_floor: by_floor.min(MOST_EVIDENCE.ln()) }
    }
}

/// A logarithm within what is kept, where `ln_parts` others share the evidence with it.
fn kept(ln: f64, ln_parts: f64) -> f64 {
    ln.clamp(LEAST_EVIDENCE.ln(), MOST_EVIDENCE.ln() + ln_parts)
}
