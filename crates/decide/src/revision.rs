//! Names for what runs: a frozen pod template, one attempt to roll it out, and why one ended.
//! Values only; how keys are computed from a template is the operator's business.

use std::fmt;
use std::str::FromStr;

use strum::{EnumIter, EnumString, IntoStaticStr};

/// Name of a pod template among those of one target, 40 bits: the first of its content key, unless
/// another template has those. One name is one template, so equal names need no second look.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// Trial key of a pod template under the current `spec.canaryOn`: two templates with equal trial
/// keys need no trial between them. The first 128 bits of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TrialKey(pub u128);

/// One attempt to roll a revision out: `<revision>-<n>`, n from the durable counter, so that
/// a command left in Git never hits a later attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RolloutId {
    /// What is rolled out.
    pub revision: Revision,
    /// The attempt's number, counted from 1 over the life of the primary Deployment.
    pub attempt: u32,
}

impl RolloutId {
    /// Highest number of an attempt: one a minute for almost two years. What is beyond was not
    /// counted by anybody, and would leave no number for the next one.
    pub const MAX_ATTEMPT: u32 = 1_000_000;

    /// The number of the attempt after `attempts` of them.
    pub(crate) const fn next_attempt(attempts: u32) -> u32 {
        if attempts < Self::MAX_ATTEMPT { attempts + 1 } else { Self::MAX_ATTEMPT }
    }
}

/// Why a canary was, or is being, removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumString, IntoStaticStr)]
pub enum Cause {
    /// A guard fired: crash loop, out of memory, stall.
    GuardFailed,
    /// The evidence against the canary passed its bound.
    AnalysisFailed,
    /// Not scaled, Ready, joined and settled within `progressDeadline`.
    DeadlineExceeded,
    /// A person aborted this attempt.
    Aborted,
    /// Inconclusive at `maxHold` under `onInconclusive: Rollback`.
    Inconclusive,
    /// A third template arrived.
    Superseded,
    /// The template went back to the promoted one.
    Reverted,
    /// The template went back to a rejected one, or its revision turned out to be rejected.
    Rejected,
    /// A canary without a record of its trial: status was lost, or someone scaled it up.
    Resumed,
}

impl Cause {
    /// Whether the canary is given up in one pass: nobody waits for pods that serve nobody, or that
    /// a person wants gone. What is merely not wanted any more leaves as it came.
    #[must_use]
    pub const fn is_immediate(self) -> bool {
        match self {
            Self::GuardFailed | Self::AnalysisFailed | Self::DeadlineExceeded | Self::Aborted => {
                true
            }
            Self::Inconclusive
            | Self::Superseded
            | Self::Reverted
            | Self::Rejected
            | Self::Resumed => false,
        }
    }

    /// Whether the revision is remembered as rejected, so that it is not tried again by itself.
    pub(crate) const fn rejects(self) -> bool {
        match self {
            Self::GuardFailed
            | Self::AnalysisFailed
            | Self::DeadlineExceeded
            | Self::Aborted
            | Self::Inconclusive => true,
            Self::Superseded | Self::Reverted | Self::Rejected | Self::Resumed => false,
        }
    }
}

/// A text that is not what its type prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct NotA {
    /// What would have been accepted.
    pub expected: &'static str,
    /// What was there.
    pub found: String,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010x}", self.0)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Revision {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, NotA> {
        let error = || NotA { expected: "ten hexadecimal digits", found: text.into() };
        if text.len() != 10 || text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(error());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| error())
    }
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.revision, self.attempt)
    }
}

impl FromStr for RolloutId {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, NotA> {
        let error = || NotA { expected: "<revision>-<attempt>", found: text.into() };
        let (revision, attempt) = text.split_once('-').ok_or_else(error)?;
        let id = Self {
            revision: revision.parse().map_err(|_| error())?,
            attempt: attempt.parse().map_err(|_| error())?,
        };
        // One text for one attempt: neither "+3" nor "03".
        let is_its_name = id.attempt <= Self::MAX_ATTEMPT && id.to_string() == text;
        is_its_name.then_some(id).ok_or_else(error)
    }
}
