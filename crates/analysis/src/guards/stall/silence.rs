//! How long a consumer with messages waiting may commit nothing: by the record, and by days.
//! Plain arithmetic; watches nobody.

use crate::normal::margins::Margins;
use crate::numbers::Millis;

/// Silence shorter than this is never a stall: a GC pause, a slow downstream call, a retry.
const SHORTEST_WAIT: Millis = 30_000;
/// Silence that is a stall while the commit interval is unknown.
const DEFAULT_WAIT: Millis = 60_000;

/// What is known of a primary's silence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsualSilence {
    interval: Millis,
    /// Longest commit gap of the record; `None`: no full one was seen.
    commit_gap: Option<Millis>,
    /// Longest usual one of days, `None` where nothing is remembered.
    remembered: Option<Millis>,
}

impl UsualSilence {
    pub(crate) const fn new(margins: &Margins, interval: Millis) -> Self {
        let (commit_gap, remembered) = (margins.commit_gap, margins.remembered_gap);
        Self { interval, commit_gap, remembered }
    }

    /// How long an owner that has committed may be silent: twice the longest gap of twenty minutes and
    /// a poll. Days have shown more: a quarter and two polls are added to theirs.
    pub(crate) fn wait(self) -> Millis {
        let by_record = self.commit_gap.map_or(DEFAULT_WAIT, |gap| {
            SHORTEST_WAIT.max(gap.saturating_add(self.interval).saturating_mul(2))
        });
        let by_days = self.remembered.map_or(0, |gap| {
            gap.saturating_add(gap / 4).saturating_add(self.interval.saturating_mul(2))
        });
        by_record.max(by_days)
    }

    /// How much longer it may be silent up to its first commit: one gap.
    pub(crate) fn before_first_commit(self) -> Millis {
        self.commit_gap.unwrap_or(0)
    }
}
