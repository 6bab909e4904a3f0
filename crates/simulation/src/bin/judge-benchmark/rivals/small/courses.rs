//! When each partition was committed last, and how far behind in time that is.
//! Knows no role.

use std::collections::{BTreeMap, VecDeque};

use crate::view::{PartitionOffsets, View};

/// Log ends kept of each partition: forty minutes of polls.
const KEPT: usize = 240;
/// Messages that may wait for good: a marker of a transaction is one.
const WAITING: i64 = 2;

/// One partition's log ends and commits.
#[derive(Clone, Debug, Default)]
struct Course {
    /// Second and log end, ascending.
    ends: VecDeque<(i64, i64)>,
    committed: i64,
    /// When the commit moved last, or nothing waited.
    moved: i64,
    lag: f64,
}

/// All partitions.
#[derive(Clone, Debug, Default)]
pub struct PartitionCourses {
    courses: BTreeMap<i32, Course>,
    /// Longest time between two commits of a partition, in seconds.
    longest: i64,
}

impl PartitionCourses {
    /// Takes a look at both roles' partitions.
    pub fn add(&mut self, view: &View) {
        for it in view.partitions.iter().chain(&view.primary_partitions) {
            let course = self.courses.entry(it.partition).or_default();
            if course.ends.is_empty() {
                (course.committed, course.moved) = (it.committed, view.second);
            } else if course.committed != it.committed {
                self.longest = self.longest.max(view.second - course.moved);
                (course.committed, course.moved) = (it.committed, view.second);
            } else if it.end - it.committed < WAITING {
                course.moved = view.second;
            }
            course.add(view.second, *it);
        }
    }

    /// Longest healthy silence so far, in seconds.
    pub const fn longest_silence(&self) -> i64 {
        self.longest
    }

    /// From now on silence is counted.
    pub fn forget_silence(&mut self, second: i64) {
        self.courses.values_mut().for_each(|course| course.moved = second);
    }

    /// Seconds without a commit of a partition where messages wait.
    pub fn silence(&self, at: &PartitionOffsets, second: i64) -> i64 {
        self.courses.get(&at.partition).map_or(0, |course| second - course.moved)
    }

    /// Seconds by which a partition is behind.
    pub fn lag(&self, partition: i32) -> f64 {
        self.courses.get(&partition).map_or(0.0, |course| course.lag)
    }

    /// The median of that over partitions.
    pub fn median_lag(&self, partitions: &[PartitionOffsets]) -> f64 {
        let mut lags: Vec<f64> = partitions.iter().map(|it| self.lag(it.partition)).collect();
        lags.sort_unstable_by(f64::total_cmp);
        lags.get(lags.len() / 2).copied().unwrap_or(0.0)
    }
}

impl Course {
    fn add(&mut self, second: i64, at: PartitionOffsets) {
        self.ends.push_back((second, at.end));
        if self.ends.len() > KEPT {
            self.ends.pop_front();
        }
        let read = self.ends.partition_point(|(_, end)| *end <= at.committed);
        let since = self.ends.get(read.saturating_sub(1)).map_or(second, |(then, _)| *then);
        self.lag = if at.committed >= at.end { 0.0 } else { (second - since) as f64 };
    }
}
