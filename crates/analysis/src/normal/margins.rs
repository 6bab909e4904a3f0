//! What is normal for the primary, learned from the record before a trial and frozen with it.
//! A judge without margins would roll back 44 % of healthy canaries: no two pods are equal.

use serde::{Deserialize, Serialize};

use crate::constants::{Constant, DEFAULT_COMMIT_GAP};
use crate::engines::drift_test::{FINEST_SCALE, WIDEST_SCALE};
use crate::normal::warm_up::LONGEST_WARM_UP;
use crate::numbers::{Millis, is_default, seconds, whole_polls};
use crate::settings::remembered::MOST_GAP;

/// Lag beyond a commit gap, in seconds, that waiting for the next commit doesn't explain.
const BACKLOG_BEYOND_COMMIT_S: f64 = 1.0;

/// Margins that are learned from a record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Margins {
    /// Longest commit gap of a healthy primary partition; `None`: no full one was seen.
    #[serde(rename = "gap")]
    pub(crate) commit_gap: Option<Millis>,
    /// Longest usual one of days; `None`: nothing is remembered. It is what a stall waits for, and not
    /// how long a window is: pods that are blocked once a day don't make every day's windows longer.
    #[serde(rename = "days", default, skip_serializing_if = "Option::is_none")]
    pub(crate) remembered_gap: Option<Millis>,
    /// Commit gap that nine of ten don't exceed; `None`: no full one was seen.
    #[serde(rename = "pace")]
    pub(crate) typical_gap: Option<Millis>,
    /// Scale of healthy drifts, seconds per second.
    pub(crate) scale: f64,
    /// Largest lag that is normal, in seconds.
    #[serde(rename = "normal")]
    pub(crate) normal_lag: f64,
    /// Whether scale and normal lag were learned, not defaults.
    #[serde(rename = "learnt")]
    pub(crate) learned: bool,
    /// Age up to which a primary pod that started in the record was warming up; 0: none did.
    #[serde(rename = "warm", default, skip_serializing_if = "is_default")]
    pub(crate) warm_up: Millis,
}

impl Margins {
    /// Length of the windows in which lag is proven flat, in whole polls: one typical commit gap.
    pub(crate) fn proof_window(&self, interval: Millis) -> Millis {
        whole_polls(self.typical_gap.unwrap_or(DEFAULT_COMMIT_GAP), interval)
    }

    /// Length of the windows in which drift is compared, in whole polls: two commit gaps, so that
    /// each contains a full one, and at least two polls, so that a minimum means something.
    pub(crate) fn drift_window(&self, interval: Millis) -> Millis {
        let gaps = self.commit_gap.unwrap_or(DEFAULT_COMMIT_GAP).saturating_mul(2);
        let polls = interval.saturating_mul(2);
        whole_polls(gaps.max(polls).max(Constant::DriftWindow.millis()), interval)
    }

    /// Lag in seconds from which there is a backlog: more than waiting for the next commit
    /// explains.
    pub(crate) fn backlog_seconds(&self) -> f64 {
        seconds(self.commit_gap.unwrap_or(0)) + BACKLOG_BEYOND_COMMIT_S
    }

    /// The margins, if they can have been learned.
    pub(crate) fn checked(self) -> Option<Self> {
        let gaps = [self.commit_gap, self.typical_gap];
        let possible = gaps.iter().all(|gap| gap.is_none_or(|gap| gap >= 0))
            && (FINEST_SCALE..=WIDEST_SCALE).contains(&self.scale)
            && self.normal_lag >= Constant::NormalLag.value()
            && self.normal_lag.is_finite()
            && self.remembered_gap.is_none_or(|gap| (0..=MOST_GAP).contains(&gap))
            && (0..=LONGEST_WARM_UP).contains(&self.warm_up);
        possible.then_some(self)
    }
}
