//! The finding behind a verdict: a fault, a proof or a doubt, as a sentence for the engineer on
//! call. Only data and words: nothing here decides.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::findings::signal::Signal;
use crate::numbers::Millis;
use crate::words::{AtLeast, AtMost, RoundedUpSeconds};

/// The one reason behind a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict")]
pub enum Finding {
    /// The canary is at fault: Fail.
    #[serde(rename = "Fail")]
    Fault(Fault),
    /// The canary is proven to keep up: Pass.
    #[serde(rename = "Pass")]
    KeepsUp(KeepsUp),
    /// Neither is shown: Inconclusive.
    #[serde(rename = "Inconclusive")]
    Doubt(Doubt),
}

/// What a Pass rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeepsUp {
    /// Canary partitions that were proven.
    pub partitions: u32,
    /// Canary partitions with too little traffic to say anything, and nothing waiting.
    pub idle: u32,
    /// Messages of all partitions that were committed in time in a row, where the proof rests on them
    /// and not on what each partition brought; `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_time: Option<u32>,
    /// Largest standing time lag among the canary's partitions, in seconds.
    pub lag_seconds: f64,
    /// What was observed where not enough came for a proof, by the signal that was shown least;
    /// `None`: all is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
}

/// A signal that is not proven: what was seen of it, and the bound that this shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// The signal.
    pub signal: Signal,
    /// Events among the canary's messages: errors, lost or slow ones, those of a user's ratio; for
    /// lag, messages that were committed too late.
    pub events: u64,
    /// Messages of the canary.
    pub messages: u64,
    /// The true share of events is below this, 0 to 1, unless a chance of one in twenty came true.
    pub below: f64,
}

impl Finding {
    /// The verdict this finding stands for.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Fault(_) => Verdict::Fail,
            Self::KeepsUp(_) => Verdict::Pass,
            Self::Doubt(_) => Verdict::Inconclusive,
        }
    }

    /// A name for metric labels and Event reasons, from a closed set.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.name(),
            Self::KeepsUp(KeepsUp { observed: None, .. }) => "KeepsUp",
            Self::KeepsUp(KeepsUp { observed: Some(_), .. }) => "Observed",
            Self::Doubt(doubt) => doubt.name(),
        }
    }

    /// What is left of it while nothing has been seen of the pods for `silent` milliseconds: a Pass
    /// and a Fail alike say which role did what, and whose a member, a partition or a series is only
    /// its pods tell. Old ones may be gone, and their addresses taken by others.
    #[must_use]
    pub fn without_pods(self, silent: Millis) -> Self {
        let suspicion = match self {
            Self::Fault(fault) => Some(Box::new(fault)),
            Self::KeepsUp(_) => None,
            Self::Doubt(_) => return self,
        };
        Self::Doubt(Doubt::PodsUnseen { silent, suspicion })
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::KeepsUp(proof) => proof.fmt(f),
            Self::Doubt(doubt) => doubt.fmt(f),
        }
    }
}

impl Display for KeepsUp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { partitions, idle, in_time, lag_seconds, observed } = self;
        let behind = RoundedUpSeconds(*lag_seconds);
        if let Some(messages) = in_time {
            let (messages, partitions) = (AtLeast(f64::from(*messages)), partitions + idle);
            write!(
                f,
                "canary keeps up: each of the last {messages} messages on {partitions} partitions"
            )?;
            write!(f, " was committed in time, at most {behind} behind")?;
        } else {
            write!(f, "canary keeps up on {partitions} partitions, at most {behind} behind")?;
            if *idle > 0 {
                write!(f, "; {idle} more are almost idle and say nothing")?;
            }
        }
        match observed {
            Some(observed) => write!(f, "; observed, not proven: {observed}"),
            None => Ok(()),
        }
    }
}

impl Observed {
    /// The one of two that shows less.
    pub(crate) fn weaker(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).max_by(|a, b| a.below.total_cmp(&b.below))
    }
}

impl Display for Observed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { signal, events, messages, below } = self;
        #[expect(clippy::cast_precision_loss, reason = "words, in steps")]
        let messages = AtLeast(*messages as f64);
        let what = match signal {
            Signal::Lag => "committed late",
            Signal::Errors => "failed",
            Signal::Loss => "lost",
            Signal::Latency => "slow",
            signal @ (Signal::Memory
            | Signal::Cpu
            | Signal::Yield
            | Signal::Duplicates
            | Signal::Restarts
            | Signal::Churn
            | Signal::User(_)) => {
                let below = AtMost(100.0 * below);
                return write!(f, "{signal} {events} of {messages} or more, below {below} %");
            }
        };
        let below = AtMost(100.0 * below);
        write!(f, "{events} of {messages} or more messages {what}, below {below} %")
    }
}

/// What may be done with the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display)]
pub enum Verdict {
    /// The canary is proven not to fall behind, on recent data. The hold is the caller's business.
    Pass,
    /// The canary is worse: roll back.
    Fail,
    /// Neither is shown: keep holding.
    Inconclusive,
}
