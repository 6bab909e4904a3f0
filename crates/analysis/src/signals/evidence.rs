//! What one signal says against the canary, and how much of the error budget it may spend.
//! The weights add up to 1, whatever is available.

use crate::engines::e_process::{LN_NOTHING, ROUNDING};
use crate::findings::signal::Signal;
use crate::numbers::ln_add;

/// The evidence of one signal.
#[derive(Clone, Debug)]
pub(crate) struct SignalEvidence {
    pub(crate) signal: Signal,
    /// Its part of the whole.
    pub(crate) weight: f64,
    /// ln of its own evidence.
    pub(crate) ln: f64,
}

impl SignalEvidence {
    /// Whether it has more evidence than it began with.
    pub(crate) fn speaks(&self) -> bool {
        self.ln > ROUNDING
    }

    /// ln of its part of the whole evidence.
    pub(crate) fn ln_part(&self) -> f64 {
        self.weight.ln() + self.ln
    }
}

/// The signals that are available with ln of their evidence, by their weights.
pub(crate) fn weighed(available: impl Iterator<Item = (Signal, f64)>) -> Vec<SignalEvidence> {
    let one = |(signal, ln)| SignalEvidence { weight: weight(&signal), signal, ln };
    let mut all: Vec<SignalEvidence> = available.map(one).collect();
    let total: f64 = all.iter().map(|one| one.weight).sum();
    for one in &mut all {
        one.weight /= total;
    }
    all
}

/// ln of the whole evidence: the weighted mean of the signals', which is an e-process under any
/// dependence between them.
pub(crate) fn ln_total(evidence: &[SignalEvidence]) -> f64 {
    evidence.iter().map(SignalEvidence::ln_part).reduce(ln_add).unwrap_or(LN_NOTHING)
}

/// How much of the error budget a signal may spend: lag and errors see most faults, churn,
/// memory and duplicates few; a user's ratio is one more cause among the middling ones. What is unavailable is
/// shared by the others in proportion, and what ratios are more is taken from all.
pub(crate) const fn weight(signal: &Signal) -> f64 {
    match signal {
        Signal::Lag | Signal::Errors => 0.25,
        Signal::Yield
        | Signal::Loss
        | Signal::Latency
        | Signal::Cpu
        | Signal::Restarts
        | Signal::User(_) => 0.10,
        Signal::Churn | Signal::Memory | Signal::Duplicates => 0.05,
    }
}
