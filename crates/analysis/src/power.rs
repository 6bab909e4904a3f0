//! What a planned rollout can find before it starts: the smallest effects, and the time to a Pass.
//! The engines themselves, run on the counts an unlucky run would show; it estimates, never judges.
//!
//! **Counts** (errors, lost and slow messages). At a canary rate r the log evidence of the ratio
//! r/base is linear in the events, a·X − b·Y. Its lower decile is met where X and Y, Poisson, lie
//! −z·aσₓ/s and +z·bσᵧ/s standard deviations off their means, s² = a²σₓ² + b²σᵧ². The judge looks at
//! every window, so 90 % power needs less than z = 1.28 at the end: z solves
//! Φ(z) + φ(z)·M(2D/s − z) = 0.9, the first passage of a Brownian motion with the drift D of the log
//! evidence (Siegmund, Sequential Analysis, 1985, III.3; M is Mills' ratio). Those counts, spread
//! evenly over the windows, go through the engine; the smallest r that fails the canary is the
//! answer. Counts carry over from step to step, as the accounts do.
//!
//! **Lag.** A canary that does 1 − d of its work falls behind by d seconds a second. In a window of
//! W seconds with λ·W messages per partition that is d ± √((1 − d)/(λ·W)), beside what the phase of
//! commits adds, which is also the scale a record teaches. The mean over the windows at its lower
//! decile, with that noise around it, goes through the ledger. Each step stands alone: its rebalance deals partitions anew.
//!
//! **Pass.** The proofs themselves, run on the counts that a healthy canary is expected to show.

mod counts;
mod lag;
mod normal;
mod pass;
#[cfg(test)]
mod tests;

use crate::assessment::Signal;
use crate::constants::Constant;
use crate::count_ratio::Margin;
use crate::margins::Margins;
use crate::numbers::{Millis, whole_polls};
use crate::power::counts::{Counted, Stage};
use crate::power::lag::Lagging;
pub use crate::power::pass::{Healthy, Missing};
use crate::settings::Settings;
use crate::signals::kind::Kind;
use crate::signals::weight;
use crate::stall::StallGuard;
use crate::user_metric::UserRule;

/// The probability with which an effect is found that is called detectable.
pub const POWER: f64 = 0.9;

/// The group as it is expected to work while the rollout runs. All partitions and pods get the
/// same share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Pods of both roles together. 0 counts as 1.
    pub consumers: u32,
    /// Partitions of all topics. 0 counts as 1.
    pub partitions: u32,
    /// Messages per second of the whole group, above 0.
    pub rate: f64,
    /// Time between the commits of a pod, in milliseconds.
    pub commit_interval: Millis,
    /// What the application exports; `None`: the judge has Kafka and Kubernetes alone.
    pub metrics: Option<BaseRates>,
}

/// Rates of the primary, in events per message, from 0 to 1. Lost are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseRates {
    /// Messages that fail.
    pub errors: f64,
    /// Messages slower than the bucket edge that is compared.
    pub slow: f64,
}

/// One step of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// Canary pods.
    pub canary: u32,
    /// Least time at the step, in milliseconds, from where the pods are ready and have joined.
    pub hold: Millis,
    /// Longest time without a Pass.
    pub max_hold: Millis,
}

/// What a rollout can and can't find.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// In the order of the plan.
    pub steps: Vec<StepEstimate>,
    /// Silence of a partition that has committed, with messages waiting, that is a stall.
    pub stall_wait: Millis,
    /// Time from the first step on in which a canary that fails every message is found; `None`:
    /// errors are not seen, or not within the first hold.
    pub total_failure: Option<Millis>,
    /// Signals that there is no input for.
    pub blind: Vec<Signal>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEstimate {
    /// The step it is about.
    pub step: PlannedStep,
    /// Messages per second of all canary pods.
    pub rate: f64,
    /// Partitions of all canary pods, about.
    pub partitions: u32,
    /// Errors, loss and latency if there are metrics, then lag.
    pub smallest: Vec<Smallest>,
    /// When a version as good as the primary may go on.
    pub healthy: Healthy,
}

/// The smallest effect that is found by the end of a step's hold, in nine of ten rollouts.
#[derive(Clone, Debug, PartialEq)]
pub struct Smallest {
    /// By which signal alone.
    pub signal: Signal,
    /// The primary's rate; 0 for lag.
    pub base: f64,
    /// The canary's rate; for lag the part of its work that it can't do, which is by how many
    /// seconds the lag grows a second. `None`: not even all messages, or all work.
    pub effect: Option<f64>,
    /// What is still healthy: the largest ratio to the primary's rate; for lag the largest drift,
    /// in seconds per second. Assumed to be the least that the judge ever learns.
    pub margin: f64,
    /// The noise of the counts over that of a Poisson distribution, ≥ 1: what the judge learns
    /// from a quiet record, which is more than 1 where it holds few events.
    pub dispersion: f64,
}

