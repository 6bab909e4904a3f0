//! The drift engine: bets against "no canary partition's lag drifts by more than δ on average".
//! An e-process (arXiv 2210.01948): whenever one looks, P(ever ≥ 1/α) ≤ α if that is true.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::engines::e_process::{LN_NOTHING, clamp, first_share, later_share, share};
use crate::numbers::{bisect, ln_add, tally};

/// Shares of an account that are staked per window: timid and bold.
const STAKES: [f64; 2] = [0.4, 0.9];
/// Parts of the capital of a scale that the stakes get. A canary that is a third too slow is found
/// by the bold one; the timid one is for noise that ruins it.
const STAKE_PARTS: [f64; 2] = [0.25, 0.75];
/// The widest scale of drifts, and the largest scale that is learned.
pub(crate) const WIDEST_SCALE: f64 = 0.25;
/// The smallest scale that is learned: below it a single late commit would look like a fault.
pub(crate) const FINEST_SCALE: f64 = 0.02;
/// A drift beyond this multiple of s + δ says no more. With the bold stake it is a factor of 4.2.
const REACH_IN_SCALES: f64 = 3.5;
/// Drifts remembered to tell the size of an effect: what happens now, not on average.
const REMEMBERED_DRIFTS: usize = 5;

/// Scales of drifts that are bet on: the learned one, and the widest.
const SCALES: usize = 2;
/// Accounts per partition: one for each scale and stake.
pub(crate) const BETS: usize = SCALES * STAKES.len();

/// All accounts. Their sum with the pool is the evidence; it starts at 1, and capital only moves
/// between them, so that ownership may change at any time.
///
/// Per window and partition, with the drift y clipped to \[−s, min(3.5·(s + δ), 1)\]:
/// `a ← (a + paid in)·(1 + λ/(s + δ)·(y − δ))`, λ ∈ {0.4, 0.9}, s ∈ {learned, 0.25}. The factor is
/// at least 1 − λ, and its mean is at most 1 while E\[y | past\] ≤ δ. One window multiplies an
/// account by at most 4.2, so no single pause ends a trial.
///
/// A window that may be left out, as was known before it began, costs nothing.
///
/// `K` is what an account belongs to: a partition for lag, a pod for the signals of pods.
#[derive(Clone, Debug)]
pub(crate) struct DriftTest<K> {
    scales: [f64; SCALES],
    ln_pool: f64,
    windows: u32,
    accounts: BTreeMap<K, Account>,
    cached: Cached,
}

/// Answers that hold until the accounts change. Each poll asks again, and with many accounts no
/// answer is cheap.
#[derive(Clone, Debug, Default)]
struct Cached {
    ln_value: OnceLock<f64>,
    /// What was asked, bit by bit, and the answer.
    smallest: OnceLock<([u64; 3], Option<f64>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) ln: [f64; BETS],
    recent: Vec<f64>,
    watched: u32,
}

impl<K: Ord + Clone> DriftTest<K> {
    /// Fresh accounts; `scale` is the learned scale of healthy drifts.
    pub(crate) fn new(scale: f64) -> Self {
        Self::restored(scale, 0.0, 0, BTreeMap::new())
    }

    /// Accounts as they were saved.
    pub(crate) fn restored(
        scale: f64,
        ln_pool: f64,
        windows: u32,
        accounts: BTreeMap<K, [f64; BETS]>,
    ) -> Self {
        let accounts =
            accounts.into_iter().map(|(id, ln)| (id, Account::new(ln.map(clamp)))).collect();
        let ln_pool = clamp(ln_pool);
        let scale = scale.clamp(FINEST_SCALE, WIDEST_SCALE);
        let scales = [scale, WIDEST_SCALE];
        Self { scales, ln_pool, windows, accounts, cached: Cached::default() }
    }

    /// Windows that were bet on.
    pub(crate) fn windows(&self) -> u32 {
        self.windows
    }

