//! All scenarios of the benchmark, by name, in the order of the tables.
//! Only a list; what a scenario is, and what its parts stand for, `scenario` says.

use crate::scenario::{Counting, Dependency, Fault, Node, Offsets, Scenario, Source, Traffic};

/// What all scenarios have in common that don't say otherwise.
pub const BASE: Scenario = Scenario {
    name: "",
    bad: false,
    load: 0.7,
    capacity: 300.0,
    commit: 5,
    commit_spread: 0,
    skew: 0.15,
    error_skew: 0.0,
    batch: 1.0,
    wander: 0.0,
    reshuffled: false,
    counting: Counting::Message,
    traffic: Traffic::Steady,
    offsets: Offsets::Dense,
    node: Node::Fair,
    dependency: Dependency::Steady,
    fault: Fault::None,
    onset: 0,
    source: Source::Steady,
};

/// Seconds for which a fault lasts that doesn't end.
pub const ALWAYS: i64 = 1_000_000;
/// When late faults begin.
const LATE: i64 = 600;
/// Load of the scenarios of overload.
const HIGH: f64 = 0.85;
/// Seconds from one batch to the next, and how many more, where outcomes are counted by the batch.
const BATCHES: (i64, i64) = (3, 6);
/// Capacity and load for 0.6 messages a second per pod.
const LOW: (f64, f64) = (300.0, 0.002);

/// All scenarios, in the order of the tables.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = bad();
    let quiet = all.iter().filter(|one| LOW_TOO.contains(&one.name)).map(|one| {
        let (capacity, load) = LOW;
        Scenario { name: low_name(one.name), load, capacity, ..*one }
    });
    let quiet: Vec<Scenario> = quiet.collect();
    all.extend(quiet);
    all.extend(good());
    all
}

fn bad() -> Vec<Scenario> {
    let fault = |name, fault| Scenario { name, bad: true, fault, ..BASE };
    let slow = |name, part, load| Scenario { load, ..fault(name, Fault::Slow(part)) };
    vec![
        fault("stall", Fault::Stall),
        fault("poison pill on one partition", Fault::Poison),
        slow("30 % slower, load 0.85", 0.7, HIGH),
        slow("30 % slower, load 0.60", 0.7, 0.6),
        slow("15 % slower, load 0.92", 0.85, 0.92),
        slow("10 % slower, load 0.95", 0.90, 0.95),
        slow("5 % slower, load 0.95", 0.95, 0.95),
        Scenario { onset: LATE, ..fault("10 % capacity deficit, late", Fault::Deficit(0.9)) },
        Scenario { load: 0.95, ..fault("5 % capacity deficit, load 0.95", Fault::Deficit(0.95)) },
        Scenario { load: HIGH, ..fault("capacity leak 1 %/min, load 0.85", Fault::Leak) },
        fault("errors 1 to 2 %", Fault::Errors(2.0, ALWAYS)),
        Scenario { onset: LATE, ..fault("errors 1 to 2 %, late", Fault::Errors(2.0, ALWAYS)) },
        Scenario { onset: LATE, ..fault("errors 1 to 10 % for 60 s", Fault::Errors(10.0, 60)) },
        fault("all messages fail", Fault::Errors(1_000.0, ALWAYS)),
        fault("rebalance storm", Fault::Storm),
        fault("memory +30 MiB/min", Fault::Memory),
        Scenario { onset: LATE, ..fault("drops 2 % silently", Fault::Drops(0.02)) },
        fault("commits 30 % without work", Fault::Skips(0.3)),
        fault("crash loop", Fault::CrashLoop),
        fault("hot partition", Fault::HotPartition),
        Scenario {
            onset: LATE,
            offsets: Offsets::Compacted,
            ..fault("compacted topic, drops 2 % silently", Fault::Drops(0.02))
        },
        Scenario {
            onset: LATE,
            counting: Counting::Batch,
            commit: BATCHES.0,
            commit_spread: BATCHES.1,
            ..fault("counted by batches, drops 2 %", Fault::Drops(0.02))
        },
        Scenario {
            onset: LATE,
            offsets: Offsets::Transactional,
            ..fault("exactly-once, aborts in a loop", Fault::Aborts)
        },
        fault("retry storm", Fault::Retries),
        Scenario { load: HIGH, ..fault("stops 5 s of 30 s, load 0.85", Fault::Pauses) },
        fault("processes 30 % twice", Fault::Reprocesses(0.3)),
        Scenario { node: Node::CanaryAlone, ..fault("slow node under the canary", Fault::None) },
    ]
}

