//! How long a version that is as good as the primary needs until it may pass a step.
//! Runs the proofs on expected windows; chance may make it longer, never much shorter.

use crate::constants::{COUNT_WINDOW, LEAST_OBSERVED_MESSAGES};
use crate::counters::kind::Kind;
use crate::engines::poisson::at_least;
use crate::findings::signal::Signal;
use crate::lag::column::{CanaryPartitions, PodNumber, Rank};
use crate::lag::roster::Consumer;
use crate::lag::windows::{MessageCounts, WindowLag};
use crate::numbers::{Millis, millis, seconds};
use crate::observation::{PartitionId, Role};
use crate::power::case::Case;
use crate::power::plan::{PlannedStep, Stage};
use crate::settings::MinimumEvidence;
use crate::signals::lag_non_inferiority::{LEAST_MESSAGES, LagNonInferiority, PROVING_MESSAGES};
use crate::signals::memory::Memory;
use crate::signals::signal;

/// Longest proof that anyone waits for.
const LONGEST_PROOF: Millis = 24 * 3_600_000;
/// Most windows of counts that are looked at; after steps of days they get longer than 10 s.
const MOST_WINDOWS: i64 = 10_000;

/// When a healthy version may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healthy {
    /// Milliseconds at the step, about, by the least evidence that the settings ask for; `None`: not
    /// within a day.
    pub after: Option<Millis>,
    /// Milliseconds until all is proven, about; `None`: not within a day.
    pub proven: Option<Millis>,
    /// The signal that speaks, or is shown, last.
    pub waits_for: Signal,
    /// Why it never passes; `None`: it does.
    pub never: Option<Missing>,
}

/// What keeps a healthy version from ever passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The canary gets no message, or too few in a day.
    Traffic,
    /// There are fewer partitions than consumers, and the canary gets none.
    Partition,
    /// The proof takes more than a day.
    Time,
}

impl Case {
    /// When a healthy version passes `step`, after those that `passed`.
    pub(crate) fn healthy(&self, passed: &[Stage], step: &PlannedStep) -> Healthy {
        let proven = self.shown(passed, step, MinimumEvidence::Proven).map(|it| it.0).ok();
        let (after, waits_for, never) =
            match self.shown(passed, step, self.settings.minimum_evidence) {
                Ok((after, last)) => (Some(after), last, None),
                Err((last, missing)) => (None, last, Some(missing)),
            };
        Healthy { after, proven, waits_for, never }
    }

    /// When all signals are shown as `least` asks, and which is last.
    fn shown(
        &self,
        passed: &[Stage],
        step: &PlannedStep,
        least: MinimumEvidence,
    ) -> Result<(Millis, Signal), (Signal, Missing)> {
        let lag = self.lag_proof(step.canary, least).map_err(|it| (Signal::Lag, it))?;
        let mut latest = (lag, Signal::Lag);
        if passed.is_empty() && self.is_available(&Signal::Memory) {
            latest = latest.max((Memory::speaks_from(self.settings.warm_up), Signal::Memory));
        }
        for kind in Kind::BUILT_IN.into_iter().filter(|kind| self.base(*kind).is_some()) {
            let after = self.count_proof(kind, passed, step.canary, least);
            let signal = signal(kind, &[]);
            latest = latest.max((after.ok_or_else(|| (signal.clone(), Missing::Time))?, signal));
        }
        Ok(latest)
    }

    /// When the lag of every canary partition is proven flat, from the begin of a step, or enough
    /// messages came over all of them.
    fn lag_proof(&self, canary: u32, least: MinimumEvidence) -> Result<Millis, Missing> {
        let window = self.margins.proof_window(self.settings.interval);
        if self.canary_partitions(canary) == 0 {
            return Err(Missing::Partition);
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
                    return self.by_messages(canary, least, (warm + number + 1) * window);
                }
            }
        }
        Err(Missing::Time)
    }

    /// When so many messages have come as show what `least` asks, but not before it is known, at
    /// `known`, that the partitions bring too few to be proven each.
    fn by_messages(
        &self,
        canary: u32,
        least: MinimumEvidence,
        known: Millis,
    ) -> Result<Millis, Missing> {
        let messages = match least {
            MinimumEvidence::Proven => PROVING_MESSAGES,
            MinimumEvidence::Observed => LEAST_OBSERVED_MESSAGES,
        };
        let rate = self.traffic.rate * self.share(canary);
        let span = millis(f64::from(messages) / rate).saturating_add(self.settings.warm_up);
        if rate > 0.0 && span <= LONGEST_PROOF {
            Ok(known.max(span))
        } else {
            Err(Missing::Traffic)
        }
    }

    /// When a count is shown as `least` asks, from the begin of the stage after those `before`.
    fn count_proof(
        &self,
        kind: Kind,
        before: &[Stage],
        canary: u32,
        least: MinimumEvidence,
    ) -> Option<Millis> {
        let mut stages = before.to_vec();
        stages.push(Stage { canary, length: LONGEST_PROOF });
        let counted = self.counted(kind, &stages)?;
        let mut signal = counted.signal();
        let number = before.len();
        let all: Millis = stages.iter().map(|stage| stage.length).sum();
        let window = COUNT_WINDOW * (all / COUNT_WINDOW / MOST_WINDOWS + 1);
        counted.slices(window).iter().find_map(|slice| {
            signal.bet(slice.end, &counted.rises(slice, counted.base, counted.base), false);
            let shown = match least {
                MinimumEvidence::Proven => signal.is_proven(),
                MinimumEvidence::Observed => {
                    signal.is_proven() || signal.observed(Signal::Errors).is_some()
                }
            };
            let passes = shown && !signal.is_suspicious();
            (slice.stage == number && passes).then_some(slice.end)
        })
    }
}

/// A window of one warm canary partition without lag.
fn flat_window(drift: Option<f64>, arrived: u32, span: Millis) -> WindowLag<CanaryPartitions> {
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