    pub(crate) fn ln_pool(&self) -> f64 {
        self.ln_pool
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = (&K, &Account)> {
        self.accounts.iter()
    }

    /// Returns the capital of partitions that are not in `owned`, which is sorted, to the pool.
    pub(crate) fn keep_only(&mut self, owned: &[&K]) {
        self.cached = Cached::default();
        let pool = &mut self.ln_pool;
        self.accounts.retain(|id, account| {
            let kept = owned.binary_search(&id).is_ok();
            if !kept {
                *pool = clamp(ln_add(*pool, account.ln_value()));
            }
            kept
        });
    }

    /// Bets on one window: the drift beyond the primary's of each partition that could be
    /// compared, and the same for show, without excuses.
    ///
    /// `tolerated` is δ; it may change from window to window, but must be known before the window.
    pub(crate) fn bet(&mut self, drifts: &[Drift<K>], tolerated: f64) {
        if drifts.is_empty() {
            return;
        }
        self.cached = Cached::default();
        self.open_accounts(drifts);
        let each = self.withdraw(later_share(self.windows)) - share(drifts.len());
        self.windows = self.windows.saturating_add(1);
        for drift in drifts {
            let Some(account) = self.accounts.get_mut(&drift.id) else { continue };
            account.pay_in(each);
            if let Some(judged) = drift.judged {
                account.multiply(self.scales, judged, tolerated);
            }
            account.watched = account.watched.saturating_add(1);
            account.remember(drift.seen);
        }
    }

    /// Cuts some accounts back so that together they are worth `ln_most` at most; ln. Lowering
    /// an account never invalidates an e-process.
    pub(crate) fn hold_back(&mut self, some: impl Fn(&K) -> bool, ln_most: f64) {
        let held = || self.accounts.iter().filter(|(id, _)| some(id)).map(|it| it.1.ln_value());
        let Some(over) = held().reduce(ln_add).map(|all| all - ln_most).filter(|it| *it > 0.0)
        else {
            return;
        };
        self.cached = Cached::default();
        for (_, account) in self.accounts.iter_mut().filter(|(id, _)| some(id)) {
            account.ln = account.ln.map(|ln| clamp(ln - over));
        }
    }

    /// ln of the evidence.
    pub(crate) fn ln_value(&self) -> f64 {
        let all =
            || self.accounts.values().fold(self.ln_pool, |sum, it| ln_add(sum, it.ln_value()));
        *self.cached.ln_value.get_or_init(all)
    }

    /// The partition with the most capital, and its mean drift over the latest windows.
    pub(crate) fn leading(&self) -> Option<(&K, f64)> {
        let (id, account) =
            self.accounts.iter().max_by(|a, b| a.1.ln_value().total_cmp(&b.1.ln_value()))?;
        Some((id, account.drift()))
    }

    /// The smallest steady drift of one partition that would have reached `ln_needed` over the
    /// windows since this ledger was made or restored; `None` if even 1 s/s would not have. A
    /// drift of 1 has to go on for `normal` windows until any is bet on, a smaller one for more.
    pub(crate) fn smallest_drift_seen(
        &self,
        ln_needed: f64,
        tolerated: f64,
        normal: f64,
    ) -> Option<f64> {
        let asked = [ln_needed, tolerated, normal].map(f64::to_bits);
        let answer = || (asked, self.smallest_drift(ln_needed, tolerated, normal));
        match *self.cached.smallest.get_or_init(answer) {
            (same, told) if same == asked => told,
            (_, _) => self.smallest_drift(ln_needed, tolerated, normal),
        }
    }

    fn smallest_drift(&self, ln_needed: f64, tolerated: f64, normal: f64) -> Option<f64> {
        // More windows than this change the answer by less than its second digit.
        const ENOUGH: u32 = 400;
        let watched = self.accounts.values().map(|account| account.watched).max()?.min(ENOUGH);
        let mut one = Self::restored(self.scales[0], 0.0, 0, BTreeMap::new());
        let reaches = |drift: f64| {
            one.ln_pool = 0.0;
            one.windows = 0;
            let mut account = Account::new([LN_NOTHING; BETS]);
            let share = share(self.accounts.len());
            account.pay_in(one.withdraw(first_share()) - share);
            for window in 0..watched {
                account.pay_in(one.withdraw(later_share(window)) - share);
                if f64::from(window) * drift >= normal {
                    account.multiply(self.scales, drift, tolerated);
                }
            }
            account.ln_value() >= ln_needed
        };
        smallest(reaches)
    }

    /// Stakes part of the pool on partitions that have no account yet.
    fn open_accounts(&mut self, drifts: &[Drift<K>]) {
        let fresh: Vec<_> =
            drifts.iter().filter(|drift| !self.accounts.contains_key(&drift.id)).collect();
        if fresh.is_empty() {
            return;
        }
        let part = first_share() * f64::from(tally(fresh.len())) / f64::from(tally(drifts.len()));
        let each = self.withdraw(part) - share(fresh.len());
        for drift in fresh {
            let mut account = Account::new([LN_NOTHING; BETS]);
            account.pay_in(each);
            self.accounts.insert(drift.id.clone(), account);
        }
    }

    /// Takes a part, above 0 and below 1, of the pool; answers with ln of what was taken.
    fn withdraw(&mut self, part: f64) -> f64 {
        let taken = self.ln_pool + part.ln();
        self.ln_pool = clamp(self.ln_pool + (-part).ln_1p());
        taken
    }
}

/// The drift of one partition in one window, in seconds per second.
#[derive(Clone, Debug)]
pub(crate) struct Drift<K> {
    pub(crate) id: K,
    /// What is bet on: excused drifts are 0. `None`: the window is left out.
    pub(crate) judged: Option<f64>,
    /// What was measured.
    pub(crate) seen: f64,
}

impl Account {
    fn new(ln: [f64; BETS]) -> Self {
        Self { ln, recent: Vec::new(), watched: 0 }
    }

