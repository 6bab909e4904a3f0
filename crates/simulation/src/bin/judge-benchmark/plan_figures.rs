//! Outcomes of rollouts in numbers: how many were promoted in their holds, how many at all.
//! It knows one case at a time.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::plans::PlanCase;
use crate::figures::quantile;
use crate::ours::Sight;
use crate::plan::{PLAN, PlanEnd, PlanOutcome};

/// Seconds by which all holds together may be exceeded: six polls, which nobody notices.
const UNNOTICED: i64 = 60;

/// Siskin on one case.
#[derive(Clone, Debug, Serialize)]
pub struct PlanFigures {
    pub name: String,
    /// Its pods and partitions in words.
    pub size: String,
    /// Name of a case that is no matter of size; empty in the grid.
    pub special: &'static str,
    pub bad: bool,
    pub pods: usize,
    pub partitions: usize,
    /// Messages per second of the group.
    pub rate: f64,
    pub runs: usize,
    /// With metrics, and with lag alone.
    pub scores: Vec<PlanScore>,
}

/// Siskin with one sight on one case.
#[derive(Clone, Debug, Serialize)]
pub struct PlanScore {
    pub judge: &'static str,
    /// Rollouts that were promoted without being held for longer than planned.
    pub in_holds: usize,
    /// Rollouts that were promoted before a step was held for as long as may be.
    pub promoted: usize,
    pub rolled_back: usize,
    /// Seconds until the first step was left, ascending.
    pub first_left: Vec<i64>,
    /// Why rollouts ended that were not promoted: the step, the name of the finding, how often.
    pub ends: BTreeMap<String, usize>,
}

impl PlanFigures {
    /// Counts the outcomes of a case, by sight.
    pub fn of(case: &PlanCase, outcomes: &[Vec<PlanOutcome>]) -> Self {
        let scores = Sight::ALL.iter().zip(outcomes);
        Self {
            name: case.name(),
            size: case.size(),
            special: case.scenario.name,
            bad: case.scenario.bad,
            pods: case.scenario.pods,
            partitions: case.scenario.partitions,
            rate: case.rate,
            runs: outcomes.first().map_or(0, Vec::len),
            scores: scores.map(|(sight, outcomes)| PlanScore::of(*sight, outcomes)).collect(),
        }
    }

    /// Messages per second of each pod.
    pub fn rate_per_pod(&self) -> f64 {
        self.rate / self.pods as f64
    }
}

impl PlanScore {
    fn of(sight: Sight, outcomes: &[PlanOutcome]) -> Self {
        let count =
            |is: fn(&PlanOutcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
        let mut first_left: Vec<i64> =
            outcomes.iter().filter_map(|outcome| outcome.held.first().copied()).collect();
        first_left.sort_unstable();
        let mut ends = BTreeMap::new();
        for outcome in outcomes {
            let step = outcome.held.len() + 1;
            match outcome.end {
                PlanEnd::Promoted => {}
                PlanEnd::Paused(finding) | PlanEnd::RolledBack(finding) => {
                    *ends.entry(format!("step {step}: {finding}")).or_default() += 1;
                }
            }
        }
        Self {
            judge: sight.judge(),
            in_holds: count(PlanOutcome::is_in_holds),
            promoted: count(PlanOutcome::is_promoted),
            rolled_back: count(PlanOutcome::is_rolled_back),
            first_left,
            ends,
        }
    }

    /// The time within which a part of all runs leaves the first step; `None`: fewer do.
    pub fn first_left(&self, part: f64, runs: usize) -> Option<i64> {
        quantile(&self.first_left, part, runs)
    }
}

impl PlanOutcome {
    fn is_promoted(&self) -> bool {
        self.end == PlanEnd::Promoted
    }

    fn is_in_holds(&self) -> bool {
        let planned: i64 = PLAN.iter().map(|step| step.hold).sum();
        self.is_promoted() && self.held.iter().sum::<i64>() <= planned + UNNOTICED
    }

    fn is_rolled_back(&self) -> bool {
        match self.end {
            PlanEnd::RolledBack(_) => true,
            PlanEnd::Promoted | PlanEnd::Paused(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_in_its_holds_if_nobody_would_notice_the_difference() {
        let outcome = |held: &[i64], end| PlanOutcome { held: held.to_vec(), end };
        let outcomes = [
            outcome(&[600, 1_800], PlanEnd::Promoted),
            outcome(&[630, 1_830], PlanEnd::Promoted),
            outcome(&[670, 1_800], PlanEnd::Promoted),
            outcome(&[600], PlanEnd::Paused("MoreEvidence")),
            outcome(&[], PlanEnd::RolledBack("Errors")),
        ];
        let score = PlanScore::of(Sight::All, &outcomes);
        assert_eq!((score.in_holds, score.promoted, score.rolled_back), (2, 3, 1));
        assert_eq!(score.first_left, [600, 600, 630, 670]);
        assert_eq!(score.first_left(0.8, 5), Some(670));
        assert_eq!(score.first_left(0.9, 5), None);
        let ends: Vec<&str> = score.ends.keys().map(String::as_str).collect();
        assert_eq!(ends, ["step 1: Errors", "step 2: MoreEvidence"]);
    }
}
