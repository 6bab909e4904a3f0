//! How fast a primary pod, or one of its partitions, has been seen to work.
//! A canary that works as fast and still falls behind is overloaded, not broken.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lag_windows::Standing;
use crate::observation::{Millis, Role};

/// Rates are compared over blocks of this length: long enough for several commits.
pub(crate) const BLOCK: Millis = 20_000;
/// From this part of the fastest rate on, a consumer counts as working at full speed.
const FULL_SPEED: f64 = 0.85;

/// The fastest rates of the primary so far, in messages per second; 0 while unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Capacity {
    /// Of a pod that had a backlog meanwhile: without one a rate says what arrived, not what the
    /// pod can do.
    pub(crate) pod: f64,
    /// Of any partition: a hot key is as fast as one partition can be.
    pub(crate) partition: f64,
}

impl Capacity {
    /// Learns from a block. A pod has a backlog if one of its partitions stays behind by more
    /// than `commit_gap` seconds, which is more than waiting for the next commit explains.
    pub(crate) fn learn(&mut self, block: &[Standing], commit_gap: f64) {
        let mut pods: BTreeMap<&Arc<str>, (f64, bool)> = BTreeMap::new();
        for standing in block.iter().filter(|one| one.consumer.role == Role::Primary) {
            self.partition = self.partition.max(standing.rate);
            let (rate, backlog) = pods.entry(&standing.consumer.pod).or_default();
            *rate += standing.rate;
            *backlog |= standing.lag > commit_gap + 1.0;
        }
        let saturated = pods.values().filter(|(_, backlog)| *backlog).map(|(rate, _)| *rate);
        self.pod = saturated.fold(self.pod, f64::max);
    }

    /// Whether a partition, or the pod that owns it, works at full speed.
    pub(crate) fn excuses(&self, partition_rate: f64, pod_rate: f64) -> bool {
        let full = |rate: f64, fastest: f64| fastest > 0.0 && rate >= FULL_SPEED * fastest;
        full(pod_rate, self.pod) || full(partition_rate, self.partition)
    }
}
