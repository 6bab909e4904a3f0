//! Rollouts of two steps, until they are through: which groups, and how much traffic.
//! The plan itself is the same for all of them, and `plan` knows it.

use crate::base::BASE;
use crate::scenario::{Fault, HealthyTrouble, Scenario, Traffic};
use crate::set::Set;

/// A group and its traffic.
#[derive(Clone, Copy, Debug)]
pub struct PlanCase {
    /// Messages per second of the group.
    pub rate: f64,
    /// The group. Its name is empty where the numbers say all.
    pub scenario: Scenario,
}

/// Groups by their pods, the canary's pods at both steps, and their partitions.
const GROUPS: [(usize, [usize; 2], &[usize]); 5] = [
    (20, [1, 10], &[50, 200]),
    (10, [1, 5], &[12, 200]),
    (6, [1, 3], &[12, 50, 200]),
    (2, [1, 1], &[3, 12, 200]),
    (1, [1, 1], &[4]),
];
/// Messages per second of the group.
const RATES: [f64; 4] = [1.0, 10.0, 100.0, 1_000.0];

/// What the cases have in common: half of the capacity is spare, the record is what the operator
/// keeps, and `warmUp` is its default.
const GROUP: Scenario = Scenario { set: Set::Plans, load: 0.5, record: 1_200, warm_up: 60, ..BASE };

/// The grid: every group at every rate, and cases that are no matter of size.
pub fn cases() -> Vec<PlanCase> {
    let sizes = GROUPS.iter().flat_map(|(pods, canaries, partitions)| {
        partitions.iter().map(|partitions| Scenario {
            pods: *pods,
            partitions: *partitions,
            canaries: *canaries,
            ..GROUP
        })
    });
    let grid = sizes.flat_map(|scenario| RATES.map(|rate| PlanCase::new(rate, &scenario)));
    grid.chain(special()).collect()
}

fn special() -> impl Iterator<Item = PlanCase> {
    let six = Scenario { canaries: [1, 3], ..GROUP };
    let cron = |period, length| Traffic::Cron { period, length };
    let drops = Scenario { bad: true, fault: Fault::Drops(0.02), ..six };
    let cases = [
        ("no errors in the record", 100.0, Scenario { errors: 0.0, ..six }),
        (
            "no errors in the record, 2 pods",
            10.0,
            Scenario { errors: 0.0, pods: 2, canaries: [1, 1], partitions: 3, ..GROUP },
        ),
        ("one restart at 20 s", 100.0, Scenario { trouble: HealthyTrouble::OneRestart(20), ..six }),
        ("dealt anew at each step", 100.0, Scenario { reshuffled: true, ..six }),
        ("cron: 15 s of every 5 min", 100.0, Scenario { traffic: cron(300, 15), ..six }),
        ("cron: 20 s of every 10 min", 10.0, Scenario { traffic: cron(600, 20), ..six }),
        ("commits every 15 min", 100.0, Scenario { commit: 900, ..six }),
        ("commits every hour", 100.0, Scenario { commit: 3_600, ..six }),
        ("batches of 60 to 120 s", 100.0, Scenario { commit: 60, commit_spread: 60, ..six }),
        ("drops 2 %", 10.0, drops),
        ("drops 2 %, commits every 15 min", 100.0, Scenario { commit: 900, ..drops }),
    ];
    cases
        .into_iter()
        .map(|(name, rate, scenario)| PlanCase::new(rate, &Scenario { name, ..scenario }))
}

impl PlanCase {
    fn new(rate: f64, scenario: &Scenario) -> Self {
        let capacity = rate / scenario.pods as f64 / scenario.load;
        Self { rate, scenario: Scenario { capacity, ..*scenario } }
    }

    /// Its pods and partitions in words.
    pub fn size(&self) -> String {
        let Scenario { pods, partitions, .. } = self.scenario;
        format!("{pods} pod{}, {partitions} partitions", if pods == 1 { "" } else { "s" })
    }

    /// Name in the tables.
    pub fn name(&self) -> String {
        let of_case = match self.scenario.name {
            "" => String::new(),
            name => format!("{name}: "),
        };
        format!("{of_case}{}, {} msg/s", self.size(), self.rate)
    }
}
