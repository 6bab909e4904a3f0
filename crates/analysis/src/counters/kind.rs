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

/// Windows in which CPU per message is compared.
const CPU_WINDOW: Millis = 30_000;
/// Excess of the least margin of CPU per message over a ratio of 1.
const LEAST_EXCESS_OF_CPU: f64 = 0.3;
/// Age from which CPU per message is compared: compilers go on for longer than messages are slow for it.
const GRACE_OF_CPU: Millis = 210_000;
/// What gets better by itself: less than this part of what was before. The CPU of a compiler ends at once,
/// and that of a pod varies by a tenth.
const FASTER: f64 = 0.95;
const FASTER_IN_CPU: f64 = 0.8;

/// Kinds of counts per message, each a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Errors,
    Loss,
    Latency,
    /// Milliseconds of CPU.
    Cpu,
    /// A user's ratio, by its index among the user's ratios.
    User(usize),
}

bitflags::bitflags! {
    /// In what kinds differ, numbers apart.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Traits: u8 {
        /// Total failure shows in it at once, and has an account of its own; nothing else gets fifty
        /// times worse.
        const GROSS = 1;
        /// A canary without a live primary is compared with the record. What a pod does beside its
        /// messages is a larger part of its CPU the fewer messages there are: by the hour, that is.
        const PAST = 1 << 1;
        /// A Pass needs a proof of it. CPU that a message takes costs money, not messages: it can fail
        /// a canary, and a healthy one need not wait for it.
        const PROOF = 1 << 2;
        /// A slow node, or a slow shard behind it, has the same effect as a bad version.
        const PLACE = 1 << 3;
        /// Bad data explains it as well as a bad version does: what is lost is lost by whoever took it.
        const DATA = 1 << 4;
        /// A missing series is read as 0, and may have been renamed.
        const RENAMED = 1 << 5;
        /// It is available before its series of events is there: an own counter of failures mostly
        /// begins with the first.
        const BEGINS_EMPTY = 1 << 6;
    }
}

impl Kind {
    /// The kinds that need no definition, in the order of their index.
    pub(crate) const BUILT_IN: [Self; 4] = [Self::Errors, Self::Loss, Self::Latency, Self::Cpu];

    /// The built-in kinds and those of this many ratios of the user, in the order of their index.
    pub(crate) fn all(user: usize) -> impl Iterator<Item = Self> {
        Self::BUILT_IN.into_iter().chain((0..user).map(Self::User))
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Errors => 0,
            Self::Loss => 1,
            Self::Latency => 2,
            Self::Cpu => 3,
            Self::User(index) => 4 + index,
        }
    }

    /// The window in which it is compared, unless scrapes are further apart. CPU is told by the kubelet,
    /// at a pace of its own: shorter windows would not have every pod.
    pub(crate) const fn window(self) -> Millis {
        match self {
            Self::Errors | Self::Loss | Self::Latency | Self::User(_) => COUNT_WINDOW,
            Self::Cpu => CPU_WINDOW,
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
            Self::Cpu => GRACE_OF_CPU.max(warm_up),
        }
    }

    /// What days have shown of it. What a user counts may be defined anew under its old name: nothing
    /// is remembered of it, nor of CPU, which is not compared with the past.
    pub(crate) const fn remembered(self, all: &Remembered) -> Option<RememberedCounts> {
        match self {
            Self::Errors => all.errors,
            Self::Loss => all.loss,
            Self::Latency => all.latency,
            Self::Cpu | Self::User(_) => None,
        }
    }

    /// Whether the kind has a trait.
    pub(crate) fn is(self, one: Traits) -> bool {
        self.traits().contains(one)
    }

    fn traits(self) -> Traits {
        let common = Traits::PAST | Traits::PROOF;
        match self {
            Self::Errors => common | Traits::GROSS | Traits::DATA | Traits::RENAMED,
            Self::Loss => common,
            Self::Latency => common | Traits::PLACE | Traits::DATA,
            Self::Cpu => Traits::PLACE,
            Self::User(_) => {
                common | Traits::GROSS | Traits::DATA | Traits::RENAMED | Traits::BEGINS_EMPTY
            }
        }
    }

    /// By how much a margin is multiplied at most before it decides.
    pub(crate) fn lenience(self) -> f64 {
        if self.is(Traits::GROSS) { Constant::GrossMargin.value() } else { 1.0 }
    }

    /// ln of the largest factor by which one window multiplies an account. The heaviest count
    /// weighs at most 0.39 (where there are no metrics but errors), loss at most 0.2 (where
    /// nothing else is told), and half of its capital is staked on the first window: no single
    /// window decides, and two of total failure do.
    ///
    /// CPU is no emergency: it takes five windows, which a compiler's last minute is not.
    pub(crate) fn ln_most(self, settings: &Settings) -> f64 {
        let scale = match self {
            Self::Errors | Self::Latency | Self::User(_) => 1.0,
            // It has less weight than others, so that one window has to say more.
            Self::Loss => 1.6,
            Self::Cpu => return settings.ln_needed(0) / 2.0,
        };
        (Constant::LargestFactor.value() * scale).ln() + settings.ln_needed(0)
    }

    /// Part of the rate before below which a young pod gets better by itself; `None`: none does.
    pub(crate) const fn warming_up(self) -> Option<f64> {
        match self {
            Self::Latency => Some(FASTER),
            Self::Cpu => Some(FASTER_IN_CPU),
            Self::Errors | Self::Loss | Self::User(_) => None,
        }
    }

    /// Excess of the least margin over a ratio of 1. Nodes of one group may be of two generations, and
    /// a message takes a third more CPU on the older: that is nobody's fault.
    pub(crate) fn least_excess(self) -> f64 {
        match self {
            Self::Errors | Self::Loss | Self::Latency | Self::User(_) => {
                Constant::LeastRatio.value()
            }
            Self::Cpu => LEAST_EXCESS_OF_CPU,
        }
    }
}
