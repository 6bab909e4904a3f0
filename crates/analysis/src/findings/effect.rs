//! What each signal saw: its evidence, how large the effect is, and what it could have seen.
//! Data and words for status and reports; nothing here decides.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::findings::signal::Signal;
use crate::settings::bound::Against;
use crate::words::{Rounded, ShortNumber};

/// The size of a difference between canary and primary.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// Events per message, or of the total of a user's ratio.
    Ratio {
        /// Canary's rate over the primary's, ≥ 0.
        ratio: f64,
        /// Lower end of its 95 % interval, which holds whenever one looks.
        low: f64,
        /// Upper end; `None`: unbounded.
        high: Option<f64>,
        /// The canary's share of events.
        canary: f64,
        /// The primary's share of events.
        primary: f64,
    },
    /// CPU time per message.
    CpuTime {
        /// Canary's over the primary's, ≥ 0.
        ratio: f64,
        /// Lower end of its 95 % interval, which holds whenever one looks.
        low: f64,
        /// Upper end; `None`: unbounded.
        high: Option<f64>,
        /// The canary's, in seconds. Of a canary with fewer messages than a primary pod as if it had had
        /// as many: what a pod does beside its messages is nobody's fault.
        canary: f64,
        /// The primary's, in seconds.
        primary: f64,
    },
    /// Events per pod and hour.
    PerHour {
        /// Events seen.
        events: f64,
        /// Events per pod-hour.
        rate: f64,
        /// Normal events per pod-hour.
        normal: f64,
    },
    /// Messages that were committed without work.
    Skipped {
        /// Share of the committed messages, beyond the primary's.
        share: f64,
    },
    /// Messages that were consumed again.
    Repeated {
        /// Part of the committed messages, beyond the primary's.
        share: f64,
    },
    /// Growth of memory.
    Growth {
        /// Growth of the working set.
        bytes_per_minute: f64,
        /// Minutes to the limit if this goes on; `None`: it doesn't grow.
        minutes_left: Option<f64>,
    },
    /// A user's value against the bounds that were set.
    Bounded {
        /// Latest reading: of the canary's worst pod, or the canary's median over the primary's. A
        /// quantile beyond the largest edge of its histogram reads as that edge.
        value: f64,
        /// Median of the primary's pods; `None`: unknown.
        primary: Option<f64>,
        /// Whether the value is a pod's or a ratio of medians.
        against: Against,
        /// Failing readings so far.
        failing: u32,
        /// Failing readings that are tolerated.
        limit: u32,
    },
}

/// A value that was held against bounds, in words.
pub(crate) struct BoundedValue(pub(crate) f64, pub(crate) Against);

impl Effect {
    /// An effect of events over pod-hours.
    pub(crate) fn per_hour(events: f64, hours: f64, normal: f64) -> Self {
        let rate = if hours > 0.0 { events / hours } else { 0.0 };
        Self::PerHour { events, rate, normal }
    }
}

impl Display for Effect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratio { ratio, low, high, canary, primary } => {
                write!(
                    f,
                    "{:.2} % of messages against {:.2} %, {ratio:.1} times as many",
                    100.0 * canary,
                    100.0 * primary
                )?;
                f.write_str(&interval(*low, *high))
            }
            Self::CpuTime { ratio, low, high, canary, primary } => {
                let (canary, primary) =
                    (ShortNumber(1_000.0 * canary), ShortNumber(1_000.0 * primary));
                write!(
                    f,
                    "{canary} ms of CPU per message against {primary} ms, {ratio:.1} times as much"
                )?;
                f.write_str(&interval(*low, *high))
            }
            Self::PerHour { events, rate, normal } => {
                write!(f, "{events:.0} so far, {rate:.1} per pod and hour; {normal:.1} are normal")
            }
            Self::Skipped { share } => {
                write!(f, "{:.0} % of what was committed was not worked on", 100.0 * share)
            }
            Self::Repeated { share } => {
                write!(f, "for 100 messages committed {:.0} were consumed again", 100.0 * share)
            }
            Self::Growth { bytes_per_minute, minutes_left } => {
                write!(f, "{:.1} MiB more each minute", bytes_per_minute / 1_048_576.0)?;
                match minutes_left {
                    Some(minutes) => write!(f, ", {minutes:.0} min to the limit"),
                    None => Ok(()),
                }
            }
            Self::Bounded { value, against, failing, limit, .. } => {
                let value = BoundedValue(*value, *against);
                write!(f, "{value}, failing readings: {failing} (limit {limit})")
            }
        }
    }
}

impl Display for BoundedValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(value, against) = self;
        let value = ShortNumber(*value);
        match against {
            Against::Absolute => value.fmt(f),
            Against::Primary => write!(f, "{value} times the primary's"),
            Against::Before => write!(f, "{value} times what it was before the trial"),
        }
    }
}

/// An effect on a user's ratio, in words: what its events are counted on need not be messages.
pub(crate) fn of_user(effect: &Effect) -> String {
    let Effect::Ratio { ratio, low, high, canary, primary } = effect else {
        return effect.to_string();
    };
    let (canary, primary) = (100.0 * canary, 100.0 * primary);
    let interval = interval(*low, *high);
    format!("canary {canary:.2} %, primary {primary:.2} %, {ratio:.1} times as many{interval}")
}

/// The interval of a ratio, to stand behind it.
fn interval(low: f64, high: Option<f64>) -> String {
    match high {
        Some(high) => format!(" (between {low:.1} and {high:.1})"),
        None => format!(" (at least {low:.1})"),
    }
}

/// An effect that is still being measured, in words that change in steps.
pub(crate) struct EffectSoFar<'a>(pub(crate) &'a Signal, pub(crate) &'a Effect);

impl Display for EffectSoFar<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(signal, effect) = self;
        match effect {
            Effect::Ratio { ratio, .. } => {
                let is_user = matches!(signal, Signal::User(_));
                let what = if is_user { "the share" } else { "as many per message" };
                write!(f, "about {} times {what}", RoundedRatio(*ratio))
            }
            Effect::CpuTime { ratio, .. } => {
                write!(f, "about {} times as much CPU per message", RoundedRatio(*ratio))
            }
            Effect::PerHour { events, normal, .. } => {
                write!(f, "{events:.0} so far; {normal:.1} per pod and hour are normal")
            }
            Effect::Skipped { share } => {
                write!(
                    f,
                    "about {} % of what was committed was not worked on",
                    Rounded(100.0 * share)
                )
            }
            Effect::Repeated { share } => {
                let more = Rounded(100.0 * share);
                write!(f, "for 100 messages committed about {more} were consumed again")
            }
            Effect::Growth { bytes_per_minute, .. } => {
                write!(f, "about {} MiB more each minute", Rounded(bytes_per_minute / 1_048_576.0))
            }
            Effect::Bounded { failing, limit, .. } => {
                write!(f, "failing readings: {failing} (limit {limit})")
            }
        }
    }
}

/// A ratio of rates in words: up to 3 in steps of a half, above as a rounded size.
struct RoundedRatio(f64);

impl Display for RoundedRatio {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ..3.0 => ShortNumber((self.0.max(0.0) * 2.0).round() / 2.0).fmt(f),
            more => Rounded(more).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::findings::effect::RoundedRatio;

    #[test]
    fn a_ratio_near_one_keeps_its_halves() {
        for (ratio, text) in [(1.2, "1"), (1.3, "1.5"), (2.4, "2.5"), (2.9, "3"), (12.0, "10")] {
            assert_eq!(RoundedRatio(ratio).to_string(), text);
        }
    }
}
