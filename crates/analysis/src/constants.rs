//! The chosen numbers of the method, each with its reasons, and rules that several rooms share.
//! It knows no user of a number; a number that one file uses stays in that file.
//!
//! Without the feature `sensitivity` nothing can change one: the judge stays a pure function of
//! what it is shown.

use crate::numbers::Millis;

/// Counts are compared over windows of at least this length: the shortest block in which their
/// noise is measured.
pub(crate) const COUNT_WINDOW: Millis = 10_000;
/// Commit gap that is assumed while none was seen.
pub(crate) const DEFAULT_COMMIT_GAP: Millis = 30_000;
/// Polls after which an answer is too old for a Pass or a guard. Unwatched time that is longer is
/// bet on as if it had been this many polls.
pub(crate) const RECENT_POLLS: Millis = 3;
/// Messages of the canary from which on something was observed: none of them an event leaves 15 %
/// open.
pub(crate) const LEAST_OBSERVED_MESSAGES: u32 = 20;
/// Largest evidence that is reported: more means nothing.
pub(crate) const LARGEST_EVIDENCE: f64 = 1e12;

/// Longest time between two polls, or scrapes, of which the later one still says what happened in
/// between: one that is missed is bridged, after more a minimum would rest on too few samples.
pub(crate) const fn longest_bridged(interval: Millis) -> Millis {
    interval.saturating_mul(5) / 2
}

/// A number that a benchmark can multiply, to ask how much depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum Constant {
    /// Excess of the least margin of counts over a ratio of 1: pods, partitions and keys differ,
    /// and a short record doesn't show by how much. With 0.5 twice the errors took 40 to 60 s
    /// longer to find.
    LeastRatio,
    /// Deviation of the ln of healthy pods' rates that is assumed before any was seen: nodes differ by
    /// ten percent in speed, and a share of slow messages by somewhat more. Until 1.25 times the worst
    /// pod's ratio was the margin, 10 % of healthy canaries beside one pod on such nodes were rolled
    /// back, and 15 % where rates wander by 30 %; with 0.05 it is 8 % and 18 %.
    PodDeviation,
    /// Events added to what was seen and what was expected of a pod, so that few events make no
    /// ratio.
    PseudoEvents,
    /// A rate below this is nobody's fault, in events per message, unless the record is much cleaner. Without it a single error
    /// against none in the primary would be an infinite ratio.
    RateFloor,
    /// The largest factor of one window of counts, in units of the evidence that decides.
    LargestFactor,
    /// The gross account's margin, as a multiple of the ordinary one: what no warm-up explains.
    GrossMargin,
    /// Age in milliseconds from which errors are compared: connections and caches of a new pod may
    /// fail at first.
    GraceOfErrors,
    /// Age in milliseconds from which processing times are compared, and lag that grows decides:
    /// compilers and caches warm up.
    GraceOfLatency,
    /// Mean drift of lag that is nobody's fault, in seconds per second: noise of commits and
    /// clocks.
    LeastDrift,
    /// Least length of a window of drift in milliseconds, so that a GC pause or a burst is part of
    /// one window, not a run of bad ones.
    ///
    /// Tried against 30 s: a canary that is 30 % slower is found by lag alone after 230 s, not
    /// 280 s, and half the capacity deficit as late; of 2,000 healthy canaries under a diurnal load
    /// 15 are rolled back, not 12. Passing doesn't wait for it: proofs have their own, shorter
    /// windows.
    DriftWindow,
    /// Lag up to here, in seconds, is always normal: queues are never empty for long.
    NormalLag,
    /// Lag that is still normal, as a multiple of the largest that the primary had.
    NormalFactor,
    /// A pod that is slower than the primary's pace by no more than this part works at full speed:
    /// the capacities of equal pods differ by some percent, and the fastest is above their average.
    SlowerThanFullSpeed,
    /// A pod that is slower than the primary's median pace by no more than this part works at full
    /// speed: the fastest may be fast by luck, and everyone else slow beside it.
    SlowerThanMedian,
    /// Messages that may be in flight, as a multiple of the most that were seen in flight.
    InFlight,
    /// Part of the pool that is staked at once; the rest is for faults that come late.
    FirstShare,
    /// In window w the pool pays out 1/(120 + w) of itself: much in the first hour, without ever
    /// running dry over days.
    PayOut,
}

impl Constant {
    /// The number that was chosen.
    #[must_use]
    pub const fn chosen(self) -> f64 {
        match self {
            Self::LeastRatio => 0.35,
            Self::PseudoEvents => 30.0,
            Self::RateFloor => 0.001,
            Self::LargestFactor | Self::GrossMargin | Self::NormalLag => 5.0,
            Self::GraceOfErrors => 60_000.0,
            Self::GraceOfLatency => 180_000.0,
            Self::LeastDrift => 0.025,
            Self::DriftWindow => 20_000.0,
            Self::NormalFactor => 1.5,
            Self::SlowerThanFullSpeed => 0.15,
            Self::PodDeviation | Self::SlowerThanMedian => 0.12,
            Self::InFlight => 1.25,
            Self::FirstShare => 0.5,
            Self::PayOut => 120.0,
        }
    }

    /// The number that the method uses.
    pub(crate) fn value(self) -> f64 {
        #[cfg(feature = "sensitivity")]
        let factor = scale::of(self);
        #[cfg(not(feature = "sensitivity"))]
        let factor = 1.0;
        self.chosen() * factor
    }

    /// The number as a time.
    pub(crate) fn millis(self) -> Millis {
        #[expect(clippy::cast_possible_truncation, reason = "minutes, in milliseconds")]
        let scaled = self.value().round() as Millis;
        scaled
    }
}

#[cfg(feature = "sensitivity")]
impl Constant {
    /// All constants, in the order in which they are tried.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;
}

/// Multiplies constants of every judge of this process from now on. For benchmarks alone.
#[cfg(feature = "sensitivity")]
pub use scale::set as scale_constant;

#[cfg(feature = "sensitivity")]
mod scale {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Constant;

    /// Bits of the factors, less those of 1.
    static FACTORS: [AtomicU64; Constant::ALL.len()] =
        [const { AtomicU64::new(0) }; Constant::ALL.len()];
    const ONE: u64 = 1.0_f64.to_bits();

    pub(super) fn of(constant: Constant) -> f64 {
        f64::from_bits(FACTORS[constant as usize].load(Ordering::Relaxed).wrapping_add(ONE))
    }

    /// Multiplies a constant by `factor`, finite and > 0; 1 gives it back its value.
    pub fn set(constant: Constant, factor: f64) {
        FACTORS[constant as usize].store(factor.to_bits().wrapping_sub(ONE), Ordering::Relaxed);
    }
}
