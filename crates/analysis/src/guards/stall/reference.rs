//! The primary as what a stall is compared with: how much of it is silent, and when it last was.
//! Counts alone: which partition is which, the guard knows.

use crate::numbers::Millis;

/// Part of the busy primary partitions that must commit, in percent; otherwise the cause is shared.
const COMMITTING_PERCENT: u64 = 80;

/// What the primary does. Times are watched milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    busy: Busy,
    /// Since it was last silent, unhealthy or out of sight.
    steady: u32,
    /// Since it was last silent for the time of a stall, unhealthy or out of sight.
    since_outage: u32,
    /// Whether it was unhealthy or out of sight since the latest look.
    unseen: bool,
    /// Whether a partition that had stood still committed while too many did.
    revived: bool,
}

/// The primary's partitions that commit, or would have to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Busy {
    /// Those with a commit within half the time of a stall, which is longer than any healthy gap.
    pub(crate) committing: u32,
    /// Those on which messages have waited for as long without one.
    pub(crate) silent: u32,
    /// Those of them that have been silent for all the time of a stall.
    pub(crate) stalled: u32,
}

impl Default for Reference {
    /// A primary that was never seen in trouble.
    fn default() -> Self {
        let (busy, never) = (Busy::default(), u32::MAX);
        Self { busy, steady: never, since_outage: never, unseen: false, revived: false }
    }
}

impl Reference {
    /// Takes what its partitions do, `step` milliseconds after the look before. Answers whether it
    /// was silent, and commits again where it was.
    pub(crate) fn look(&mut self, busy: Busy, step: u32) -> bool {
        // The time up to the look that finds it at work is still one of trouble.
        let was_in_trouble = std::mem::take(&mut self.unseen) || self.is_silent();
        self.busy = busy;
        let is_silent = self.is_silent();
        let is_steady = !was_in_trouble && !is_silent;
        self.steady = if is_steady { self.steady.saturating_add(step) } else { 0 };
        let is_out = busy.is_too_much(busy.stalled);
        self.since_outage = if is_out { 0 } else { self.since_outage.saturating_add(step) };
        let revived = std::mem::take(&mut self.revived);
        self.revived = revived && is_silent;
        revived && !is_silent
    }

    /// It is unhealthy, or was out of sight: whatever anybody did until now says nothing.
    pub(crate) fn begin_anew(&mut self) {
        (self.steady, self.since_outage, self.unseen) = (0, 0, true);
    }

    /// One of its partitions that stood still commits.
    pub(crate) fn revive(&mut self) {
        self.revived |= self.is_silent();
    }

    /// Whether too much of it is silent to blame anybody for that.
    pub(crate) fn is_silent(&self) -> bool {
        self.busy.is_too_much(self.busy.silent)
    }

    /// Whether what is silent is so for reasons of its own, as at least as much commits.
    pub(crate) const fn mostly_commits(&self) -> bool {
        self.busy.silent <= self.busy.committing
    }

    pub(crate) fn busy(&self) -> Busy {
        self.busy
    }

    /// How long it has been a fair measure.
    pub(crate) fn steady(&self) -> Millis {
        self.steady.into()
    }

    /// How long it has been none that stalled.
    pub(crate) fn since_outage(&self) -> Millis {
        self.since_outage.into()
    }
}

impl Busy {
    pub(crate) const fn all(self) -> u32 {
        self.committing.saturating_add(self.silent)
    }

    /// Whether so many of them are more than may stand still one by one.
    fn is_too_much(self, part: u32) -> bool {
        let rest = u64::from(self.all().saturating_sub(part));
        rest * 100 < u64::from(self.all()) * COMMITTING_PERCENT
    }
}
