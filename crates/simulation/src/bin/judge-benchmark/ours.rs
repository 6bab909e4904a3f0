//! Siskin as a judge of the benchmark: what it is shown, and what it said last.
//! It changes nothing in the group.

use siskin_analysis::observation::Observation;
use siskin_analysis::{Finding, Judge, Record, Settings, Verdict};

use crate::observed_group::ObservedGroup;
use crate::scenario::{Scenario, Source};
use crate::show::{POLL, START};

/// Probability of a false rollback that Siskin is given.
pub const ALPHA: f64 = 0.01;
/// When the operator is replaced, in the scenario of that name.
const REPLACED: i64 = 903;

/// What Siskin sees of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Kafka, pod states and metrics.
    All,
    /// Kafka and pod states.
    LagOnly,
}

impl Sight {
    /// Both, in the order of all tables.
    pub const ALL: [Self; 2] = [Self::All, Self::LagOnly];

    /// In the tables.
    pub const fn judge(self) -> &'static str {
        match self {
            Self::All => "Siskin",
            Self::LagOnly => "Siskin, lag only",
        }
    }
}

/// A judge of ours and what it said.
pub struct Ours {
    /// When it rolled back, and which signal or guard made it do so.
    pub fault: Option<(i64, &'static str)>,
    /// Whether its last word is Pass.
    pub passes: bool,
    /// Name of its last finding.
    pub finding: &'static str,
    judge: Judge,
    sight: Sight,
    settings: Settings,
    is_replaced: bool,
}

impl Ours {
    /// A judge that has seen the record of this group; what metrics it has is left out if the judge sees none.
    pub fn new(scenario: &Scenario, group: &ObservedGroup, sight: Sight) -> Self {
        let record = &group.record;
        let settings = Settings {
            interval: POLL * 1_000,
            warm_up: scenario.warm_up * 1_000,
            false_rollback_probability: ALPHA,
            minimum_evidence: siskin_analysis::MinimumEvidence::default(),
            user: std::sync::Arc::default(),
            remembered: group.remembered,
        };
        let judge = match sight {
            Sight::All => Judge::new(settings.clone(), record),
            Sight::LagOnly => Judge::new(settings.clone(), &bare_record(scenario, record)),
        };
        let is_replaced = scenario.source == Source::Restart;
        Self { fault: None, passes: false, finding: "", judge, sight, settings, is_replaced }
    }

    /// Takes the next look, unless it has rolled back. Who sees less takes it later: metrics that a
    /// judge does not see are not there afterwards.
    pub fn take(&mut self, seen: &mut Observation, second: i64) {
        if self.fault.is_some() {
            return;
        }
        if self.is_replaced && (REPLACED..REPLACED + POLL).contains(&second) {
            let again = Judge::resume(self.settings.clone(), &self.judge.save());
            self.judge = again.expect("a judge reads what it saved");
        }
        match self.sight {
            Sight::All => {}
            Sight::LagOnly => leave_metrics_out(seen),
        }
        self.judge.observe(seen);
        let finding = self.judge.find(START + second * 1_000, true);
        self.passes = finding.verdict() == Verdict::Pass;
        self.finding = finding.name();
        if let Finding::Fault(fault) = finding {
            self.fault = Some((second, fault.name()));
        }
    }
}

/// A record's looks without their metrics.
fn bare_record(scenario: &Scenario, record: &Record) -> Record {
    let mut bare = Record::new(scenario.record * 1_000);
    for mut look in record.observations() {
        leave_metrics_out(&mut look);
        bare.push(look);
    }
    bare
}

fn leave_metrics_out(seen: &mut Observation) {
    seen.pods.iter_mut().for_each(|pod| pod.metrics = None);
}
