//! The metrics that a user defines for a rollout: their names, and how each of them is judged.
//! Only definitions and what they may say; readings and verdicts are elsewhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::numbers::is_default;
use crate::settings::bound::{Against, Scope};
use crate::settings::check::{Check, Measure};

/// Most user metrics of one rollout, its checks not counted. Each ratio takes evidence from all
/// other signals, and the accounts of all of them have to fit into a status.
pub const MOST_USER_METRICS: usize = 10;
/// Longest name, in bytes: a label's.
const LONGEST_NAME: usize = 63;

/// A metric that a user defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserMetric {
    /// Name of the metric: `[a-z0-9]([-a-z0-9_]*[a-z0-9])?`, at most 63 bytes, once in a rollout.
    pub name: Arc<str>,
    /// How it is judged.
    #[serde(flatten)]
    pub rule: UserRule,
}

/// How a user metric is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum UserRule {
    /// Events of a total, two counters per pod: as errors are judged, by evidence and within the
    /// accepted probability of a false rollback.
    Ratio,
    /// A value per pod against fixed bounds: by the count of failing readings, outside that
    /// probability.
    Threshold(Threshold),
    /// A value that is computed of each pod, the one of the metric's name (a [`Measure`]), against
    /// fixed bounds: as a threshold.
    Check(Check),
}

/// Bounds of a value. At least one of `min` and `max` is there, both are finite, `min` ≤ `max`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Threshold {
    /// A value below this fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// A value above this fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Failing readings that are tolerated over the whole trial, 3 by default. The next one fails
    /// the canary.
    #[serde(default = "crate::settings::bound::failure_limit")]
    pub failure_limit: u32,
    /// What is held against the bounds.
    #[serde(default)]
    pub against: Against,
    /// Whom the value is about.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scope: Scope,
}

/// Error in a user's metrics.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserMetricError {
    /// There are more than [`MOST_USER_METRICS`].
    #[error("{0} user metrics, want at most {MOST_USER_METRICS}")]
    TooMany(usize),
    /// A name is not of the form.
    #[error("user metric {0:?}: want 1 to 63 of a-z, 0-9, - and _, with a-z or 0-9 at both ends")]
    Name(Arc<str>),
    /// A name is used twice.
    #[error("two user metrics have the name {0}")]
    Twice(Arc<str>),
    /// A threshold without a bound.
    #[error("user metric {0}: a threshold needs min, max or both")]
    NoBound(Arc<str>),
    /// Bounds that no value can be tested against.
    #[error("user metric {0}: want finite bounds, min not above max")]
    Bounds(Arc<str>),
    /// A value of the whole held against the primary's, which is the same one.
    #[error(
        "user metric {0}: a value with scope Global is the primary's as well, want against Absolute or Before"
    )]
    NoPrimary(Arc<str>),
    /// No check has this name.
    #[error(
        "user metric {0}: no check of this name, want error_rate, latency_p99, success_rate or memory_usage"
    )]
    UnknownCheck(Arc<str>),
    /// A check without a bound.
    #[error("user metric {0}: a check needs lessThan, greaterThan or both")]
    UnboundCheck(Arc<str>),
    /// Bounds of a check that no value can be between.
    #[error("user metric {0}: want finite bounds, greaterThan below lessThan")]
    CheckBounds(Arc<str>),
}

/// Checks the user metrics of one rollout.
///
/// # Errors
/// The first violation.
pub fn check_user_metrics(all: &[UserMetric]) -> Result<(), UserMetricError> {
    let counted = all.iter().filter(|it| it.takes_a_place()).count();
    if counted > MOST_USER_METRICS {
        return Err(UserMetricError::TooMany(counted));
    }
    for (place, metric) in all.iter().enumerate() {
        metric.check()?;
        if all[..place].iter().any(|earlier| earlier.name == metric.name) {
            return Err(UserMetricError::Twice(metric.name.clone()));
        }
    }
    Ok(())
}

/// The metrics that can be judged by; malformed and surplus ones are left out.
pub(crate) fn usable(all: &Arc<[UserMetric]>) -> Arc<[UserMetric]> {
    if check_user_metrics(all).is_ok() {
        return all.clone();
    }
    let mut kept: Vec<UserMetric> = Vec::with_capacity(MOST_USER_METRICS);
    for metric in all.iter() {
        let known = kept.iter().any(|it| it.name == metric.name);
        let places = kept.iter().filter(|it| it.takes_a_place()).count();
        let has_room = !metric.takes_a_place() || places < MOST_USER_METRICS;
        if has_room && !known && metric.check().is_ok() {
            kept.push(metric.clone());
        }
    }
    kept.into()
}

impl UserMetric {
    /// Whether the metric counts towards [`MOST_USER_METRICS`]; checks don't, there are only four.
    const fn takes_a_place(&self) -> bool {
        match self.rule {
            UserRule::Ratio | UserRule::Threshold(_) => true,
            UserRule::Check(_) => false,
        }
    }

    fn check(&self) -> Result<(), UserMetricError> {
        if !is_name(&self.name) {
            return Err(UserMetricError::Name(self.name.clone()));
        }
        match self.rule {
            UserRule::Ratio => Ok(()),
            UserRule::Threshold(threshold) => self.check_threshold(threshold),
            UserRule::Check(check) => self.check_check(check),
        }
    }

    fn check_threshold(&self, it: Threshold) -> Result<(), UserMetricError> {
        if (it.against, it.scope) == (Against::Primary, Scope::Global) {
            return Err(UserMetricError::NoPrimary(self.name.clone()));
        }
        let possible = match (it.min, it.max) {
            (None, None) => return Err(UserMetricError::NoBound(self.name.clone())),
            (Some(bound), None) | (None, Some(bound)) => bound.is_finite(),
            (Some(min), Some(max)) => min.is_finite() && max.is_finite() && min <= max,
        };
        if possible { Ok(()) } else { Err(UserMetricError::Bounds(self.name.clone())) }
    }

    fn check_check(&self, it: Check) -> Result<(), UserMetricError> {
        let name = self.name.clone();
        if Measure::called(&name).is_none() {
            return Err(UserMetricError::UnknownCheck(name));
        }
        if it.less_than.or(it.greater_than).is_none() {
            return Err(UserMetricError::UnboundCheck(name));
        }
        if it.is_possible() { Ok(()) } else { Err(UserMetricError::CheckBounds(name)) }
    }
}

fn is_name(name: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    bytes.len() <= LONGEST_NAME
        && ends.is_some_and(|(first, last)| is_end(*first) && is_end(*last))
        && bytes.iter().all(|byte| is_end(*byte) || b"-_".contains(byte))
}

#[cfg(test)]
mod tests;
