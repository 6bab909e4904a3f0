//! The finding behind a verdict: a fault, a proof or a doubt, as a sentence for the engineer on
//! call. Only data and words: nothing here decides.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::numbers::Millis;
use crate::words::RoundedUpSeconds;

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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeepsUp {
    /// Canary partitions that were proven.
    pub partitions: u32,
    /// Canary partitions with too little traffic to say anything, and nothing waiting.
    pub idle: u32,
    /// Largest standing time lag among the canary's partitions, in seconds.
    pub lag_seconds: f64,
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
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.name(),
            Self::KeepsUp(_) => "KeepsUp",
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
        let Self { partitions, idle, lag_seconds } = self;
        write!(f, "canary keeps up on {partitions} partitions, ")?;
        write!(f, "at most {} behind", RoundedUpSeconds(*lag_seconds))?;
        if *idle > 0 {
            write!(f, "; {idle} more are almost idle and say nothing")?;
        }
        Ok(())
    }
}

/// What may be done with the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// The canary is proven not to fall behind, on recent data. The hold is the caller's business.
    Pass,
    /// The canary is worse: roll back.
    Fail,
    /// Neither is shown: keep holding.
    Inconclusive,
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::Fail => "Fail",
            Self::Inconclusive => "Inconclusive",
        })
    }
}
