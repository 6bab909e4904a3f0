//! A trace that was judged: what was found when, and how it ended.
//! Plain data; who judges, and how it is shown, stands elsewhere.

use siskin_analysis::{Assessment, Finding, GroupSummary};
use siskin_trace::Mark;

/// A trace with what the judge found in it.
#[derive(Debug)]
pub(crate) struct JudgedTrace {
    pub(crate) rollout: String,
    /// Changes of the finding, and marks; the last finding stands.
    pub(crate) timeline: Vec<TimelineEntry>,
    /// The assessment at the first Fail, or else at the end.
    pub(crate) last: Assessment,
    pub(crate) summary: GroupSummary,
    /// Second of the trial at which `last` was given.
    pub(crate) seconds: i64,
    /// Evidence over time, if a picture was asked for.
    pub(crate) points: Vec<Point>,
}

/// One entry of the timeline: a new finding, or a mark.
#[derive(Debug)]
pub(crate) struct TimelineEntry {
    /// Second of the trial.
    pub(crate) second: i64,
    pub(crate) event: TimelineEvent,
}

/// What happened at one second of the trial.
#[derive(Debug)]
pub(crate) enum TimelineEvent {
    Found(Finding),
    Marked(Mark),
}

/// Evidence at one second of the trial, against the canary and in its favor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) second: i64,
    pub(crate) against: f64,
    pub(crate) proof: f64,
}

impl JudgedTrace {
    /// Whether the trace has such a mark since the trial began.
    pub(crate) fn has(&self, is: impl Fn(&Mark) -> bool) -> bool {
        self.timeline.iter().any(|entry| match &entry.event {
            TimelineEvent::Marked(mark) => is(mark),
            TimelineEvent::Found(_) => false,
        })
    }

    /// Second from which the final verdict has stood without a break.
    pub(crate) fn since(&self) -> i64 {
        let found = self.timeline.iter().rev().filter_map(|entry| match &entry.event {
            TimelineEvent::Found(finding) => Some((entry.second, finding.verdict())),
            TimelineEvent::Marked(_) => None,
        });
        let same = found.take_while(|(_, verdict)| *verdict == self.last.verdict);
        same.last().map_or(self.seconds, |(second, _)| second)
    }
}
