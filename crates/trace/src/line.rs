//! The lines of a trace as values: a header, then observations and marks.
//! Knows neither their form on the wire nor what they may not say.

use serde::{Deserialize, Serialize};
use siskin_analysis::observation::{Millis, Observation};
use siskin_analysis::{Settings, Verdict};

/// The version of the format that is written, and the only one that is read. Fields and marks may
/// be added within a version; what changes the meaning of a line is a new one.
pub const VERSION: u32 = 1;
/// Longest line, in bytes, without its end. A thousand pods with full histograms and ten thousand
/// partitions take about 4 MiB.
pub const LONGEST_LINE: usize = 16 << 20;

/// The first line: what was rolled out, and what it was judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Namespace and name of the rollout, or whatever names the recording. For people.
    pub rollout: String,
    /// What the trial was judged by, or should be.
    pub settings: Settings,
}

/// Any further line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// What was seen at one moment.
    Seen(Seen),
    /// What the operator did. It concerns the observations on the lines after it.
    Mark {
        /// When.
        at: Millis,
        /// What.
        mark: Mark,
    },
}

/// What the operator saw at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What the judge is given.
    pub observation: Observation,
    /// Whether the operator took the primary for healthy when it asked the judge next: Deployments
    /// and their `maxUnavailable` are not in an observation. `None`: nobody said.
    pub primary_healthy: Option<bool>,
}

impl From<Observation> for Seen {
    /// An observation beside which nobody looked at the primary's health.
    fn from(observation: Observation) -> Self {
        Self { observation, primary_healthy: None }
    }
}

impl Line {
    /// When it was.
    #[must_use]
    pub const fn at(&self) -> Millis {
        match self {
            Self::Seen(seen) => seen.observation.at,
            Self::Mark { at, .. } => *at,
        }
    }
}

/// Something the operator did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "camelCase")]
pub enum Mark {
    /// The trial began: lines before it are the record of the primary. At most once in a trace.
    TrialStarted,
    /// The recording begins amid a trial: what an earlier process saw of it is not in the trace.
    /// At most once, and never beside `TrialStarted`.
    Resumed {
        /// What the judge went on from, as [`siskin_analysis::Judge::save`] wrote it. `None`: nothing was
        /// saved, and it started over from the observations on the lines before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accounts: Option<String>,
    },
    /// The trial went on to another step.
    StepChanged {
        /// Which one, the first being 1.
        step: u32,
        /// Share of the pods that run the canary from now on, in percent.
        weight: u32,
    },
    /// The number of consumers changed.
    Scaled {
        /// Primary and canary pods together.
        replicas: u32,
    },
    /// The trial ended; what follows is no longer judged.
    Ended {
        /// The verdict it ended with.
        verdict: Verdict,
        /// Why, in words or by a name.
        #[serde(default)]
        reason: String,
    },
    /// The recording stopped here and the trial went on: no observation follows.
    Cut {
        /// Why, in words.
        #[serde(default)]
        reason: String,
    },
}
