//! Faults that an engineer on call expects to be found: small, slow, or hidden by batches.
//! They are found within ten minutes or missed; what the judge was built on is in `usual`.

use crate::base::{ALWAYS, BASE, LATE};
use crate::scenario::{Counting, Fault, Scenario, Traffic};
use crate::set::Set;

/// 600 messages a second, half of what the group can take.
const SIX_HUNDRED: Scenario = Scenario { capacity: 200.0, load: 0.5, bad: true, ..BASE };
/// A group whose pods count by batches of one to two minutes.
const BATCHES: Scenario = Scenario { record: 1_200, bad: true, ..batches(60, 60) };
/// One pod: nothing to compare with but the time before.
const ALONE: Scenario = Scenario { pods: 1, partitions: 4, record: 1_200, bad: true, ..BASE };
const MANY: Scenario = Scenario { capacity: 20_000.0, load: 0.5, bad: true, ..BASE };
const LARGE: Scenario = Scenario { pods: 20, partitions: 200, load: 0.85, bad: true, ..BASE };
const FAILS: Fault = Fault::Errors(1_000.0, ALWAYS);

const fn batches(commit: i64, commit_spread: i64) -> Scenario {
    Scenario { counting: Counting::Batch, commit, commit_spread, bad: true, ..BASE }
}

/// Faults that are to be found in 95 % of runs within ten minutes.
pub const EXPECTED: [&str; 13] = [
    "errors 0.001 to 0.1 %",
    "errors 0.01 to 0.1 %",
    "errors 0.1 to 1 %",
    "loses 0.05 %",
    "loses 0.05 %, 10,000 msg/s",
    "loses 0.2 %",
    "30 % slower, load 0.5",
    "processes 30 % twice, 600 msg/s",
    "memory +30 MiB/min, 600 msg/s",
    "CPU per message x2",
    "1 pod, half the speed",
    "1 pod, errors x10",
    "batches of 60 to 120 s, drops 2 %",
];

/// Total failures, each with the seconds of a batch.
pub const TOTAL: [(&str, u16); 5] = [
    ("all fail, batches of 15 to 20 s", 18),
    ("all fail, batches of 30 to 40 s", 35),
    ("all fail, batches of 60 to 120 s", 90),
    ("all fail, errors by 50", 0),
    ("all fail, 60,000 msg/s, rates wander by 30 %", 0),
];

/// All of them.
pub fn scenarios() -> Vec<Scenario> {
    let all = small().into_iter().chain(hidden()).chain(few_or_many());
    all.map(|(name, fault, one)| Scenario { name, fault, set: Set::Faults, ..one }).collect()
}

type Faulty = (&'static str, Fault, Scenario);

fn small() -> Vec<Faulty> {
    let usual = |errors| Scenario { errors, ..SIX_HUNDRED };
    let times = |ratio| Fault::Errors(ratio, ALWAYS);
    let ten_thousand = Scenario { capacity: 10_000.0 / 3.0, ..SIX_HUNDRED };
    vec![
        ("errors 0.001 to 0.1 %", times(100.0), usual(0.000_01)),
        ("errors 0.01 to 0.1 %", times(10.0), usual(0.000_1)),
        ("errors 0.1 to 1 %", times(10.0), usual(0.001)),
        ("errors 1 to 3 %, 600 msg/s", times(3.0), usual(0.01)),
        ("loses 0.05 %", Fault::Drops(0.000_5), SIX_HUNDRED),
        ("loses 0.05 %, 10,000 msg/s", Fault::Drops(0.000_5), ten_thousand),
        ("loses 0.2 %", Fault::Drops(0.002), SIX_HUNDRED),
        ("15 % slower, load 0.5", Fault::Slow(0.85), SIX_HUNDRED),
        ("30 % slower, load 0.5", Fault::Slow(0.7), SIX_HUNDRED),
        (
            "30 % slower, nodes differ by 10 %",
            Fault::Slow(0.7),
            Scenario { node_spread: 0.1, ..SIX_HUNDRED },
        ),
        ("processes 30 % twice, 600 msg/s", Fault::Reprocesses(0.3), SIX_HUNDRED),
        ("memory +30 MiB/min, 600 msg/s", Fault::Memory, SIX_HUNDRED),
        ("CPU per message x2", Fault::Cpu(2.0, ALWAYS), SIX_HUNDRED),
        ("CPU per message x3", Fault::Cpu(3.0, ALWAYS), SIX_HUNDRED),
        ("CPU per message x1.5", Fault::Cpu(1.5, ALWAYS), SIX_HUNDRED),
    ]
}

fn hidden() -> Vec<Faulty> {
    let clusters = |batch| Scenario { batch, bad: true, ..BASE };
    vec![
        ("all fail, batches of 15 to 20 s", FAILS, batches(15, 5)),
        ("all fail, batches of 30 to 40 s", FAILS, batches(30, 10)),
        ("all fail, batches of 60 to 120 s", FAILS, BATCHES),
        ("batches of 60 to 120 s, errors x10", Fault::Errors(10.0, ALWAYS), BATCHES),
        ("batches of 60 to 120 s, errors x2", Fault::Errors(2.0, ALWAYS), BATCHES),
        ("batches of 60 to 120 s, drops 2 %", Fault::Drops(0.02), BATCHES),
        ("all fail, errors by 50", FAILS, clusters(50.0)),
        ("errors x10, by 20", Fault::Errors(10.0, ALWAYS), clusters(20.0)),
        ("errors x10, by 50", Fault::Errors(10.0, ALWAYS), clusters(50.0)),
    ]
}

fn few_or_many() -> Vec<Faulty> {
    let two = |load| Scenario { pods: 2, partitions: 8, load, bad: true, ..BASE };
    let wander = |wander| Scenario { wander, ..MANY };
    let keys = Scenario { traffic: Traffic::FewKeys, ..LARGE };
    vec![
        ("1 pod, half the speed", Fault::Slow(0.5), ALONE),
        ("1 pod, errors x10", Fault::Errors(10.0, ALWAYS), ALONE),
        ("1 pod, half the speed, late", Fault::Slow(0.5), Scenario { onset: LATE, ..ALONE }),
        ("2 pods, errors x2", Fault::Errors(2.0, ALWAYS), two(0.7)),
        ("2 pods, CPU per message x2", Fault::Cpu(2.0, ALWAYS), two(0.5)),
        ("2 pods, 30 % slower, load 0.5", Fault::Slow(0.7), two(0.5)),
        ("20 pods, 200 partitions, 30 % slower", Fault::Slow(0.7), LARGE),
        ("20 pods, 200 partitions, few keys, 30 % slower", Fault::Slow(0.7), keys),
        ("all fail, 60,000 msg/s, rates wander by 30 %", FAILS, wander(0.3)),
        ("60,000 msg/s, rates wander by 10 %, errors x2", Fault::Errors(2.0, ALWAYS), wander(0.1)),
        (
            "60,000 msg/s, rates wander by 30 %, errors x10",
            Fault::Errors(10.0, ALWAYS),
            wander(0.3),
        ),
    ]
}
