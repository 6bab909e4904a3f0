//! What a planned rollout can find before it starts: the smallest effects, and the time to a Pass.
//! The engines themselves, run on the counts an unlucky run would show; it estimates, never judges.
//!
//! **Counts** (errors, lost and slow messages). At a canary rate r the log evidence of the ratio
//! r/base is linear in the events, a·X − b·Y. Its lower decile is met where X and Y, Poisson, lie
//! −z·aσₓ/s and +z·bσᵧ/s standard deviations off their means, s² = a²σₓ² + b²σᵧ². The judge looks
//! at every window, so 90 % power needs less than z = 1.28 at the end: z solves Φ(z) + φ(z)·M(2D/s
//! − z) = 0.9, the first passage of a Brownian motion with the drift D of the log evidence
//! (Siegmund, Sequential Analysis, 1985, III.3; M is Mills' ratio). Those counts, spread evenly
//! over the windows, go through the engine; the smallest r that fails the canary is the answer.
//! Counts carry over from step to step, as the accounts do.
//!
//! **Lag.** A canary that does 1 − d of its work falls behind by d seconds a second. In a window of
//! W seconds with λ·W messages per partition that is d ± √((1 − d)/(λ·W)), beside what the phase of
//! commits adds, which is also the scale a record teaches. The mean over the windows at its lower
//! decile, with that noise around it, goes through the ledger. Each step stands alone: its
//! rebalance deals partitions anew.
//!
//! **Pass.** The proofs themselves, run on the counts that a healthy canary is expected to show.

mod case;
mod counts;
mod lag;
mod normal;
mod pass;
mod plan;
#[cfg(test)]
mod tests;

use crate::constants::Constant;
use crate::counters::kind::Kind;
use crate::engines::ratio_test::Margin;
use crate::findings::signal::Signal;
use crate::guards::stall::silence::UsualSilence;
use crate::numbers::Millis;
use crate::power::case::Case;
use crate::power::lag::Lagging;
pub use crate::power::pass::{Healthy, Missing};
use crate::power::plan::Stage;
pub use crate::power::plan::{BaseRates, POWER, PlannedStep, Traffic};
use crate::settings::Settings;
use crate::signals::signal;

/// Estimate of what the steps of a rollout find.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Estimates of the steps, in the order of the plan.
    pub steps: Vec<StepEstimate>,
    /// Silence of a partition that has committed, with messages waiting, that is a stall.
    pub stall_wait: Millis,
    /// Time from the first step on in which a canary that fails every message is found; `None`:
    /// errors are not seen, or not within the first hold.
    pub total_failure: Option<Millis>,
    /// Signals that there is no input for.
    pub blind: Vec<Signal>,
}

/// Estimate of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEstimate {
    /// The planned step.
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
    /// The signal that finds the effect alone.
    pub signal: Signal,
    /// The primary's rate; 0 for lag.
    pub base: f64,
    /// The canary's rate; for lag the part of its work that it can't do, which is by how many
    /// seconds the lag grows a second. `None`: not even all messages, or all work.
    pub effect: Option<f64>,
    /// The margin that is still healthy: the largest ratio to the primary's rate; for lag the
    /// largest drift, in seconds per second. Assumed to be the least that the judge ever learns.
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
        stall_wait: UsualSilence::new(&case.margins, case.settings.interval).wait(),
        total_failure: stages.first().and_then(|first| case.total_failure(*first)),
        blind: case.blind(),
    }
}

impl Case {
    fn smallest(&self, stages: &[Stage]) -> Vec<Smallest> {
        let counted = Kind::BUILT_IN.into_iter().filter_map(|kind| self.counted(kind, stages));
        let mut all: Vec<Smallest> = counted
            .map(|it| {
                let signal = signal(it.kind, &[]);
                let effect = it.smallest(self.ln_needed(&signal));
                let Margin { ratio, dispersion, floor: _ } = it.signal().margin();
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
}
