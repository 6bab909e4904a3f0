//! What each signal saw: its evidence, how large the effect is, and what it could have seen.
//! Data and words for status and reports; nothing here decides.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::Signal;

/// One signal of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalReport {
    /// Which one.
    pub signal: Signal,
    /// Its part of the evidence: weights of the available signals add up to 1.
    pub weight: f64,
    /// Evidence against the canary by this signal alone: 1 is none. At most 10¹².
    pub evidence: f64,
    /// For errors, loss and latency: whether a large effect is ruled out. The others can only
    /// fail a canary.
    pub proven: Option<bool>,
    /// How large the effect is as far as was seen; `None`: nothing was compared yet.
    pub effect: Option<Effect>,
    /// The smallest steady effect that would have failed the canary by now through this signal
    /// alone: a ratio of rates (errors, loss, latency), events per pod-hour (restarts, churn), a
    /// share of commits (yield), headrooms per hour (memory), seconds per second (lag). `None`:
    /// none yet.
    pub smallest_effect_seen: Option<f64>,
}

/// The size of a difference between canary and primary.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// Events per message.
    Ratio {
        /// Canary's rate over the primary's, ≥ 0.
        ratio: f64,
        /// Lower end of its 95 % interval, which holds whenever one looks.
        low: f64,
        /// Upper end; `None`: unbounded.
        high: Option<f64>,
        /// Events per canary message.
        canary: f64,
        /// Events per primary message.
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
}

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
                match high {
                    Some(high) => write!(f, " (between {low:.1} and {high:.1})"),
                    None => write!(f, " (at least {low:.1})"),
                }
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
        }
    }
}
