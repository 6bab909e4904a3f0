//! The main constants of the method, by name, so that a benchmark can ask how much depends on them.
//! Their values are written where they are used. Without the feature `sensitivity` nothing here can
//! change one: the judge stays a pure function of what it is shown.

use crate::observation::Millis;
use crate::units::count;

/// A constant that somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// By how much the least margin of counts is above 1.
    LeastRatio,
    /// By how much worse than the worst primary pod is still healthy.
    BeyondWorst,
    /// Events that are added before a pod's rate is compared with the others'.
    PseudoEvents,
    /// The rate of events that is nobody's fault.
    RateFloor,
    /// The largest factor of one window of counts, in units of the evidence that decides.
    LargestFactor,
    /// The margin of gross failure, in units of the ordinary one.
    GrossMargin,
    /// Age from which errors are compared.
    GraceOfErrors,
    /// Age from which processing times are compared.
    GraceOfLatency,
    /// The least drift of lag that is tolerated.
    LeastDrift,
    /// The least length of a window of drift.
    DriftWindow,
    /// The lag that is always normal.
    NormalLag,
    /// How much more lag than the primary's is normal.
    NormalFactor,
    /// By how much a canary may be slower than the primary and count as overloaded.
    SlowerThanFullSpeed,
    /// The same against the primary's median.
    SlowerThanMedian,
    /// How many messages may be in flight, in units of what was seen to be.
    InFlight,
    /// The capital that is staked at once.
    FirstShare,
    /// Windows over which the rest is paid out.
    PayOut,
}

impl Constant {
    /// The value to use, where `chosen` is the one of the method.
    pub(crate) fn or(self, chosen: f64) -> f64 {
        chosen * scale::of(self)
    }

    /// The same for a time.
    pub(crate) fn or_millis(self, chosen: Millis) -> Millis {
        #[expect(clippy::cast_possible_truncation, reason = "minutes, in milliseconds")]
        let scaled = self.or(count(chosen)).round() as Millis;
        scaled
    }
}

#[cfg(feature = "sensitivity")]
impl Constant {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 17] = [
        Self::LeastRatio,
        Self::BeyondWorst,
        Self::PseudoEvents,
        Self::RateFloor,
        Self::LargestFactor,
        Self::GrossMargin,
        Self::GraceOfErrors,
        Self::GraceOfLatency,
        Self::LeastDrift,
        Self::DriftWindow,
        Self::NormalLag,
        Self::NormalFactor,
        Self::SlowerThanFullSpeed,
        Self::SlowerThanMedian,
        Self::InFlight,
        Self::FirstShare,
        Self::PayOut,
    ];

    /// What it is, with its value and unit.
    #[must_use]
    pub fn describe(self) -> String {
        use crate::signals::{in_flight, kind, spread};
        use crate::units::seconds;
        use crate::{capacity, count_ratio, funds, learn, margins, tolerance, verdict};

        let percent = |part: f64| format!("{} %", (part * 1_000.0).round() / 10.0);
        let (name, value) = match self {
            Self::LeastRatio => {
                ("least margin of counts, above 1", spread::LEAST_EXCESS.to_string())
            }
            Self::BeyondWorst => {
                ("healthy beyond the worst primary pod", percent(spread::BEYOND_WORST))
            }
            Self::PseudoEvents => ("pseudo-events of a pod", spread::PSEUDO_EVENTS.to_string()),
            Self::RateFloor => ("rate that is nobody's fault", percent(count_ratio::FLOOR)),
            Self::LargestFactor => (
                "largest factor of a window of counts",
                format!("{} times what decides", verdict::LARGEST_FACTOR),
            ),
            Self::GrossMargin => {
                ("margin of gross failure", format!("{} times the ordinary", count_ratio::GROSS))
            }
            Self::GraceOfErrors => {
                ("age from which errors count", format!("{} s", seconds(kind::GRACE_ERRORS)))
            }
            Self::GraceOfLatency => (
                "age from which latency counts and lag decides",
                format!("{} s", seconds(kind::GRACE_LATENCY)),
            ),
            Self::LeastDrift => ("least tolerated drift", format!("{} s/s", tolerance::LEAST)),
            Self::DriftWindow => {
                ("least window of drift", format!("{} s", seconds(margins::SHORTEST_WINDOW)))
            }
            Self::NormalLag => ("lag that is always normal", format!("{} s", margins::NORMAL_LAG)),
            Self::NormalFactor => {
                ("normal lag, of the primary's", format!("{} times", learn::NORMAL_FACTOR))
            }
            Self::SlowerThanFullSpeed => {
                ("slower than the primary and still at full speed", percent(capacity::SLOWER))
            }
            Self::SlowerThanMedian => (
                "slower than the primary's median and still at full speed",
                percent(capacity::SLOWER_THAN_MEDIAN),
            ),
            Self::InFlight => (
                "messages that may be in flight",
                format!("{} times what was seen", in_flight::MORE),
            ),
            Self::FirstShare => ("capital staked at once", percent(funds::FIRST_SHARE)),
            Self::PayOut => ("windows over which the rest is paid out", funds::PAY_OUT.to_string()),
        };
        format!("{name}: {value}")
    }
}

/// Multiplies constants of every judge of this process from now on. For benchmarks alone.
#[cfg(feature = "sensitivity")]
pub use scale::set as scale_constant;

#[cfg(not(feature = "sensitivity"))]
mod scale {
    use super::Constant;

    pub(super) const fn of(_: Constant) -> f64 {
        1.0
    }
}

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
