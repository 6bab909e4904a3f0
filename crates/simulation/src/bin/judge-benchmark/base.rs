//! What scenarios have in common: a group of six pods, and the numbers that several lists share.
//! It names no scenario.

use crate::mechanism::Mechanism;
use crate::scenario::{
    CommitPhase, Counting, Dependency, Fault, HealthyTrouble, Node, Offsets, Scenario, Source,
    Start, Traffic,
};
use crate::set::Set;

/// What all scenarios have in common that don't say otherwise.
pub const BASE: Scenario = Scenario {
    name: "",
    set: Set::Usual,
    bad: false,
    mechanism: Mechanism::Chance,
    pods: 6,
    partitions: 24,
    canaries: [1, 1],
    record: 600,
    remembered: 0,
    warm_up: 30,
    load: 0.7,
    capacity: 300.0,
    commit: 5,
    commit_spread: 0,
    phase: CommitPhase::Own,
    skew: 0.15,
    errors: 0.01,
    error_skew: 0.0,
    batch: 1.0,
    heavy_tail: false,
    node_spread: 0.0,
    cpu_spread: 0.05,
    cpu_wander: 0.1,
    cost_spread: 0.0,
    dear: 1.0,
    wander: 0.0,
    reshuffled: false,
    counting: Counting::Message,
    traffic: Traffic::Steady,
    offsets: Offsets::Dense,
    node: Node::Fair,
    dependency: Dependency::Steady,
    start: Start::Full,
    trouble: HealthyTrouble::None,
    fault: Fault::None,
    onset: 0,
    source: Source::Steady,
};

/// Seconds for which a fault lasts that doesn't end.
pub const ALWAYS: i64 = 1_000_000;
/// When late faults begin.
pub const LATE: i64 = 600;
/// Seconds from one batch to the next, and how many more, where outcomes are counted by the batch.
pub const BATCHES: (i64, i64) = (3, 6);
