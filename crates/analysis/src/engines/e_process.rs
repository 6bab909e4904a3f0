//! The purse of an e-process: accounts that multiply, and a pool that funds them bit by bit.
//! Only arithmetic on logarithms; what is bet on, and by which factor, others know.

use crate::constants::Constant;
use crate::numbers::{ln_add, milli, tally, unmilli};

/// ln of what counts as nothing. Leaves the range of floats far away.
pub(crate) const LN_NOTHING: f64 = -700.0;
/// ln of an evidence that is 1 but for rounding.
pub(crate) const ROUNDING: f64 = 1e-6;
/// ln of the largest capital kept. Cutting from above never invalidates an e-process.
const LN_MOST: f64 = 60.0;

/// `N` accounts and their pool. The sum is the evidence: it starts at 1, and while every factor
/// has mean ≤ 1 given the past it is a supermartingale (arXiv 2210.01948), because what is paid
/// into an account leaves the pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EProcess<const N: usize> {
    ln_pool: f64,
    bets: u32,
    ln: [f64; N],
}

impl<const N: usize> EProcess<N> {
    pub(crate) fn new() -> Self {
        Self { ln_pool: 0.0, bets: 0, ln: [LN_NOTHING; N] }
    }

    /// Pays the next share of the pool in, in equal parts, and multiplies each account by the
    /// exponential of its number.
    pub(crate) fn multiply(&mut self, ln_factors: [f64; N]) {
        let part = if self.bets == 0 { first_share() } else { later_share(self.bets) };
        let each = self.ln_pool + part.ln() - share(N);
        self.ln_pool = clamp(self.ln_pool + (-part).ln_1p());
        self.bets = self.bets.saturating_add(1);
        for (ln, factor) in self.ln.iter_mut().zip(ln_factors) {
            *ln = clamp(clamp(ln_add(*ln, each)) + factor);
        }
    }

    /// ln of the evidence.
    pub(crate) fn ln_value(&self) -> f64 {
        self.ln.iter().copied().fold(self.ln_pool, ln_add)
    }

    /// Pool, bets and accounts as integers, rounded down: saving must not create evidence.
    pub(crate) fn save(&self) -> Vec<i64> {
        let head = [milli(self.ln_pool), i64::from(self.bets)];
        head.into_iter().chain(self.ln.map(milli)).collect()
    }

    /// What [`EProcess::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(saved: &[i64]) -> Option<Self> {
        let [pool, bets, accounts @ ..] = saved else { return None };
        let accounts: [i64; N] = accounts.try_into().ok()?;
        // More than 1 at the start, or more than the cap, nobody ever had.
        let bets = u32::try_from(*bets).ok()?;
        let ln_pool = clamp(unmilli(*pool)).min(0.0);
        Some(Self { ln_pool, bets, ln: accounts.map(|ln| clamp(unmilli(ln))) })
    }
}

/// ln of a number of equal shares.
pub(crate) fn share(n: usize) -> f64 {
    f64::from(tally(n)).ln()
}

/// A logarithm within the range that is kept. NaN, which no factor is, would count as nothing.
pub(crate) fn clamp(ln: f64) -> f64 {
    if ln.is_nan() { LN_NOTHING } else { ln.clamp(LN_NOTHING, LN_MOST) }
}

/// The part of the pool that is paid out after so many bets.
pub(crate) fn later_share(bets: u32) -> f64 {
    1.0 / (Constant::PayOut.value() + f64::from(bets))
}

/// The part of the pool that is staked at once.
pub(crate) fn first_share() -> f64 {
    // All of it would leave nothing for late faults, and no number to compute with.
    Constant::FirstShare.value().min(0.9)
}
