//! The kinds of counts that are compared, and in what they differ.
//! Only properties; counting and betting are elsewhere.

use crate::constants::{COUNT_WINDOW, Constant};
use crate::numbers::Millis;
use crate::settings::Settings;
use crate::settings::remembered::{Remembered, RememberedCounts};

/// Whether a pod that is slow at this age may just be warming up, where a warm-up of `warm_up` is
/// known of.
pub(crate) fn may_be_warming_up(age: Millis, warm_up: Millis) -> bool {
    !Kind::Latency.compares(age, warm_up)
}

/// Kinds of counts per message, each a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Errors,
    Loss,
    Latency,
    /// A user's ratio, by its index among the user's ratios.
    User(usize),
}

impl Kind {
    /// The kinds that need no definition, in the order of their index.
    pub(crate) const BUILT_IN: [Self; 3] = [Self::Errors, Self::Loss, Self::Latency];

    /// The built-in kinds and those of this many ratios of the user, in the order of their index.
    pub(crate) fn all(user: usize) -> impl Iterator<Item = Self> {
        Self::BUILT_IN.into_iter().chain((0..user).map(Self::User))
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Errors => 0,
            Self::Loss => 1,
            Self::Latency => 2,
            Self::User(index) => 3 + index,
        }
    }

    /// Whether a pod is compared in a window that begins when it is this old. Pods are made between
    /// two observations: half a window of the grace may be missing.
    pub(crate) fn compares(self, age: Millis, warm_up: Millis) -> bool {
        age.saturating_add(COUNT_WINDOW / 2) >= self.grace(warm_up)
    }

    /// Age of a pod from which it is compared, at least its warm-up. A lost message is lost at any
    /// age.
    fn grace(self, warm_up: Millis) -> Millis {
        match self {
            Self::Errors | Self::User(_) => Constant::GraceOfErrors.millis().max(warm_up),
            Self::Loss => 0,
            Self::Latency => Constant::GraceOfLatency.millis().max(warm_up),
        }
    }

    /// What days have shown of it. What a user counts may be defined anew
    /// under its old name: nothing is remembered of it.
    pub(crate) const fn remembered(self, all: &Remembered) -> Option<RememberedCounts> {
        match self {
            Self::Errors => all.errors,
            Self::Loss => all.loss,
            Self::Latency => all.latency,
            Self::User(_) => None,
        }
    }

    /// Total failure shows in errors, and in what a user counts; nothing else gets fifty times
    /// worse at once.
    pub(crate) const fn has_gross_account(self) -> bool {
        match self {
            Self::Errors | Self::User(_) => true,
            Self::Loss | Self::Latency => false,
        }
    }

    /// By how much a margin is multiplied at most before it decides.
    pub(crate) fn lenience(self) -> f64 {
        if self.has_gross_account() { Constant::GrossMargin.value() } else { 1.0 }
    }

    /// ln of the largest factor by which one window multiplies an account. The heaviest count
    /// weighs at most 0.39 (where there are no metrics but errors), loss at most 0.2 (where
    /// nothing else is told), and half of its capital is staked on the first window: no single
    /// window decides, and two of total failure do.
    pub(crate) fn ln_most(self, settings: &Settings) -> f64 {
        (Constant::LargestFactor.value() * self.evidence_cap_scale()).ln() + settings.ln_needed(0)
    }

    /// How much more one window may say, because the signal has less weight than others.
    const fn evidence_cap_scale(self) -> f64 {
        match self {
            Self::Loss => 1.6,
            Self::Errors | Self::Latency | Self::User(_) => 1.0,
        }
    }

    /// Whether a pod may get better by itself.
    pub(crate) const fn has_warm_up(self) -> bool {
        match self {
            Self::Latency => true,
            Self::Errors | Self::Loss | Self::User(_) => false,
        }
    }

    /// Whether a slow node, or a slow shard behind it, has the same effect as a bad version.
    pub(crate) const fn may_be_node_or_shard(self) -> bool {
        match self {
            Self::Latency => true,
            Self::Errors | Self::Loss | Self::User(_) => false,
        }
    }

    /// Whether a missing series is read as 0.
    pub(crate) const fn may_be_missing(self) -> bool {
        match self {
            Self::Errors | Self::User(_) => true,
            Self::Loss | Self::Latency => false,
        }
    }

    /// Whether it is available before its series of events is there: an own counter of failures
    /// mostly begins with the first.
    pub(crate) const fn may_begin_empty(self) -> bool {
        match self {
            Self::User(_) => true,
            Self::Errors | Self::Loss | Self::Latency => false,
        }
    }
}
