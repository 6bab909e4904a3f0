//! What days of watching teach of the primary that a record of twenty minutes can't show, as a trial
//! is given it. Plain numbers within caps: whatever stands here, the judge stays able to see.

use serde::{Deserialize, Serialize};

use crate::numbers::Millis;

/// Longest commit gap that is believed: a canary that stands still is found after a quarter more and
/// two polls, 170 s at ten seconds a poll.
pub(crate) const MOST_GAP: Millis = 120_000;
/// Longest warm-up that is believed: the first hold of the usual plan.
pub(crate) const MOST_WARM_UP: Millis = 600_000;
/// Largest ratio between pods that is believed. Five times as many errors are a finding, whatever
/// days have shown.
pub(crate) const MOST_RATIO: f64 = 4.0;
/// Longest burst of events that is believed, in windows of counts: a minute. With 12 a canary that
/// fails every message was found after 210 s.
pub(crate) const MOST_BURST: u32 = 6;
/// Rate of events that a remembered ratio leaves to be told: half of all messages fail, or are slow.
/// Where events are frequent a smaller ratio is believed.
const LARGEST_RATE: f64 = 0.5;

/// What a memory of the primary teaches. Each is the least that the margin of a trial is; the record
/// before it may ask for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Remembered {
    /// Longest usual gap between two commits, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_gap: Option<Millis>,
    /// How long a pod usually takes to get to work at most, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Millis>,
    /// Errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<RememberedCounts>,
    /// Messages that are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<RememberedCounts>,
    /// Messages that take long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<RememberedCounts>,
}

/// How much pods of the primary usually differ at most, in events of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberedCounts {
    /// Rate of one pod over minutes, of that of the others.
    pub ratio: f64,
    /// Windows of counts in a row in which one pod has far more than the others. At least 1.
    pub burst: u32,
}

impl Remembered {
    /// This within its caps. What is no number counts as the least.
    #[must_use]
    pub fn capped(self) -> Self {
        Self {
            commit_gap: self.commit_gap.map(|gap| gap.clamp(0, MOST_GAP)),
            warm_up: self.warm_up.map(|span| span.clamp(0, MOST_WARM_UP)),
            errors: self.errors.map(RememberedCounts::capped),
            loss: self.loss.map(RememberedCounts::capped),
            latency: self.latency.map(RememberedCounts::capped),
        }
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl RememberedCounts {
    fn capped(self) -> Self {
        let ratio = if self.ratio.is_nan() { 1.0 } else { self.ratio };
        Self { ratio: ratio.clamp(1.0, MOST_RATIO), burst: self.burst.clamp(1, MOST_BURST) }
    }

    /// The ratio that is believed where `rate` of the primary's messages are events, and the margin
    /// is multiplied by `lenience` before it decides.
    pub(crate) fn ratio_at(self, rate: f64, lenience: f64) -> f64 {
        self.capped().ratio.min(LARGEST_RATE / (rate.max(f64::MIN_POSITIVE) * lenience)).max(1.0)
    }
}
