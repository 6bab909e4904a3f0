//! What the judge was built on: faults, the worst of them also at low traffic, and healthy canaries.
//! Only a list. Its names and numbers are those of earlier reports, so that figures can be compared.

use crate::base::{ALWAYS, BASE, BATCHES, LATE};
use crate::mechanism::Mechanism;
use crate::scenario::{Counting, Dependency, Fault, Node, Offsets, Scenario, Source, Traffic};

/// Load of the scenarios of overload.
const HIGH: f64 = 0.85;
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
    use Mechanism as M;
    let fine = |mechanism, name| Scenario { name, mechanism, ..BASE };
    let seems = |mechanism, name, fault| Scenario { fault, ..fine(mechanism, name) };
    let through = |name, source| Scenario { source, ..fine(M::Sources, name) };
    let loaded = |name, load| Scenario { load, ..fine(M::LittleSpare, name) };
    let every = |name, commit| Scenario { commit, ..fine(M::Commits, name) };
    let quiet = |one| Scenario { capacity: LOW.0, load: LOW.1, ..one };
    let skewed =
        |name| Scenario { skew: 0.5, error_skew: 0.5, load: 0.5, ..fine(M::Partitions, name) };
    let batches = |one| Scenario { counting: Counting::Batch, ..one };
    let (commit, commit_spread) = BATCHES;
    let burst = Scenario { traffic: Traffic::Burst, ..fine(M::Traffic, "producer burst x2") };
    let keys = Scenario { traffic: Traffic::FewKeys, ..fine(M::Traffic, "bursts of few keys") };
    let exactly_once =
        Scenario { offsets: Offsets::Transactional, ..fine(M::Offsets, "exactly-once") };
    vec![
        fine(M::Chance, "identical"),
        loaded("load 0.92", 0.92),
        loaded("load 0.95", 0.95),
        seems(M::WarmUp, "slow warm-up", Fault::WarmUp),
        Scenario { traffic: Traffic::Diurnal, ..fine(M::Traffic, "diurnal") },
        burst,
        skewed("skewed partitions and errors"),
        Scenario { reshuffled: true, ..skewed("skewed and reshuffled") },
        Scenario { wander: 0.3, ..fine(M::Bursts, "pods' rates wander by 30 %") },
        quiet(fine(M::Traffic, "low traffic")),
        every("commits every 2 s", 2),
        every("commits every 15 s", 15),
        every("commits every 40 s", 40),
        seems(M::Restarts, "rolling rebalances", Fault::Rolling),
        seems(M::Chance, "faster canary", Fault::Faster),
        Scenario { batch: 20.0, ..fine(M::Bursts, "clustered errors") },
        Scenario { name: "skew and burst", skew: 0.4, load: 0.6, ..burst },
        seems(M::Restarts, "one eviction", Fault::Eviction),
        Scenario { onset: LATE, ..seems(M::Bursts, "everyone fails", Fault::Everyone) },
        through("10 min of source outage", Source::Outage),
        through("scrape gaps", Source::Gaps),
        through("counter resets", Source::Resets),
        through("operator restart", Source::Restart),
        Scenario { offsets: Offsets::Compacted, ..fine(M::Offsets, "compacted topic") },
        exactly_once,
        quiet(Scenario { name: "low traffic, exactly-once", ..exactly_once }),
        Scenario { node: Node::Shared, ..fine(M::Nodes, "slow node, shared by both") },
        Scenario { dependency: Dependency::Hiccups, ..fine(M::Bursts, "retried batches") },
        seems(M::Nodes, "another zone", Fault::FarZone),
        Scenario { load: 0.4, ..keys },
        Scenario { commit_spread: 60, ..every("batches of 60 to 120 s", 60) },
        batches(Scenario { commit_spread, ..every("counted by batches", commit) }),
        batches(seems(M::Commits, "counted by larger batches", Fault::LargerBatches)),
    ]
}
