//! How long a version that is as good as the primary needs until it may pass a step.
//! Runs the proofs on expected windows; chance may make it longer, never much shorter.

use crate::constants::COUNT_WINDOW;
use crate::counters::kind::Kind;
use crate::engines::e_process::ROUNDING;
use crate::findings::signal::Signal;
use crate::lag::column::{PodNumber, Rank};
use crate::lag::roster::Consumer;
use crate::lag::windows::{MessageCounts, WindowLag};
use crate::numbers::{Millis, count, seconds};
use crate::observation::{PartitionId, Role};
use crate::power::case::Case;
use crate::power::plan::{PlannedStep, Stage};
use crate::signals::lag_non_inferiority::{LEAST_MESSAGES, LEAST_TRAFFIC_PER_S, LagNonInferiority};
use crate::signals::memory::Memory;
use crate::signals::signal;

/// Longest proof that anyone waits for.
const LONGEST_PROOF: Millis = 24 * 3_600_000;
/// Most windows of counts that are looked at; after steps of days they get longer than 10 s.
const MOST_WINDOWS: i64 = 10_000;

/// When a healthy version may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healthy {
    /// Milliseconds at the step, about; `None`: not within a day.
    pub after: Option<Millis>,
    /// The signal that speaks or is proven last.
    pub waits_for: Signal,
    /// Why it never passes; `None`: it does.
    pub never: Option<Missing>,
}

/// What keeps a healthy version from ever passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The canary gets less than one message a second, or too few per partition.
    Traffic,
    /// There are fewer partitions than consumers, and the canary gets none.
    Partition,
    /// No primary pod runs beside the canary.
    Primary,
    /// The proof takes more than a day.
    Time,
}

impl Case {
    /// When a healthy version passes `step`, after those that `passed`.
    pub(crate) fn healthy(&self, passed: &[Stage], step: &PlannedStep) -> Healthy {
        let lag = match self.lag_proof(step.canary) {
            Ok(after) => after,
            Err(missing) => {
                return Healthy { after: None, waits_for: Signal::Lag, never: Some(missing) };
            }
        };
        let mut last = (lag, Signal::Lag);
        if passed.is_empty() && self.is_available(&Signal::Memory) {
            last = last.max((Memory::speaks_from(self.settings.warm_up), Signal::Memory));
        }
        for kind in Kind::BUILT_IN.into_iter().filter(|kind| self.base(*kind).is_some()) {
            let signal = signal(kind, &[]);
            let alone = step.canary >= self.traffic.consumers;
            let Some(after) = self.count_proof(kind, passed, step.canary) else {
                let missing = if alone { Missing::Primary } else { Missing::Time };
                return Healthy { after: None, waits_for: signal, never: Some(missing) };
            };
            last = last.max((after, signal));
        }
        Healthy { after: Some(last.0), waits_for: last.1, never: None }
    }

    /// When the lag of every canary partition is proven flat, from the begin of a step.
    fn lag_proof(&self, canary: u32) -> Result<Millis, Missing> {
        let window = self.margins.proof_window(self.settings.interval);
        if self.canary_partitions(canary) == 0 {
            return Err(Missing::Partition);
        }
        if self.traffic.rate * self.share(canary) < LEAST_TRAFFIC_PER_S {
            return Err(Missing::Traffic);
        }
        let mean = self.traffic.rate / f64::from(self.traffic.partitions) * seconds(window);
        let speaking = at_least(i64::from(LEAST_MESSAGES), mean);
        let (id, pod) = (PartitionId { topic: "".into(), partition: 0 }, "".into());
        let mut proofs = LagNonInferiority::new(window, self.settings.interval);
        let mut due = 0.0;
        let warm = (self.settings.warm_up + window - 1) / window;
        for number in 0..LONGEST_PROOF / window {
            due += speaking;
            let speaks = due >= 1.0;
            due -= f64::from(u8::from(speaks));
            let arrived = if speaks { LEAST_MESSAGES } else { 0 };
            let drift = (number > 0).then_some(0.0);
            let standing = flat_window(drift, arrived, window);
            proofs.bet(&id, &pod, &standing);
            if let Some(proof) = proofs.get(&id) {
                if proof.is_proven() {
                    return Ok((warm + number + 1) * window);
                }
                if proof.is_sparse() {
                    return Err(Missing::Traffic);
                }
            }
        }
        Err(Missing::Time)
    }

    /// When a count is proven, from the begin of the stage after those `before`.
    fn count_proof(&self, kind: Kind, before: &[Stage], canary: u32) -> Option<Millis> {
        let mut stages = before.to_vec();
        stages.push(Stage { canary, length: LONGEST_PROOF });
        let counted = self.counted(kind, &stages)?;
        let mut signal = counted.signal();
        let last = before.len();
        let all: Millis = stages.iter().map(|stage| stage.length).sum();
        let window = COUNT_WINDOW * (all / COUNT_WINDOW / MOST_WINDOWS + 1);
        counted.slices(window).iter().find_map(|slice| {
            signal.bet(slice.end, &counted.rises(slice, counted.base, counted.base), false);
            let passes = signal.is_proven() && signal.ln_value() <= ROUNDING;
            (slice.stage == last && passes).then_some(slice.end)
        })
    }
}

/// A window of one warm canary partition without lag.
fn flat_window(drift: Option<f64>, arrived: u32, span: Millis) -> WindowLag<MessageCounts> {
    WindowLag {
        position: Rank::at(0),
        consumer: Consumer { role: Role::Canary, warm: true, number: PodNumber::at(0) },
        lag: 0.0,
        drift,
        lag_before: 0.0,
        span,
        counts: MessageCounts { arrived, committed: arrived },
    }
}

/// P(X ≥ k) for X Poisson.
fn at_least(k: i64, mean: f64) -> f64 {
    let (mut term, mut below) = ((-mean).exp(), 0.0);
    for i in 0..k {
        below += term;
        term *= mean / count(i + 1);
    }
    (1.0 - below).clamp(0.0, 1.0)
}