/// Estimates what each step finds. A plan has at most 99 steps; the time is bounded by their
/// number, not by the length of the holds.
#[must_use]
pub fn estimate(settings: &Settings, traffic: &Traffic, plan: &[PlannedStep]) -> Estimate {
    let case = Case::new(settings, traffic);
    let stages: Vec<Stage> =
        plan.iter().map(|it| Stage { canary: it.canary, length: it.hold.max(0) }).collect();
    let mut passed: Vec<Stage> = Vec::with_capacity(plan.len());
    let mut steps = Vec::with_capacity(plan.len());
    for (index, step) in plan.iter().enumerate() {
        let healthy = case.healthy(&passed, step);
        let length = healthy.after.map_or(step.max_hold, |it| it.max(step.hold));
        passed.push(Stage { canary: step.canary, length: length.min(step.max_hold) });
        steps.push(StepEstimate {
            step: *step,
            rate: case.traffic.rate * case.share(step.canary),
            partitions: case.canary_partitions(step.canary),
            smallest: case.smallest(&stages[..=index]),
            healthy,
        });
    }
    Estimate {
        steps,
        stall_wait: StallGuard::new(case.settings.interval, case.margins.commit_gap).wait(),
        total_failure: stages.first().and_then(|first| case.total_failure(*first)),
        blind: case.blind(),
    }
}

/// What is the same for all steps.
struct Case {
    settings: Settings,
    traffic: Traffic,
    margins: Margins,
}

impl Case {
    fn new(settings: &Settings, traffic: &Traffic) -> Self {
        let settings = settings.clone().sane();
        // Polls see a commit at the earliest one interval after the one before.
        let gap = whole_polls(traffic.commit_interval.max(1), settings.interval);
        Self {
            settings,
            traffic: Traffic {
                consumers: traffic.consumers.max(1),
                partitions: traffic.partitions.max(1),
                rate: if traffic.rate.is_finite() { traffic.rate.max(0.0) } else { 0.0 },
                ..*traffic
            },
            margins: Margins {
                commit_gap: Some(gap),
                typical_gap: Some(gap),
                scale: crate::drift::FINEST_SCALE,
                normal_lag: Constant::NormalLag.value(),
                learnt: true,
            },
        }
    }

    /// The canary's part of pods, partitions and messages.
    fn share(&self, canary: u32) -> f64 {
        f64::from(canary) / f64::from(self.traffic.consumers)
    }

    fn canary_partitions(&self, canary: u32) -> u32 {
        let (all, of) = (u64::from(self.traffic.partitions), u64::from(self.traffic.consumers));
        let nearest = (all * u64::from(canary) + of / 2) / of;
        u32::try_from(nearest).unwrap_or(u32::MAX)
    }

    /// The primary's rate of a kind; `None`: there is no input for it.
    fn base(&self, kind: Kind) -> Option<f64> {
        let rates = self.traffic.metrics?;
        Some(match kind {
            Kind::Errors => rates.errors,
            Kind::Loss => 0.0,
            Kind::Latency => rates.slow,
            // How often a user's event happens nobody has said.
            Kind::User(_) => return None,
        })
    }

    fn counted<'a>(&'a self, kind: Kind, stages: &'a [Stage]) -> Option<Counted<'a>> {
        let base = self.base(kind)?;
        let ln_most = kind.ln_most(&self.settings);
        Some(Counted { kind, base, ln_most, traffic: &self.traffic, stages })
    }

    fn smallest(&self, stages: &[Stage]) -> Vec<Smallest> {
        let counted = Kind::BUILT_IN
            .into_iter()
            .filter_map(|(kind, signal)| Some((self.counted(kind, stages)?, signal)));
        let mut all: Vec<Smallest> = counted
            .map(|(it, signal)| {
                let effect = it.smallest(self.ln_needed(&signal));
                let Margin { ratio, dispersion } = it.signal().margin();
                Smallest { signal, base: it.base, effect, margin: ratio, dispersion }
            })
            .collect();
        let lag = stages
            .last()
            .and_then(|stage| Lagging::new(self, *stage)?.smallest(self.ln_needed(&Signal::Lag)));
        let (signal, margin) = (Signal::Lag, Constant::LeastDrift.value());
        all.push(Smallest { signal, base: 0.0, effect: lag, margin, dispersion: 1.0 });
        all
    }

    fn total_failure(&self, first: Stage) -> Option<Millis> {
        self.counted(Kind::Errors, &[first])?.found_after(1.0, self.ln_needed(&Signal::Errors))
    }

    fn blind(&self) -> Vec<Signal> {
        let all = [Signal::Errors, Signal::Loss, Signal::Latency, Signal::Yield, Signal::Memory];
        all.into_iter().filter(|signal| !self.is_available(signal)).collect()
    }

    fn is_available(&self, signal: &Signal) -> bool {
        match signal {
            Signal::Lag | Signal::Restarts | Signal::Churn => true,
            Signal::Errors | Signal::Loss | Signal::Latency | Signal::Yield | Signal::Memory => {
                self.traffic.metrics.is_some()
            }
            Signal::User(_) => false,
        }
    }

    /// ln of the evidence that a signal needs alone: its weight is that of the available signals.
    fn ln_needed(&self, signal: &Signal) -> f64 {
        const ALL: [Signal; 8] = [
            Signal::Lag,
            Signal::Yield,
            Signal::Loss,
            Signal::Errors,
            Signal::Latency,
            Signal::Restarts,
            Signal::Churn,
            Signal::Memory,
        ];
        let built_in: f64 = ALL.iter().filter(|it| self.is_available(it)).map(weight).sum();
        let ratios = self.settings.user.iter().filter(|it| it.rule == UserRule::Ratio);
        let own: f64 = ratios.map(|it| weight(&Signal::User(it.name.clone()))).sum();
        let total = built_in + own;
        self.settings.ln_needed(0) - (weight(signal) / total).ln()
    }
}
