//! Outcomes in numbers: how often each judge rolled back, and after how long.
//! With 95 % intervals (Clopper–Pearson), because a rate without one says nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::mechanism::Mechanism;
use crate::scenario::Scenario;
use crate::set::Set;
use crate::trial::{FULL, JUDGES, TrialOutcome};

/// All judges on one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub scenario: &'static str,
    pub set: Set,
    pub bad: bool,
    pub mechanism: Mechanism,
    pub runs: usize,
    pub judges: Vec<Score>,
    /// What made Siskin roll back, and how often.
    pub reasons: BTreeMap<&'static str, usize>,
    /// Seconds after which Siskin left a hold of ten minutes, in the runs in which it did; ascending.
    pub left: Vec<i64>,
    /// Rollbacks by Siskin, and runs, where more of them were made to know it better.
    pub longer: Option<(usize, usize)>,
}

/// One judge on one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    pub judge: &'static str,
    /// Runs in which it rolled back after the onset of the fault.
    pub rolled_back: usize,
    /// Runs in which it did so before there was one.
    pub early: usize,
    /// Seconds from the onset, ascending.
    pub seconds: Vec<i64>,
}

impl Figures {
    /// Counts the outcomes of a scenario.
    pub fn of(scenario: &Scenario, outcomes: &[TrialOutcome]) -> Self {
        let judges = JUDGES.iter().enumerate().map(|(index, judge)| {
            let times = outcomes.iter().filter_map(|outcome| outcome.rolled_back[index]);
            let mut seconds: Vec<i64> = times.map(|at| at - scenario.onset).collect();
            seconds.sort_unstable();
            let early = seconds.iter().take_while(|after| **after <= 0).count();
            seconds.drain(..early);
            Score { judge, rolled_back: seconds.len(), early, seconds }
        });
        let mut reasons = BTreeMap::new();
        for reason in outcomes.iter().filter_map(|outcome| outcome.reason) {
            *reasons.entry(reason).or_default() += 1;
        }
        let mut left: Vec<i64> = outcomes.iter().filter_map(|outcome| outcome.left).collect();
        left.sort_unstable();
        Self {
            scenario: scenario.name,
            set: scenario.set,
            bad: scenario.bad,
            mechanism: scenario.mechanism,
            runs: outcomes.len(),
            judges: judges.collect(),
            reasons,
            left,
            longer: None,
        }
    }

    /// How often Siskin rolled back, and in how many runs: all that are known.
    pub fn known(&self) -> (usize, usize) {
        self.longer.unwrap_or((self.judges[FULL].all(), self.runs))
    }

    /// Adds Siskin's outcomes of more runs.
    pub fn lengthen(&mut self, outcomes: &[TrialOutcome]) {
        let (rolled_back, runs) = self.known();
        let more = outcomes.iter().filter(|outcome| outcome.rolled_back[FULL].is_some()).count();
        self.longer = Some((rolled_back + more, runs + outcomes.len()));
    }
}

impl Score {
    /// The time within which a part of **all** runs is found; `None`: fewer are ever found.
    pub fn quantile(&self, part: f64, runs: usize) -> Option<i64> {
        quantile(&self.seconds, part, runs)
    }

    /// Runs found within so many seconds.
    pub fn within(&self, seconds: i64) -> usize {
        self.seconds.iter().take_while(|after| **after <= seconds).count()
    }

    /// Whether it finds the fault in 95 % of runs or more.
    pub fn finds(&self, runs: usize) -> bool {
        share(self.rolled_back, runs) >= 0.95
    }

    /// Rollbacks at any time.
    pub fn all(&self) -> usize {
        self.rolled_back + self.early
    }
}

/// The time within which a part of **all** runs is done, of the ascending times of those that are.
pub fn quantile(seconds: &[i64], part: f64, runs: usize) -> Option<i64> {
    let done = (1..=seconds.len()).find(|k| share(*k, runs) >= part)?;
    seconds.get(done - 1).copied()
}

/// A share of runs.
pub fn share(events: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { events as f64 / of as f64 }
}

/// The two-sided 95 % interval of a probability (Clopper–Pearson), by halving.
pub fn interval(events: usize, of: usize) -> (f64, f64) {
    let low = if events == 0 { 0.0 } else { root(|p| at_least(events, of, p) < 0.025) };
    let high = if events >= of { 1.0 } else { root(|p| 1.0 - at_least(events + 1, of, p) > 0.025) };
    (low, high)
}

/// Where a falling condition on [0, 1] stops to hold.
fn root(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

/// Probability of at least so many events among `of`, each with probability `p`.
fn at_least(events: usize, of: usize, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return p;
    }
    let odds = (p / (1.0 - p)).ln();
    let mut ln = of as f64 * (1.0 - p).ln();
    let mut below = 0.0;
    for k in 0..events {
        below += ln.exp();
        ln += ((of - k) as f64 / (k + 1) as f64).ln() + odds;
    }
    (1.0 - below).clamp(0.0, 1.0)
}
