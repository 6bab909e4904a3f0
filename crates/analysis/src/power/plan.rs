//! What is planned: the group as it is expected to work, and the steps of a rollout.
//! Data only; nothing is estimated here.

use crate::numbers::Millis;

/// The probability with which an effect is found that is called detectable.
pub const POWER: f64 = 0.9;

/// The group as it is expected to work while the rollout runs. All partitions and pods get the
/// same share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Pods of both roles together. 0 counts as 1.
    pub consumers: u32,
    /// Partitions of all topics. 0 counts as 1.
    pub partitions: u32,
    /// Messages per second of the whole group, above 0.
    pub rate: f64,
    /// Time between the commits of a pod, in milliseconds.
    pub commit_interval: Millis,
    /// What the application exports; `None`: the judge has Kafka and Kubernetes alone.
    pub metrics: Option<BaseRates>,
}

/// Rates of the primary, in events per message, from 0 to 1. Lost are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseRates {
    /// Messages that fail.
    pub errors: f64,
    /// Messages slower than the bucket edge that is compared.
    pub slow: f64,
}

/// One step of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// Canary pods.
    pub canary: u32,
    /// Least time at the step, in milliseconds, from where the pods are ready and have joined.
    pub hold: Millis,
    /// Longest time without a Pass.
    pub max_hold: Millis,
}

/// A step as the counts see it: how many canary pods, for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) canary: u32,
    pub(crate) length: Millis,
}
