//! Bounds that a user sets: on which side of one a value fails, and what is held against it.
//! Numbers and words; values come from elsewhere.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::words::ShortNumber;

/// Failing readings that are tolerated unless the user says otherwise: at polls of 10 s the first
/// half minute of a spike.
const FAILURE_LIMIT: u32 = 3;

/// What a threshold holds against its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Against {
    /// The value of the canary's worst pod.
    #[default]
    Absolute,
    /// The median of the canary's pods divided by the median of the primary's.
    Primary,
    /// The median of the canary's pods divided by what the primary's was before the trial.
    Before,
}

/// Whom a value is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// A pod, or the pods of one role. What the primary shows as well is shared and counts against
    /// nobody.
    #[default]
    Pods,
    /// The whole: a figure of the business, the errors of a service that is called. It has one value,
    /// the same for both roles, and counts for the canary.
    Global,
}

/// One bound of a threshold or a check.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// A value below this fails.
    Min(f64),
    /// A value above this fails.
    Max(f64),
    /// A value of this or more fails.
    LessThan(f64),
    /// A value of this or less fails.
    GreaterThan(f64),
}

impl Bound {
    /// Whether a value is beyond the bound.
    pub(crate) fn is_crossed_by(self, value: f64) -> bool {
        match self {
            Self::Min(min) => value < min,
            Self::Max(max) => max < value,
            Self::LessThan(limit) => limit <= value,
            Self::GreaterThan(limit) => value <= limit,
        }
    }
}

impl Display for Bound {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Min(min) => write!(f, "below min {}", ShortNumber(*min)),
            Self::Max(max) => write!(f, "above max {}", ShortNumber(*max)),
            Self::LessThan(limit) => write!(f, "not less than {}", ShortNumber(*limit)),
            Self::GreaterThan(limit) => write!(f, "not greater than {}", ShortNumber(*limit)),
        }
    }
}

pub(crate) const fn failure_limit() -> u32 {
    FAILURE_LIMIT
}
