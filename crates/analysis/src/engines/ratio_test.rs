//! The count engine: bets against "the canary has at most R times the primary's rate of events".
//! An e-process (arXiv 2011.03567, 2210.01948) in log space; it knows no signal and no time.

#[cfg(test)]
mod tests;

use crate::constants::Constant;
use crate::engines::e_process::{EProcess, LN_NOTHING};

/// Ratios beyond the margin that are bet on: from just visible to total failure.
pub(crate) const RATIOS: [f64; 6] = [1.25, 1.6, 2.2, 4.0, 10.0, 50.0];
/// Ratios beyond the gross margin that are bet on.
const GROSS_RATIOS: [f64; 2] = [4.0, 20.0];

/// Events and exposure of both roles in one window. Exposure is messages; events need not be part
/// of it. All four are finite and ≥ 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct EventCounts {
    /// Canary events.
    pub(crate) canary_events: f64,
    /// Canary exposure.
    pub(crate) canary_messages: f64,
    /// Primary events.
    pub(crate) primary_events: f64,
    /// Primary exposure.
    pub(crate) primary_messages: f64,
}

/// What is still healthy. Fixed before the window that is judged by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Margin {
    /// Largest healthy ratio of rates, ≥ 1.
    pub(crate) ratio: f64,
    /// Variance of counts over that of a Poisson distribution, ≥ 1.
    pub(crate) dispersion: f64,
    /// Rate that is nobody's fault, in events per message, > 0.
    pub(crate) floor: f64,
}

/// Two processes side by side, `N` accounts each: against "ratio ≤ R" and against "rate ≤ ε".
/// The null hypothesis is that either holds, so the lesser of the two is an e-process for it.
///
/// With θ(r) = r·n/(r·n + m), a window multiplies the account of ρ by
/// `exp(min(l, most))`, `l = (1/φ)·[x·ln(θ(Rρ)/θ(R)) + y·ln((1−θ(Rρ))/(1−θ(R)))]`:
/// given x + y a likelihood ratio of binomials, monotone in the ratio, so its mean is ≤ 1 for
/// every ratio ≤ R; the power 1/φ ≤ 1 (Jensen) and the cap only lower it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RatioTest<const N: usize> {
    against: Against<N>,
    by_ratio: EProcess<N>,
    by_floor: EProcess<N>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Against<const N: usize> {
    ratios: [f64; N],
    /// Multiplies both margins: R and ε.
    lenience: f64,
}

impl RatioTest<6> {
    /// Accounts that start at the margin itself.
    pub(crate) fn fine() -> Self {
        Self::against(RATIOS, 1.0)
    }
}

impl RatioTest<2> {
    /// Accounts for gross failure: five times the margin, and no patience.
    pub(crate) fn gross() -> Self {
        Self::against(GROSS_RATIOS, Constant::GrossMargin.value())
    }

    /// Whether even failure of every message would stay within the margin: at a base rate above
    /// one in 5·R nothing is gross.
    pub(crate) fn is_blind(base_rate: f64, margin: Margin) -> bool {
        base_rate * margin.ratio * Constant::GrossMargin.value() >= 1.0
    }
}

impl<const N: usize> RatioTest<N> {
    fn against(ratios: [f64; N], lenience: f64) -> Self {
        let against = Against { ratios, lenience };
        Self { against, by_ratio: EProcess::new(), by_floor: EProcess::new() }
    }

    /// Bets on a window, which multiplies no account by more than the exponential of `ln_most`. A
    /// window without exposure of one of the roles says nothing.
    pub(crate) fn bet(&mut self, counts: EventCounts, margin: Margin, ln_most: f64) {
        if counts.canary_messages <= 0.0 || counts.primary_messages <= 0.0 {
            return;
        }
        let Against { ratios, lenience } = self.against;
        let null = lenience * margin.ratio;
        let floor = lenience * margin.floor * counts.canary_messages;
        let tempered = |ln: f64| (ln / margin.dispersion.max(1.0)).min(ln_most);
        let by_ratio = |rho| tempered(counts.ln_likelihood(null, null * rho));
        let by_floor = |rho| tempered(ln_poisson(counts.canary_events, floor, rho));
        self.by_ratio.multiply(ratios.map(by_ratio));
        self.by_floor.multiply(ratios.map(by_floor));
    }

    /// Bets on a window in which no primary pod was alive: events against those expected at most,
    /// from the record and the margin.
    pub(crate) fn bet_alone(&mut self, events: f64, at_most: f64, dispersion: f64, ln_most: f64) {
        let Against { ratios, lenience } = self.against;
        let tempered = |ln: f64| (ln / dispersion.max(1.0)).min(ln_most);
        let factors = ratios.map(|rho| tempered(ln_poisson(events, lenience * at_most, rho)));
        self.by_ratio.multiply(factors);
        self.by_floor.multiply(factors);
    }

    /// ln of the evidence.
    pub(crate) fn ln_value(&self) -> f64 {
        self.by_ratio.ln_value().min(self.by_floor.ln_value())
    }

    pub(crate) fn save(&self) -> (Vec<i64>, Vec<i64>) {
        (self.by_ratio.save(), self.by_floor.save())
    }

    /// Takes up what [`RatioTest::save`] wrote; `None` if it did not write this.
    pub(crate) fn restored(mut self, saved: &(Vec<i64>, Vec<i64>)) -> Option<Self> {
        self.by_ratio = EProcess::restore(&saved.0)?;
        self.by_floor = EProcess::restore(&saved.1)?;
        Some(self)
    }
}

impl EventCounts {
    /// x events on n messages of the canary, y on m of the primary.
    pub(crate) const fn new(x: f64, n: f64, y: f64, m: f64) -> Self {
        Self { canary_events: x, canary_messages: n, primary_events: y, primary_messages: m }
    }

    /// The letters of the formulas: x, n, y and m.
    pub(crate) const fn letters(self) -> [f64; 4] {
        [self.canary_events, self.canary_messages, self.primary_events, self.primary_messages]
    }

    /// ln of the likelihood under ratio `to` over that under ratio `from`, given x + y. Both are
    /// finite and > 0; 0 without exposure. Not cut: it is tempered first, and a batch of ten
    /// thousand failures is as much evidence as its dispersion leaves of it.
    pub(crate) fn ln_likelihood(self, from: f64, to: f64) -> f64 {
        let [x, n, y, m] = self.letters();
        if n <= 0.0 || m <= 0.0 {
            return 0.0;
        }
        // θ(to)/θ(from) and (1−θ(to))/(1−θ(from)), with the common factors canceled.
        let scale = (from * n + m) / (to * n + m);
        known(x * (to / from * scale).ln() + y * scale.ln())
    }

    /// The sum of two windows.
    pub(crate) fn plus(self, other: Self) -> Self {
        let [x, n, y, m] = other.letters();
        let [own_x, own_n, own_y, own_m] = self.letters();
        Self::new(own_x + x, own_n + n, own_y + y, own_m + m)
    }
}

/// ln of the likelihood ratio of a Poisson count: mean `ratio·expected` against `expected`. Not cut,
/// either.
pub(crate) fn ln_poisson(events: f64, expected: f64, ratio: f64) -> f64 {
    known(events * ratio.ln() - expected * (ratio - 1.0))
}

/// NaN, which no likelihood is, counts as nothing.
fn known(ln: f64) -> f64 {
    if ln.is_nan() { LN_NOTHING } else { ln }
}
