//! How fast a primary pod, or one of its partitions, has been seen to work.
//! A canary that works as fast and still falls behind is overloaded, not broken.

use crate::blocks::Pace;
use crate::column::index;
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
    /// Learns from a block. A pod has a backlog if one of its partitions stays behind.
    pub(crate) fn learn(&mut self, block: &[Pace]) {
        let primary = || block.iter().filter(|pace| pace.consumer.role == Role::Primary);
        let all = primary().map(|pace| index(pace.consumer.number) + 1).max().unwrap_or(0);
        // By the number of the pod: its rate, and whether it has a backlog.
        let mut pods = vec![(0.0, false); all];
        for pace in primary() {
            self.partition = self.partition.max(pace.rate);
            let (rate, backlog) = &mut pods[index(pace.consumer.number)];
            *rate += pace.rate;
            *backlog |= pace.behind;
        }
        self.any_pod = pods.iter().map(|(rate, _)| *rate).fold(self.any_pod, f64::max);
        let saturated = pods.iter().filter(|(_, backlog)| *backlog).map(|(rate, _)| *rate);
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
