//! What the judge answers: a verdict, its finding, the evidence, and what it could not see.
//! Plain data; the operator copies it into status, Events and reports.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::doubt::Doubt;
use crate::effect::SignalReport;
use crate::finding::Finding;
use crate::numbers::Millis;
use crate::words::Span;

/// What may be done with the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// Proven not to fall behind, on recent data. The hold is the caller's business.
    Pass,
    /// Roll back.
    Fail,
    /// Neither: keep holding.
    Inconclusive,
}

/// A signal the judge can or can't see.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Signal {
    /// Time lag per partition: overload, stalls.
    Lag,
    /// Processing time: a canary that is slower but not saturated.
    Latency,
    /// Messages committed without having been worked on.
    Loss,
    /// Messages whose processing failed.
    Errors,
    /// Memory growth before it ends in a kill.
    Memory,
    /// Commits without work.
    Yield,
    /// Container restarts.
    Restarts,
    /// Members that come and go, and rewinds.
    Churn,
    /// A metric that the user defined, by its name.
    User(Arc<str>),
}

/// Something a reader of the verdict should know about how it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Note {
    /// No usable record of the primary from before the trial: defaults instead of learnt margins.
    NoRecord,
    /// No full commit gap was in the record: the stall guard waits for a default time.
    DefaultStallTime {
        /// That time, in milliseconds.
        wait: Millis,
    },
    /// The earlier accounts were lost: the trial goes on with a smaller error budget.
    StartedOver {
        /// How often.
        times: u32,
    },
    /// Fewer than three primary partitions to compare with.
    FewPrimaryPartitions {
        /// How many there are.
        partitions: u32,
    },
    /// Records were deleted by retention before they were consumed.
    LostByRetention {
        /// How many, over canary partitions.
        records: i64,
    },
    /// Committed offsets of canary partitions went backwards (a rewind).
    CommitsFell {
        /// How often.
        times: u32,
    },
    /// A topic was deleted and created again, or lost its end.
    TopicRecreated {
        /// How often a log end fell or a commit lay beyond it.
        times: u32,
    },
    /// Drift was excused because the canary worked as fast as any primary pod ever did.
    Excused {
        /// For how long, in milliseconds.
        excused: Millis,
    },
    /// Drift was not held against the canary because a primary pod was as slow at the same time.
    BesideASlowPeer {
        /// For how long, in milliseconds.
        spared: Millis,
    },
    /// Scraped values were no finite numbers ≥ 0 and were left out.
    UnreadableMetrics {
        /// How many.
        values: u32,
    },
    /// The primary fails so often that total failure of the canary would not be found at once.
    FrequentErrors,
    /// No pod has ever exported the events of a user's ratio, or the errors of a check: read as 0,
    /// or misspelt.
    NoEvents {
        /// The user metric.
        metric: Arc<str>,
    },
    /// A check could not be computed of the canary's pods: no evidence.
    WithoutValue {
        /// The check.
        metric: Arc<str>,
        /// How often, over the whole trial.
        readings: u32,
    },
}

/// Evidence against what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Value of an e-process: 1 is none, 0 speaks against it. At most 10¹².
    pub value: f64,
    /// From here on it decides.
    pub needed: f64,
}

/// Windows of the lag comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowCount {
    /// Windows in which at least one canary partition could be compared.
    pub used: u32,
    /// Windows without evidence: rebalances, silent sources, warm-up, no traffic.
    pub without_evidence: u32,
    /// Length of a window, in milliseconds.
    pub length: Millis,
}

/// The judge's answer at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// The moment.
    pub at: Millis,
    /// Always `finding.verdict()`.
    pub verdict: Verdict,
    /// Why. Its `Display` is a sentence.
    pub finding: Finding,
    /// Evidence against the canary, over all signals. `needed` is 2/α.
    pub against: Evidence,
    /// Evidence that it keeps up: the least of the canary's partitions. `needed` is 20.
    pub proof: Evidence,
    /// Silence of a canary partition with messages waiting that is a stall, in milliseconds.
    pub stall_wait: Millis,
    /// Smallest steady lag growth of one partition that would have failed the canary by now, in
    /// seconds per second beyond the primary's; `None`: none yet.
    pub smallest_drift_seen: Option<f64>,
    /// Observations with a usable group since the trial began.
    pub samples: u32,
    /// Windows of the drift comparison.
    pub windows: WindowCount,
    /// Signals this trial has no input for: faults that would not have been noticed.
    pub blind: Vec<Signal>,
    /// Each available signal, lag first; the user's thresholds and checks last, without a weight.
    #[serde(default)]
    pub signals: Vec<SignalReport>,
    /// Caveats.
    pub notes: Vec<Note>,
}

impl Assessment {
    /// The same without a Pass: for `silent` milliseconds nobody knows what the pods do.
    #[must_use]
    pub fn without_pods(self, silent: Millis) -> Self {
        match self.verdict {
            Verdict::Pass => {
                let finding = Finding::Doubt(Doubt::PodsUnseen { silent });
                Self { verdict: finding.verdict(), finding, ..self }
            }
            Verdict::Fail | Verdict::Inconclusive => self,
        }
    }
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

impl Display for Signal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(name) => name,
            Self::Lag => "lag",
            Self::Latency => "latency",
            Self::Loss => "loss",
            Self::Errors => "errors",
            Self::Memory => "memory",
            Self::Yield => "yield",
            Self::Restarts => "restarts",
            Self::Churn => "churn",
        })
    }
}

impl Display for Note {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecord => f.write_str(
                "no record of the primary from before the trial: default margins are used",
            ),
            Self::DefaultStallTime { wait } => write!(
                f,
                "the primary's commit interval is unknown: a stall is called after {}",
                Span(*wait)
            ),
            Self::StartedOver { times } => {
                write!(f, "the evidence was lost {times} times: more is needed now to roll back")
            }
            Self::FewPrimaryPartitions { partitions } => {
                write!(f, "only {partitions} primary partitions to compare with")
            }
            Self::LostByRetention { records } => {
                write!(f, "{records} records were deleted by retention before the canary read them")
            }
            Self::CommitsFell { times } => {
                write!(f, "committed offsets of canary partitions went backwards {times} times")
            }
            Self::TopicRecreated { times } => {
                write!(f, "the log end of a partition went backwards {times} times")
            }
            Self::Excused { excused } => write!(
                f,
                "growing lag was excused for {} because the canary worked as fast as any primary pod ever did",
                Span(*excused)
            ),
            Self::BesideASlowPeer { spared } => write!(
                f,
                "growing lag was not held against the canary for {} because a primary pod processed as slowly at the same time",
                Span(*spared)
            ),
            Self::UnreadableMetrics { values } => {
                write!(f, "{values} scraped values were no numbers and were left out")
            }
            Self::FrequentErrors => f.write_str(
                "the primary fails so often that total failure of the canary would not stand out at once",
            ),
            Self::NoEvents { metric } => {
                write!(f, "no pod has exported the events of {metric} yet: they are read as 0")
            }
            Self::WithoutValue { metric, readings } => {
                write!(f, "{metric} had no value in {readings} readings, which count as nothing")
            }
        }
    }
}

impl Display for Assessment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.verdict, self.finding)
    }
}
