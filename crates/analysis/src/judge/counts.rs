//! Counts over a whole trial: observations, windows, and time that was excused.
//! Plain sums; a Pass asks for them, and reports tell them.

use serde::{Deserialize, Serialize};

use crate::lag::group::GroupSnapshot;
use crate::numbers::{Millis, is_default};
use crate::signals::lag::{Excuse, LagWindow};

/// Counts over the whole trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrialCounts {
    pub(crate) samples: u32,
    #[serde(rename = "empty")]
    pub(crate) without_evidence: u32,
    #[serde(rename = "excusedWindows")]
    pub(crate) excused_windows: u32,
    pub(crate) excused: Millis,
    /// Time in which lag grew beside a primary pod that was as slow.
    #[serde(rename = "beside", default, skip_serializing_if = "is_default")]
    pub(crate) beside_a_slow_peer: Millis,
}

impl TrialCounts {
    /// Counts an observation of the group, and the window of lag that it ends.
    pub(crate) fn add(&mut self, seen: &GroupSnapshot<'_>, window: Option<&LagWindow>) {
        self.samples = self.samples.saturating_add(1);
        // A rebalance ends the open window without evidence.
        let lost = u32::from(seen.is_broken) + u32::from(window.is_some_and(|it| it.is_empty));
        self.without_evidence = self.without_evidence.saturating_add(lost);
        let Some(window) = window else { return };
        if window.excuses.contains(&Excuse::Overloaded) {
            self.excused_windows = self.excused_windows.saturating_add(1);
            self.excused = self.excused.saturating_add(window.length);
        }
        if window.excuses.contains(&Excuse::SlowPeer) {
            self.beside_a_slow_peer = self.beside_a_slow_peer.saturating_add(window.length);
        }
    }
}