    /// ln of its capital.
    pub(crate) fn ln_value(&self) -> f64 {
        self.ln.iter().copied().reduce(ln_add).unwrap_or(LN_NOTHING)
    }

    fn pay_in(&mut self, ln_amount: f64) {
        let parts =
            STAKE_PARTS.into_iter().cycle().map(|part| ln_amount - share(SCALES) + part.ln());
        for (ln, part) in self.ln.iter_mut().zip(parts) {
            *ln = clamp(ln_add(*ln, part));
        }
    }

    fn multiply(&mut self, scales: [f64; 2], drift: f64, tolerated: f64) {
        let factor = |scale: f64, stake: f64| {
            let y = drift.clamp(-scale, (REACH_IN_SCALES * (scale + tolerated)).min(1.0));
            1.0 + stake / (scale + tolerated) * (y - tolerated)
        };
        let factors = scales.into_iter().flat_map(|s| STAKES.map(|stake| factor(s, stake)));
        for (ln, factor) in self.ln.iter_mut().zip(factors) {
            *ln = clamp(*ln + factor.ln());
        }
    }

    fn remember(&mut self, drift: f64) {
        if self.recent.len() == REMEMBERED_DRIFTS {
            self.recent.remove(0);
        }
        self.recent.push(drift);
    }

    fn drift(&self) -> f64 {
        let sum: f64 = self.recent.iter().sum();
        if self.recent.is_empty() { 0.0 } else { sum / f64::from(tally(self.recent.len())) }
    }
}

/// The least drift, to 0.01, for which a rising condition holds.
pub(crate) fn smallest(mut reaches: impl FnMut(f64) -> bool) -> Option<f64> {
    // 2⁻⁸ is less than half of that.
    reaches(1.0).then(|| bisect(0.0, 1.0, 8, reaches).1)
}
