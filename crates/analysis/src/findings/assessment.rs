//! What the judge answers: a verdict, its finding, the evidence, and what it could not see.
//! Plain data; the operator copies it into status, Events and reports.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::findings::effect::Effect;
use crate::findings::finding::{Finding, Verdict};
use crate::findings::note::Note;
use crate::findings::signal::Signal;
use crate::numbers::Millis;

/// Evidence as an e-value, and how much of it decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EValue {
    /// Value of an e-process: 1 is none, 0 speaks against it. At most 10¹².
    pub value: f64,
    /// Value from which it decides.
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
    /// Time of the assessment.
    pub at: Millis,
    /// Always `finding.verdict()`.
    pub verdict: Verdict,
    /// Reason of the verdict. Its `Display` is a sentence.
    pub finding: Finding,
    /// Evidence against the canary, over all signals. `needed` is 2/α.
    pub against: EValue,
    /// Evidence that the canary keeps up: the least of its partitions. `needed` is 20.
    pub proof: EValue,
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
    /// Caveats of the verdict.
    pub notes: Vec<Note>,
}

impl Assessment {
    /// What is left of it while nothing has been seen of the pods for `silent` milliseconds; see
    /// [`Finding::without_pods`].
    #[must_use]
    pub fn without_pods(self, silent: Millis) -> Self {
        let finding = self.finding.without_pods(silent);
        Self { verdict: finding.verdict(), finding, ..self }
    }
}

impl Display for Assessment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.verdict, self.finding)
    }
}

/// One signal of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalReport {
    /// The signal.
    pub signal: Signal,
    /// Part of the evidence: weights of the available signals add up to 1. 0 for a user's
    /// threshold or check, which are outside the error budget.
    pub weight: f64,
    /// Evidence against the canary by this signal alone: 1 is none, and all that bounds have.
    /// At most 10¹².
    pub evidence: f64,
    /// For errors, loss, latency and a user's ratio: whether a large effect is ruled out. The
    /// others can only fail a canary.
    pub proven: Option<bool>,
    /// How large the effect is as far as was seen; `None`: nothing was compared yet.
    pub effect: Option<Effect>,
    /// The smallest steady effect that would have failed the canary by now through this signal
    /// alone: a ratio of rates (errors, loss, latency, a user's ratio), events per pod-hour
    /// (restarts, churn), a share of commits (yield), headrooms per hour (memory), seconds per
    /// second (lag). `None`: none yet.
    pub smallest_effect_seen: Option<f64>,
}