/// Bad scenarios that are also tried at low traffic.
const LOW_TOO: [&str; 7] = [
    "stall",
    "30 % slower, load 0.85",
    "errors 1 to 2 %",
    "all messages fail",
    "drops 2 % silently",
    "commits 30 % without work",
    "crash loop",
];

fn low_name(name: &str) -> &'static str {
    match name {
        "stall" => "low traffic: stall",
        "30 % slower, load 0.85" => "low traffic: 30 % slower",
        "errors 1 to 2 %" => "low traffic: errors 1 to 2 %",
        "all messages fail" => "low traffic: all messages fail",
        "drops 2 % silently" => "low traffic: drops 2 %",
        "commits 30 % without work" => "low traffic: commits without work",
        _ => "low traffic: crash loop",
    }
}

fn good() -> Vec<Scenario> {
    let fine = |name| Scenario { name, ..BASE };
    let seems = |name, fault| Scenario { fault, ..fine(name) };
    let through = |name, source| Scenario { source, ..fine(name) };
    let (capacity, load) = LOW;
    vec![
        fine("identical"),
        Scenario { load: 0.92, ..fine("load 0.92") },
        Scenario { load: 0.95, ..fine("load 0.95") },
        seems("slow warm-up", Fault::WarmUp),
        Scenario { traffic: Traffic::Diurnal, ..fine("diurnal") },
        Scenario { traffic: Traffic::Burst, ..fine("producer burst x2") },
        Scenario { skew: 0.5, error_skew: 0.5, load: 0.5, ..fine("skewed partitions and errors") },
        Scenario {
            skew: 0.5,
            error_skew: 0.5,
            load: 0.5,
            reshuffled: true,
            ..fine("skewed and reshuffled")
        },
        Scenario { wander: 0.3, ..fine("pods' rates wander by 30 %") },
        Scenario { load, capacity, ..fine("low traffic") },
        Scenario { commit: 2, ..fine("commits every 2 s") },
        Scenario { commit: 15, ..fine("commits every 15 s") },
        Scenario { commit: 40, ..fine("commits every 40 s") },
        seems("rolling rebalances", Fault::Rolling),
        seems("faster canary", Fault::Faster),
        Scenario { batch: 20.0, ..fine("clustered errors") },
        Scenario { skew: 0.4, load: 0.6, traffic: Traffic::Burst, ..fine("skew and burst") },
        seems("one eviction", Fault::Eviction),
        Scenario { onset: LATE, ..seems("everyone fails", Fault::Everyone) },
        through("10 min of source outage", Source::Outage),
        through("scrape gaps", Source::Gaps),
        through("counter resets", Source::Resets),
        through("operator restart", Source::Restart),
        Scenario { offsets: Offsets::Compacted, ..fine("compacted topic") },
        Scenario { offsets: Offsets::Transactional, ..fine("exactly-once") },
        Scenario {
            offsets: Offsets::Transactional,
            load,
            capacity,
            ..fine("low traffic, exactly-once")
        },
        Scenario { node: Node::Shared, ..fine("slow node, shared by both") },
        Scenario { dependency: Dependency::Hiccups, ..fine("retried batches") },
        seems("another zone", Fault::FarZone),
        Scenario { traffic: Traffic::FewKeys, load: 0.4, ..fine("bursts of few keys") },
        Scenario { commit: 60, commit_spread: 60, ..fine("batches of 60 to 120 s") },
        Scenario {
            counting: Counting::Batch,
            commit: BATCHES.0,
            commit_spread: BATCHES.1,
            ..fine("counted by batches")
        },
        Scenario {
            counting: Counting::Batch,
            ..seems("counted by larger batches", Fault::LargerBatches)
        },
    ]
}
