//! Why a healthy canary can look like a bad one: what false rollbacks are pooled by.
//! Only names; what happens in a scenario, `scenario` says.

use serde::Serialize;

/// What makes a healthy canary look different from the primary. False rollbacks are pooled by it:
/// over scenarios in which nothing happens every judge looks good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Mechanism {
    /// Nothing but chance.
    Chance,
    /// Little of the capacity is spare.
    LittleSpare,
    /// A new pod is slow at first.
    WarmUp,
    /// Nodes and their neighbours.
    Nodes,
    /// Few pods to compare with.
    FewPods,
    /// How much traffic a partition has.
    Partitions,
    /// What is in the partitions: no judge can tell it from the version before roles are exchanged.
    Data,
    /// Pods that stop now and then, or swing.
    Stops,
    /// Errors in bursts, and rates that wander.
    Bursts,
    /// Restarts, replacements, rebalances.
    Restarts,
    /// Traffic that comes and goes.
    Traffic,
    /// When offsets are committed and outcomes counted.
    Commits,
    /// What offsets count beside messages.
    Offsets,
    /// What of the observations arrives.
    Sources,
}

impl Mechanism {
    /// All, in the order of the tables.
    pub const ALL: [Self; 14] = [
        Self::Chance,
        Self::LittleSpare,
        Self::WarmUp,
        Self::Nodes,
        Self::FewPods,
        Self::Partitions,
        Self::Data,
        Self::Stops,
        Self::Bursts,
        Self::Restarts,
        Self::Traffic,
        Self::Commits,
        Self::Offsets,
        Self::Sources,
    ];

    /// For the tables.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Chance => "nothing but chance",
            Self::LittleSpare => "little capacity is spare",
            Self::WarmUp => "a new pod is slow at first",
            Self::Nodes => "nodes and neighbors",
            Self::FewPods => "few pods to compare with",
            Self::Partitions => "uneven traffic of partitions",
            Self::Data => "what is in the partitions",
            Self::Stops => "pods that stop or swing",
            Self::Bursts => "errors in bursts, rates that wander",
            Self::Restarts => "restarts, replacements, rebalances",
            Self::Traffic => "traffic that comes and goes",
            Self::Commits => "commits and batches",
            Self::Offsets => "offsets that count more than messages",
            Self::Sources => "observations that don't arrive",
        }
    }
}
