//! Burrow's rules over the last ten commits of each partition. No other figure is looked at.
//! <https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules>

use std::collections::{BTreeMap, VecDeque};

use crate::rivals::rival::Rival;
use crate::view::{PartitionOffsets, View};

/// Commits looked at: Burrow's `intervals`.
const COMMITS: usize = 10;

/// One partition's commits: second, offset, lag.
#[derive(Clone, Debug, Default)]
struct Commits(VecDeque<(i64, i64, i64)>);

/// The rules.
#[derive(Clone, Debug, Default)]
pub struct Burrow {
    partitions: BTreeMap<i32, Commits>,
}

impl Rival for Burrow {
    fn rolls_back(&mut self, view: &View) -> bool {
        if !view.answered {
            return false;
        }
        self.partitions.retain(|id, _| view.partitions.iter().any(|it| it.partition == *id));
        let mut bad = false;
        for &PartitionOffsets { partition, committed, end } in &view.partitions {
            let commits = self.partitions.entry(partition).or_default();
            commits.add(view.second, committed, end);
            bad |= commits.is_bad(view.second, end);
        }
        bad
    }
}

impl Commits {
    /// A commit is seen where the offset moved, or where all is consumed.
    fn add(&mut self, second: i64, committed: i64, end: i64) {
        let moved = self.0.back().is_none_or(|(_, before, _)| *before != committed);
        if moved || committed >= end {
            if self.0.len() == COMMITS {
                self.0.pop_front();
            }
            self.0.push_back((second, committed, end - committed));
        }
    }

    fn is_bad(&self, second: i64, end: i64) -> bool {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else { return false };
        if self.0.len() < COMMITS {
            return false;
        }
        // Rule 1: all is consumed at some commit of the window.
        if self.0.iter().any(|(.., lag)| *lag == 0) {
            return false;
        }
        // Rule 4: no commit for longer than the window is long, and messages wait: stopped.
        let stopped = second - last.0 > last.0 - first.0 && end > last.1;
        // Rule 3: the offset does not move over the window: stalled.
        let stalled = first.1 == last.1;
        // Rule 2: the lag grows with every commit: a warning.
        let lags = || self.0.iter().map(|(.., lag)| *lag);
        let grows = lags().zip(lags().skip(1)).all(|(before, after)| after > before);
        stopped || stalled || grows
    }
}
