//! What each signal saw: its evidence, how large the effect is, and what it could have seen.
//! Data and words for status and reports; nothing here decides.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::findings::signal::Signal;
use crate::settings::bound::Against;
use crate::words::{About, Figure};

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
        /// The primary's.
        primary: f64,
    },
    /// Events per pod and hour.
    PerHour {
        /// Events seen.
        events: f64,
        /// Per pod-hour.
        rate: f64,
        /// What is normal per pod-hour.
        normal: f64,
    },
    /// Commits without work.
    Skipped {
        /// Share of the committed messages, beyond the primary's.
        share: f64,
    },
    /// Memory.
    Growth {
        /// Growth of the working set.
        bytes_per_minute: f64,
        /// Minutes to the limit if this goes on; `None`: it doesn't grow.
        minutes_left: Option<f64>,
    },
    /// A user's value against the bounds that were set.
    Bounded {
        /// Of the canary's worst pod, or its median over the primary's: the latest reading. For a
        /// quantile beyond the largest edge of its histogram that edge.
        value: f64,
        /// Median of the primary's pods; `None`: unknown.
        primary: Option<f64>,
        /// Which of the two the value is.
        against: Against,
        /// Readings that failed so far.
        failing: u32,
        /// As many are tolerated.
        limit: u32,
    },
}

/// An effect in the words that suit its signal: a user's total need not be messages.
pub(crate) struct Told<'a>(pub(crate) &'a Signal, pub(crate) &'a Effect);

/// What a threshold held against its bounds.
pub(crate) struct Measured(pub(crate) f64, pub(crate) Against);

impl Effect {
    /// Events over pod-hours.
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
                between(f, *low, *high)
            }
            Self::PerHour { events, rate, normal } => {
                write!(f, "{events:.0} so far, {rate:.1} per pod and hour; {normal:.1} are normal")
            }
            Self::Skipped { share } => {
                write!(f, "{:.0} % of what was committed was not worked on", 100.0 * share)
            }
            Self::Growth { bytes_per_minute, minutes_left } => {
                write!(f, "{:.1} MiB more each minute", bytes_per_minute / 1_048_576.0)?;
                match minutes_left {
                    Some(minutes) => write!(f, ", {minutes:.0} min to the limit"),
                    None => Ok(()),
                }
            }
            Self::Bounded { value, against, failing, limit, .. } => {
                let value = Measured(*value, *against);
                write!(f, "{value}, failing readings: {failing} (limit {limit})")
            }
        }
    }
}

impl Display for Measured {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Against::Absolute => Figure(self.0).fmt(f),
            Against::Primary => write!(f, "{} times the primary's", Figure(self.0)),
        }
    }
}

impl Display for Told<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self(Signal::User(_), Effect::Ratio { ratio, low, high, canary, primary }) => {
                let (canary, primary) = (100.0 * canary, 100.0 * primary);
                write!(
                    f,
                    "canary {canary:.2} %, primary {primary:.2} %, {ratio:.1} times as many"
                )?;
                between(f, *low, *high)
            }
            Self(_, effect) => effect.fmt(f),
        }
    }
}

/// An interval behind a ratio.
fn between(f: &mut Formatter<'_>, low: f64, high: Option<f64>) -> fmt::Result {
    match high {
        Some(high) => write!(f, " (between {low:.1} and {high:.1})"),
        None => write!(f, " (at least {low:.1})"),
    }
}

/// How large an effect is that is still being measured.
pub(crate) struct Measuring<'a>(pub(crate) &'a Signal, pub(crate) &'a Effect);

impl Display for Measuring<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(signal, effect) = self;
        match effect {
            Effect::Ratio { ratio, .. } => {
                let what = match signal {
                    Signal::User(_) => "the share",
                    Signal::Lag
                    | Signal::Latency
                    | Signal::Loss
                    | Signal::Errors
                    | Signal::Memory
                    | Signal::Yield
                    | Signal::Restarts
                    | Signal::Churn => "as many per message",
                };
                write!(f, "about {} times {what}", Times(*ratio))
            }
            Effect::PerHour { events, normal, .. } => {
                write!(f, "{events:.0} so far; {normal:.1} per pod and hour are normal")
            }
            Effect::Skipped { share } => {
                write!(
                    f,
                    "about {} % of what was committed was not worked on",
                    About(100.0 * share)
                )
            }
            Effect::Growth { bytes_per_minute, .. } => {
                write!(f, "about {} MiB more each minute", About(bytes_per_minute / 1_048_576.0))
            }
            Effect::Bounded { failing, limit, .. } => {
                write!(f, "failing readings: {failing} (limit {limit})")
            }
        }
    }
}

/// A ratio of rates: near 1 in steps of a half, above 3 as any size.
struct Times(f64);

impl Display for Times {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ..3.0 => Figure((self.0.max(0.0) * 2.0).round() / 2.0).fmt(f),
            more => About(more).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::findings::effect::Times;

    #[test]
    fn a_ratio_near_one_keeps_its_halves() {
        for (ratio, text) in [(1.2, "1"), (1.3, "1.5"), (2.4, "2.5"), (2.9, "3"), (12.0, "10")] {
            assert_eq!(Times(ratio).to_string(), text);
        }
    }
}
