//! One run: a world from a seed, and every judge on the same observations.
//! Says when each of them rolled back; what that means, `report` knows.

use siskin_analysis::observation::Observation;
use siskin_analysis::{Finding, Judge, Record, Settings, Verdict};

use crate::rivals;
use crate::scenario::{Scenario, Source};
use crate::show::{POLL, START, ShownNames, observe};
use crate::view::Viewer;
use crate::world::World;

/// Seconds for which a trial is watched.
pub const WATCHED: i64 = 1_800;
/// When the operator is replaced, in the scenario of that name.
const REPLACED: i64 = 903;
/// Probability of a false rollback that Siskin is given.
pub const ALPHA: f64 = 0.01;

/// The judges, in the order of all tables.
pub const JUDGES: [&str; 8] = [
    "Siskin",
    "Siskin, lag only",
    rivals::NAMES[0],
    rivals::NAMES[1],
    rivals::NAMES[2],
    rivals::NAMES[3],
    rivals::NAMES[4],
    rivals::NAMES[5],
];

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Everybody.
    All,
    /// Siskin alone; nobody else rolls back.
    Siskin,
}

/// What one run gave.
#[derive(Clone, Debug)]
pub struct TrialOutcome {
    /// The second in which each judge rolled back.
    pub rolled_back: [Option<i64>; JUDGES.len()],
    /// Which signal or guard made Siskin do it.
    pub reason: Option<&'static str>,
    /// Whether Siskin would have let it pass at the end.
    pub passes: bool,
}

/// A judge of ours and what it said.
struct Ours {
    judge: Judge,
    lag_only: bool,
    fault: Option<(i64, &'static str)>,
    passes: bool,
}

/// Runs one scenario with one seed.
pub fn run(scenario: &Scenario, seed: u64, field: Field) -> TrialOutcome {
    let mut group = World::new(*scenario, seed);
    let mut known = ShownNames::new();
    let mut records = [Record::new(600_000), Record::new(600_000)];
    while group.now < 0 {
        group.step();
        if group.now % POLL == 0 {
            let now = observe(&mut group, scenario, &mut known);
            records[1].push(without_metrics(&now));
            records[0].push(now);
        }
    }
    let mut ours = [Ours::new(&records[0], false), Ours::new(&records[1], true)];
    let mut rivals = match field {
        Field::All => Vec::from(rivals::all()),
        Field::Siskin => Vec::new(),
    };
    let judges = ours.len() + rivals.len();
    let mut rolled_back = [None; JUDGES.len()];
    let mut viewer = Viewer::default();
    while group.now < WATCHED && rolled_back[..judges].contains(&None) {
        group.step();
        if group.now % POLL != 0 {
            continue;
        }
        let look = observe(&mut group, scenario, &mut known);
        for judge in &mut ours {
            judge.take(&look, group.now, scenario.source);
        }
        let view = viewer.view(group.now, &look);
        for (rival, at) in rivals.iter_mut().zip(&mut rolled_back[2..]) {
            if at.is_none() && rival.rolls_back(&view) {
                *at = Some(group.now);
            }
        }
        for (judge, at) in ours.iter().zip(&mut rolled_back) {
            *at = judge.fault.map(|(at, _)| at);
        }
    }
    let [full, _] = ours;
    TrialOutcome {
        rolled_back,
        reason: full.fault.map(|(_, reason)| reason),
        passes: full.fault.is_none() && full.passes,
    }
}

impl Ours {
    fn new(record: &Record, lag_only: bool) -> Self {
        let judge = Judge::new(settings(), record);
        Self { judge, lag_only, fault: None, passes: false }
    }

    fn take(&mut self, seen: &Observation, second: i64, source: Source) {
        if self.fault.is_some() {
            return;
        }
        if source == Source::Restart && (REPLACED..REPLACED + POLL).contains(&second) {
            let again = Judge::resume(settings(), &self.judge.save());
            self.judge = again.expect("a judge reads what it saved");
        }
        if self.lag_only {
            self.judge.observe(&without_metrics(seen));
        } else {
            self.judge.observe(seen);
        }
        let finding = self.judge.find(START + second * 1_000, true);
        self.passes = finding.verdict() == Verdict::Pass;
        if let Finding::Fault(fault) = finding {
            self.fault = Some((second, fault.name()));
        }
    }
}

fn settings() -> Settings {
    Settings {
        interval: POLL * 1_000,
        warm_up: 30_000,
        false_rollback_probability: ALPHA,
        minimum_evidence: siskin_analysis::MinimumEvidence::default(),
        user: std::sync::Arc::default(),
    }
}

fn without_metrics(seen: &Observation) -> Observation {
    let mut bare = seen.clone();
    bare.pods.iter_mut().for_each(|pod| pod.metrics = None);
    bare
}
