//! How fast a primary pod, or one of its partitions, has been seen to work.
//! A canary that works as fast and still falls behind is overloaded, not broken.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::constants::Constant;
use crate::lag::blocks::{Blocks, Worked};
use crate::lag::roster::Roster;
use crate::normal::margins::Margins;
use crate::numbers::{Millis, count, median, whole_polls};
use crate::observation::Role;

/// Length of the blocks over which rates are compared: long enough for several commits.
pub(crate) const RATE_BLOCK: Millis = 20_000;
/// Part of the rate of the primary's fastest partition from which a partition works at full speed.
/// Partitions have no pace, only a fastest block.
const FULL_SPEED_OF_PARTITION: f64 = 0.85;
/// Part of the rate of the primary's fastest pod from which a pod works at full speed, where no pod
/// was seen with a backlog, so that only a lower bound of what one can do is known. A canary with a
/// deficit of 10 % stays below it: the fastest block of several pods is 2 % or more above their
/// average. With 0.90, 15 of 2,000 healthy canaries under a diurnal load are rolled back, not 9.
const FULL_SPEED_UNSATURATED: f64 = 0.88;

/// Primary pods with a pace that make a median.
const ENOUGH_PACES: usize = 3;

/// Blocks with a backlog that make a pace: one minute.
const ENOUGH_BLOCKS: i64 = 3;
/// Blocks over which a pace is a mean, more or less: five minutes. Earlier blocks are forgotten.
pub(crate) const PACE_BLOCKS: i64 = 15;

/// The fastest rates of the primary so far, in messages per second; 0 while unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Capacity {
    /// The fastest pace of a pod that had a backlog meanwhile: without one a rate says what
    /// arrived, not what the pod can do.
    pub(crate) pod: f64,
    /// The fastest rate of a pod, with a backlog or without.
    pub(crate) any_pod: f64,
    /// The fastest rate of a partition: a hot key is as fast as one partition can be.
    pub(crate) partition: f64,
    /// Paces of the primary pods that had a backlog.
    pub(crate) paces: Paces,
}

/// The rate at which each pod works while it has a backlog: a mean over minutes, since that of a
/// single block says more about commits and pauses than about the pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Paces(BTreeMap<Arc<str>, Pace>);

/// Pace of one pod, in messages per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pace {
    rate: f64,
    blocks: i64,
}

impl Capacity {
    /// Adds a block. A pod has a backlog if one of its partitions stays behind.
    pub(crate) fn add(&mut self, block: &[Worked], roster: &Roster) {
        let primary = || block.iter().filter(|one| one.consumer.role == Role::Primary).copied();
        self.partition = primary().map(|one| one.rate).fold(self.partition, f64::max);
        let works = works(primary(), roster);
        self.any_pod = works.values().map(|work| work.rate).fold(self.any_pod, f64::max);
        self.paces.add(&works);
        self.pod = self.paces.known().fold(self.pod, f64::max);
    }

    /// Whether a partition, or the pod that owns it, works at full speed.
    pub(crate) fn excuses(&self, partition_rate: f64, pod_rate: f64) -> bool {
        let reaches = |rate: f64, fastest: f64, part: f64| fastest > 0.0 && rate >= part * fastest;
        let pod = if self.pod > 0.0 {
            reaches(pod_rate, self.pod, 1.0 - Constant::SlowerThanFullSpeed.value())
        } else {
            reaches(pod_rate, self.any_pod, FULL_SPEED_UNSATURATED)
        };
        let usual = 1.0 - Constant::SlowerThanMedian.value();
        pod || self.paces.usual().is_some_and(|pace| reaches(pod_rate, pace, usual))
            || reaches(partition_rate, self.partition, FULL_SPEED_OF_PARTITION)
    }
}

impl Paces {
    /// Adds the work of pods in a block, and forgets pods that did nothing.
    pub(crate) fn add(&mut self, works: &BTreeMap<&Arc<str>, Worked>) {
        self.0.retain(|pod, _| works.contains_key(pod));
        for (pod, work) in works.iter().filter(|(_, work)| work.behind) {
            let pace = self.0.entry((*pod).clone()).or_default();
            pace.blocks = (pace.blocks + 1).min(PACE_BLOCKS);
            pace.rate += (work.rate - pace.rate) / count(pace.blocks);
        }
    }

    /// The median pace; `None`: too few pods had a backlog for long enough.
    fn usual(&self) -> Option<f64> {
        let mut known: Vec<f64> = self.known().collect();
        median(&mut known).filter(|_| known.len() >= ENOUGH_PACES)
    }

    fn known(&self) -> impl Iterator<Item = f64> {
        let known = self.0.values().filter(|pace| pace.blocks >= ENOUGH_BLOCKS);
        known.map(|pace| pace.rate)
    }

    /// Pace of one pod; `None`: it was never seen with a backlog.
    pub(crate) fn of(&self, pod: &Arc<str>) -> Option<f64> {
        self.0.get(pod).map(|pace| pace.rate)
    }
}

/// Work of each pod in a block, over all its partitions: behind if one of these is.
pub(crate) fn works(
    partitions: impl Iterator<Item = Worked>,
    roster: &Roster,
) -> BTreeMap<&Arc<str>, Worked> {
    let mut pods: Vec<Option<Worked>> = vec![None; roster.numbers()];
    for one in partitions {
        match &mut pods[one.consumer.number.index()] {
            Some(sum) => {
                sum.rate += one.rate;
                sum.behind |= one.behind;
            }
            pod @ None => *pod = Some(one),
        }
    }
    pods.into_iter().flatten().map(|work| (roster.name(work.consumer), work)).collect()
}

/// Blocks in which a partition is behind if it has a backlog.
pub(crate) fn blocks(margins: &Margins, interval: Millis) -> Blocks {
    Blocks::new(whole_polls(RATE_BLOCK, interval), interval, margins.backlog_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_paces(rates: &[f64]) -> Capacity {
        let pace = |(pod, rate): (usize, &f64)| {
            (Arc::from(format!("pod-{pod}")), Pace { rate: *rate, blocks: ENOUGH_BLOCKS })
        };
        let paces = Paces(rates.iter().enumerate().map(pace).collect());
        let fastest = paces.known().fold(0.0, f64::max);
        Capacity { pod: fastest, any_pod: fastest, partition: fastest, paces }
    }

    #[test]
    fn one_lucky_primary_pod_makes_no_canary_slow() {
        let lucky = with_paces(&[276.0, 287.0, 301.0, 303.0, 345.0]);
        assert!(lucky.excuses(60.0, 273.0), "a tenth slower than most");
        assert!(!lucky.excuses(60.0, 255.0), "slower than all");
        let few = with_paces(&[301.0, 345.0]);
        assert!(!few.excuses(60.0, 273.0), "two pods have no median");
    }
}
