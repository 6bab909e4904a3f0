//! What a trial is judged by: intervals, the budget of false rollbacks, the user's metrics.
//! Frozen when the trial starts; nothing here judges.

pub(crate) mod bound;
pub(crate) mod check;
pub(crate) mod remembered;
pub(crate) mod user_metric;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::numbers::Millis;
use crate::settings::remembered::Remembered;
use crate::settings::user_metric::{UserMetric, usable};

/// Settings that a trial is judged by, frozen when it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Time between observations, in milliseconds. Below 100 it counts as 100.
    pub interval: Millis,
    /// Age in milliseconds from which a pod is compared: its lag, its counts, its memory, the user's
    /// thresholds and checks, and whether it has committed anything yet. Gross failure, lost
    /// messages and the other guards don't wait for it. Where a primary pod that started in the
    /// record took longer, that counts.
    pub warm_up: Millis,
    /// Probability of rolling back a healthy canary over the whole trial, guards excepted.
    /// Above 0 and at most 0.5; anything else counts as the nearest of these bounds.
    pub false_rollback_probability: f64,
    /// What a Pass has to rest on.
    pub minimum_evidence: MinimumEvidence,
    /// The metrics that the user defined, at most [`MOST_USER_METRICS`](crate::MOST_USER_METRICS),
    /// and the checks. What [`check_user_metrics`](crate::check_user_metrics) refuses is left out.
    pub user: Arc<[UserMetric]>,
    /// What days have shown of the primary, beside the record. [`Remembered::default`]: nothing.
    pub remembered: Remembered,
}

/// What a Pass has to rest on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MinimumEvidence {
    /// A large effect is ruled out for every signal that is required: errors twice as many, lag that
    /// grows by a quarter of a second a second.
    Proven,
    /// That, or nothing unusual among a few messages at least; the bound that this shows is said with
    /// the Pass.
    #[default]
    Observed,
}

impl Settings {
    /// Clamps every field to the nearest value that can be judged by.
    pub(crate) fn sane(self) -> Self {
        let alpha = self.false_rollback_probability;
        Self {
            interval: self.interval.clamp(100, 3_600_000),
            warm_up: self.warm_up.max(0),
            minimum_evidence: self.minimum_evidence,
            // Below one in a billion no float and no trial could tell the difference.
            false_rollback_probability: if alpha.is_nan() { 1e-9 } else { alpha.clamp(1e-9, 0.5) },
            user: usable(&self.user),
            remembered: self.remembered.capped(),
        }
    }

    /// The settings with a warm-up of `learned` milliseconds, if that is longer.
    pub(crate) fn warmed_up(self, learned: Millis) -> Self {
        Self { warm_up: self.warm_up.max(learned), ..self }
    }

    /// ln of the evidence that decides. Accounts that were lost j times have α·2⁻⁽ʲ⁺¹⁾ to spend.
    pub(crate) fn ln_needed(&self, losses: u32) -> f64 {
        let halvings = f64::from(losses.saturating_add(1));
        halvings * std::f64::consts::LN_2 - self.false_rollback_probability.ln()
    }
}
