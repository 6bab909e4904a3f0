//! How large the simulated group is, in every scenario.
//! Numbers alone.

/// Pods of the group; the last one becomes the canary.
pub const PODS: usize = 6;
/// Its index.
pub const CANARY: usize = PODS - 1;
/// Partitions of the group.
pub const PARTITIONS: usize = 24;
