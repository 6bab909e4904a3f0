//! What the operator did, as the marks of a trace: told from the state that each pass finds.
//! Decides nothing; says each thing once.

use jiff::Timestamp;
use siskin_analysis::observation::Millis;
use siskin_analysis::{Assessment, Finding, Verdict};
use siskin_trace::{Line, Mark};

use siskin_decide::{Cause, PromotedBy, State};

/// The word of the judge, or of a guard that went before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub(crate) verdict: Verdict,
    pub(crate) finding: &'static str,
}

/// What a pass knew of an attempt, for the marks of its trace.
#[derive(Clone, Copy, Debug)]
pub struct AttemptSnapshot {
    at: Millis,
    /// N.
    total: u32,
    word: Option<Word>,
    stage: At,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Step { number: u32, weight: u32 },
    Promoting { since: Millis, how: PromotedBy },
    RollingBack { since: Millis, cause: Cause },
}

/// What the marks of a trace have said so far.
#[derive(Debug, Default)]
pub(super) struct MarksWritten {
    step: Option<u32>,
    total: Option<u32>,
    /// The last word before the decision that follows from it.
    word: Option<Word>,
    promoted: bool,
    over: bool,
}

impl Word {
    /// The word that is acted on: a guard that fails, or else what the judge says.
    #[must_use]
    pub fn of(assessment: Option<&Assessment>, guard: Option<&Finding>) -> Option<Self> {
        let failed = guard.filter(|it| it.verdict() == Verdict::Fail);
        let finding = failed.or(assessment.map(|it| &it.finding))?;
        Some(Self { verdict: finding.verdict(), finding: finding.name() })
    }
}

impl AttemptSnapshot {
    /// The snapshot of an attempt that is judged; `None` without one.
    #[must_use]
    pub fn of(state: &State, total: u32, word: Option<Word>, now: Timestamp) -> Option<Self> {
        let reached = match *state {
            State::Trial(trial) => {
                let step = trial.stage.step()?;
                At::Step {
                    number: u32::try_from(step.index).unwrap_or(u32::MAX).saturating_add(1),
                    weight: percent(step.canary, total),
                }
            }
            State::Promoting(it) => {
                At::Promoting { since: it.since.as_millisecond(), how: it.promoted_by }
            }
            State::RollingBack(it) => {
                At::RollingBack { since: it.since.as_millisecond(), cause: it.cause }
            }
            State::Pending | State::Adopting | State::AtRest(_) | State::Terminating(_) => {
                return None;
            }
        };
        Some(Self { at: now.as_millisecond(), total, word, stage: reached })
    }

    /// Whether a failure now would still decide something.
    pub(crate) const fn is_open(&self) -> bool {
        match self.stage {
            At::Step { .. } | At::Promoting { .. } => true,
            At::RollingBack { .. } => false,
        }
    }
}

impl MarksWritten {
    /// What is new, and whether the attempt is over with it.
    pub(super) fn marks(&mut self, attempt: &AttemptSnapshot) -> (Vec<Line>, bool) {
        if self.over {
            return (Vec::new(), true);
        }
        let AttemptSnapshot { at, total, word, stage } = *attempt;
        let mut lines = Vec::new();
        let mut tell = |at, mark| lines.push(Line::Mark { at, mark });
        match stage {
            At::Step { number, weight } => {
                if self.step.replace(number) != Some(number) {
                    tell(at, Mark::StepChanged { step: number, weight });
                }
            }
            At::Promoting { since, how } => {
                if !std::mem::replace(&mut self.promoted, true) {
                    tell(since, promotion(how, self.word.or(word)));
                }
            }
            At::RollingBack { since, cause } => {
                self.over = true;
                tell(since, rollback(cause, self.word));
            }
        }
        if self.total.replace(total).is_some_and(|before| before != total) && !self.over {
            tell(at, Mark::Scaled { replicas: total });
        }
        self.word = word;
        (lines, self.over)
    }

    /// The mark of an attempt that nothing was decided about.
    pub(super) fn abandoned(&self, at: Millis) -> Option<Line> {
        let reason = "Abandoned".to_owned();
        let mark = Mark::Ended { verdict: Verdict::Inconclusive, reason };
        (!self.promoted && !self.over).then_some(Line::Mark { at, mark })
    }
}

fn promotion(how: PromotedBy, word: Option<Word>) -> Mark {
    let verdict = word.map_or(Verdict::Inconclusive, |it| it.verdict);
    match how {
        // The step before may have passed by a command: then this is what the judge said last.
        PromotedBy::Passed => ended(verdict, word.map_or(how.into(), |it| it.finding)),
        PromotedBy::Commanded
        | PromotedBy::Inconclusive
        | PromotedBy::Bypass
        | PromotedBy::NoTrialNeeded
        | PromotedBy::Resumed => ended(verdict, how.into()),
    }
}

fn rollback(cause: Cause, word: Option<Word>) -> Mark {
    match cause {
        Cause::GuardFailed | Cause::AnalysisFailed => {
            let failed = word.filter(|it| it.verdict == Verdict::Fail);
            ended(Verdict::Fail, failed.map_or(cause.into(), |it| it.finding))
        }
        Cause::DeadlineExceeded
        | Cause::Aborted
        | Cause::Inconclusive
        | Cause::Superseded
        | Cause::Reverted
        | Cause::Rejected
        | Cause::Resumed => {
            let verdict = word.map_or(Verdict::Inconclusive, |it| it.verdict);
            ended(verdict, cause.into())
        }
    }
}

fn ended(verdict: Verdict, reason: &'static str) -> Mark {
    Mark::Ended { verdict, reason: reason.to_owned() }
}

/// Rounded, as steps are.
fn percent(canary: u32, total: u32) -> u32 {
    let half = total / 2;
    canary.saturating_mul(100).saturating_add(half).checked_div(total).unwrap_or(0)
}
