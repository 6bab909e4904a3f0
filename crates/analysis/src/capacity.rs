//! How fast a primary pod, or one of its partitions, has been seen to work.
//! A canary that works as fast and still falls behind is overloaded, not broken.

use std::collections::HashMap;
use std::sync::Arc;

use crate::lag_windows::Standing;
use crate::observation::{Millis, Role};

/// Rates are compared over blocks of this length: long enough for several commits.
pub(crate) const BLOCK: Millis = 20_000;
/// From this part of the fastest rate on, a consumer counts as working at full speed.
const FULL_SPEED: f64 = 0.85;
/// The same where no primary pod was seen with a backlog, so that only a lower bound of what one
/// can do is known. A canary with a deficit of 10 % stays below it: the fastest of several pods
/// is above the average by more than chance takes a slow one up.
const FULL_SPEED_UNSATURATED: f64 = 0.90;

/// The fastest rates of the primary so far, in messages per second; 0 while unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Capacity {
    /// Of a pod that had a backlog meanwhile: without one a rate says what arrived, not what the
    /// pod can do.
    pub(crate) pod: f64,
    /// Of a pod, backlog or not.
    pub(crate) any_pod: f64,
    /// Of any partition: a hot key is as fast as one partition can be.
    pub(crate) partition: f64,
}

impl Capacity {
    /// Learns from a block. A pod has a backlog if one of its partitions stays behind by more
    /// than `commit_gap` seconds, which is more than waiting for the next commit explains.
    pub(crate) fn learn(&mut self, block: &[Standing], commit_gap: f64) {
        // In any order: only the largest is of interest.
        let mut pods: HashMap<&Arc<str>, (f64, bool)> = HashMap::new();
        for standing in block.iter().filter(|one| one.consumer.role == Role::Primary) {
            self.partition = self.partition.max(standing.rate);
            let (rate, backlog) = pods.entry(&standing.consumer.pod).or_default();
            *rate += standing.rate;
            *backlog |= standing.lag > commit_gap + 1.0;
        }
        self.any_pod = pods.values().map(|(rate, _)| *rate).fold(self.any_pod, f64::max);
        let saturated = pods.values().filter(|(_, backlog)| *backlog).map(|(rate, _)| *rate);
        self.pod = saturated.fold(self.pod, f64::max);
    }

    /// Whether a partition, or the pod that owns it, works at full speed.
    pub(crate) fn excuses(&self, partition_rate: f64, pod_rate: f64) -> bool {
        let reaches = |rate: f64, fastest: f64, part: f64| fastest > 0.0 && rate >= part * fastest;
        let pod = if self.pod > 0.0 {
            reaches(pod_rate, self.pod, FULL_SPEED)
        } else {
            reaches(pod_rate, self.any_pod, FULL_SPEED_UNSATURATED)
        };
        pod || reaches(partition_rate, self.partition, FULL_SPEED)
    }
}
