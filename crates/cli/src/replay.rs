//! Runs the judge over traces: the record before the trial mark, then verdict by verdict.
//! Many files at once, one observation in memory at a time each; prints nothing.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use siskin_analysis::observation::{Millis, Observation, Role};
use siskin_analysis::{Finding, Judge, RECORD_SPAN, Record, ResumeError, Verdict, summarize};
use siskin_trace::{Line, Mark, Reader, Seen, TraceError};

use crate::judged::{JudgedTrace, Point, TimelineEntry, TimelineEvent};
use crate::options::ReplayArgs;
use crate::source;

/// Why a trace was not judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("opening it: {0}")]
    Open(std::io::Error),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error("going on from the accounts that an operator had saved: {0}")]
    Accounts(#[from] ResumeError),
    #[error("no observation follows the mark `trialStarted`, or there is none: try --from")]
    NoTrial,
}

/// Judges all files, as many at a time as there are cores; in the order of the files.
pub(crate) fn all(args: &ReplayArgs) -> Vec<Result<JudgedTrace, ReplayError>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(args.files.len()));
    std::thread::scope(|scope| {
        for _ in 0..cores.min(args.files.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = args.files.get(index) else { break };
                    let outcome = one(file, args);
                    if let Ok(mut done) = done.lock() {
                        done.push((index, outcome));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

fn one(file: &Path, args: &ReplayArgs) -> Result<JudgedTrace, ReplayError> {
    let reader = Reader::new(source::open(file).map_err(ReplayError::Open)?)?;
    let mut run = Run::new(reader.header().rollout.clone(), args);
    let settings = args.settings(reader.header().settings.clone());
    for line in reader {
        let line = line?;
        if run.over {
            // Read on: a trace is readable to its end or not.
            continue;
        }
        match line {
            Line::Seen(seen) => {
                let begins = args.from.is_some_and(|from| run.reaches(&seen.observation, from));
                if begins && run.judge.is_none() {
                    run.begin(Judge::new(settings.clone(), &run.record), seen.observation.at);
                }
                run.observe(seen);
            }
            Line::Mark { at, mark: Mark::TrialStarted } => {
                if args.from.is_none() {
                    run.begin(Judge::new(settings.clone(), &run.record), at);
                }
            }
            Line::Mark { at, mark: Mark::Resumed { accounts } } => {
                if args.from.is_none() {
                    let judge = if let Some(saved) = &accounts {
                        Judge::resume(settings.clone(), saved)?
                    } else {
                        // As the operator does: the accounts are lost once more.
                        let before = run.judge.as_ref().map(Judge::save);
                        let losses = Judge::times_lost(before.as_deref());
                        Judge::start_over(settings.clone(), &run.record, losses)
                    };
                    run.begin(judge, at);
                    run.mark(at, Mark::Resumed { accounts });
                }
            }
            Line::Mark { at, mark } => run.mark(at, mark),
        }
    }
    run.finish()
}

struct Run {
    rollout: String,
    record: Record,
    judge: Option<Judge>,
    /// Time of the first observation.
    first: Option<Millis>,
    /// Time at which the trial began.
    begin: Millis,
    /// Time of the last judged observation, and whether the primary was healthy then.
    last: Option<(Millis, bool)>,
    over: bool,
    timeline: Vec<TimelineEntry>,
    /// Whether points are kept for a picture.
    drawn: bool,
    points: Vec<Point>,
}

impl Run {
    fn new(rollout: String, args: &ReplayArgs) -> Self {
        Self {
            rollout,
            record: Record::new(RECORD_SPAN),
            judge: None,
            first: None,
            begin: 0,
            last: None,
            over: false,
            timeline: Vec::new(),
            drawn: args.svg.is_some(),
            points: Vec::new(),
        }
    }

    /// Whether this many seconds have passed since the first observation.
    fn reaches(&mut self, seen: &Observation, seconds: u32) -> bool {
        let first = *self.first.get_or_insert(seen.at);
        seen.at.saturating_sub(first) >= i64::from(seconds) * 1_000
    }

    fn begin(&mut self, judge: Judge, at: Millis) {
        self.judge = Some(judge);
        self.begin = at;
    }

    fn second(&self, at: Millis) -> i64 {
        at.saturating_sub(self.begin) / 1_000
    }

    fn mark(&mut self, at: Millis, mark: Mark) {
        if self.judge.is_none() {
            return;
        }
        self.over = matches!(mark, Mark::Ended { .. });
        self.timeline
            .push(TimelineEntry { second: self.second(at), event: TimelineEvent::Marked(mark) });
    }

    fn observe(&mut self, seen: Seen) {
        let Seen { observation: seen, primary_healthy } = seen;
        let second = self.second(seen.at);
        let healthy = primary_healthy.unwrap_or_else(|| pods_look_healthy(&seen));
        if let Some(judge) = &mut self.judge {
            judge.observe(&seen);
            judge.primary_was(healthy);
            let finding = judge.find(seen.at, healthy);
            self.over = finding.verdict() == Verdict::Fail;
            self.last = Some((seen.at, healthy));
            if self.drawn {
                let it = judge.assess(seen.at, healthy);
                let (against, proof) = (it.against.value, it.proof.value);
                self.points.push(Point { second, against, proof });
            }
            self.found(second, finding);
        }
        self.record.push(seen);
    }

    /// Notes a finding if it is another one than before: its numbers change at every poll.
    fn found(&mut self, second: i64, finding: Finding) {
        let before = self.timeline.iter().rev().find_map(|entry| match &entry.event {
            TimelineEvent::Found(finding) => Some(finding.name()),
            TimelineEvent::Marked(_) => None,
        });
        if before != Some(finding.name()) {
            self.timeline.push(TimelineEntry { second, event: TimelineEvent::Found(finding) });
        }
    }

    fn finish(self) -> Result<JudgedTrace, ReplayError> {
        let (Some(judge), Some((at, healthy))) = (&self.judge, self.last) else {
            return Err(ReplayError::NoTrial);
        };
        Ok(JudgedTrace {
            last: judge.assess(at, healthy),
            summary: summarize(&self.record),
            seconds: self.second(at),
            rollout: self.rollout,
            timeline: self.timeline,
            points: self.points,
        })
    }
}

/// Whether the primary is healthy where the trace does not say what the operator saw: all its pods
/// but one are ready, and one at least. Without any primary pod the canary has replaced them all.
fn pods_look_healthy(seen: &Observation) -> bool {
    let primary = || seen.pods.iter().filter(|pod| pod.role == Role::Primary && !pod.terminating);
    let (all, ready) = (primary().count(), primary().filter(|pod| pod.ready).count());
    all.saturating_sub(1) <= ready && (all <= 1 || 0 < ready)
}
