//! What the small judge learns from the record: margins, dispersions, commit gaps, lag.
//! It has seen no canary.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::courses::PartitionCourses;
use crate::rivals::likelihood::LikelihoodRatio;
use crate::view::{Tally, View};

/// Polls of a block, over which pods are compared, and of a minute, over which counts spread.
const BLOCK: u32 = 30;
const MINUTE: u32 = 6;
/// Margin if pods don't differ; what is added to what they differ by; events that pull it to that.
const MARGIN: f64 = 1.35;
const BEYOND: f64 = 1.25;
const PRIOR: f64 = 30.0;
/// Degrees of freedom that pull a dispersion to 1.
const PRIOR_MINUTES: f64 = 10.0;
/// Least seconds without a commit that are a stall, and what a poll adds to a gap.
const LEAST_WAIT: i64 = 30;
const POLL: i64 = 10;

/// Counts of each pod.
type ByPod = BTreeMap<Arc<str>, Tally>;

/// What was learned.
#[derive(Clone, Debug, Default)]
pub struct Lesson {
    block: ByPod,
    minute: ByPod,
    polls: u32,
    /// Largest ratio of one pod's rate to the others', by kind of event.
    ratios: [f64; 3],
    /// Sum of squares and degrees of freedom of the minutes, by kind.
    squares: [f64; 3],
    free: f64,
    lag: f64,
    gap: i64,
}

impl Lesson {
    /// Takes a look at the primary.
    pub fn add(&mut self, view: &View, courses: &PartitionCourses) {
        for (pod, tally) in &view.pods {
            for sums in [&mut self.block, &mut self.minute] {
                let sum = sums.entry(pod.clone()).or_default();
                *sum = sum.plus(*tally);
            }
        }
        self.lag = self.lag.max(courses.median_lag(&view.primary_partitions));
        self.gap = courses.longest_silence();
        self.polls += 1;
        if self.polls.is_multiple_of(MINUTE) {
            self.end_minute();
        }
        if self.polls.is_multiple_of(BLOCK) {
            self.end_block();
        }
    }

    /// A test for each kind of event.
    pub fn tests(&self) -> Vec<LikelihoodRatio> {
        let pairs = self.ratios.iter().zip(self.squares);
        let test = |(ratio, squares): (&f64, f64)| {
            let spread = (squares + PRIOR_MINUTES) / (self.free + PRIOR_MINUTES);
            // Half as much again, for a spread that is itself a guess.
            LikelihoodRatio::new((BEYOND * ratio).max(MARGIN), (1.5 * spread - 0.5).max(1.0))
        };
        pairs.map(test).collect()
    }

    /// Largest median lag of the primary, in seconds.
    pub const fn largest_lag(&self) -> f64 {
        self.lag
    }

    /// Seconds without a commit that are a stall.
    pub fn stall_wait(&self) -> i64 {
        (2 * (self.gap + POLL)).max(LEAST_WAIT)
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let all = total(&block);
        for pod in block.values() {
            let others = all.messages - pod.messages;
            let kinds = self.ratios.iter_mut().zip(pod.events()).zip(all.events());
            for ((largest, events), everybody) in kinds.filter(|_| others > 0.0) {
                let expected = pod.messages * (everybody - events) / others;
                *largest = largest.max((events + PRIOR) / (expected + PRIOR));
            }
        }
    }

    fn end_minute(&mut self) {
        let minute = std::mem::take(&mut self.minute);
        let all = total(&minute);
        for pod in minute.values() {
            let kinds = self.squares.iter_mut().zip(pod.events()).zip(all.events());
            for ((squares, events), everybody) in kinds {
                let mean = everybody / all.messages.max(1.0) * pod.messages;
                *squares += if mean > 0.0 { (events - mean).powi(2) / mean } else { 0.0 };
            }
        }
        self.free += minute.len().saturating_sub(1) as f64;
    }
}

fn total(pods: &ByPod) -> Tally {
    pods.values().fold(Tally::default(), |sum, pod| sum.plus(*pod))
}
