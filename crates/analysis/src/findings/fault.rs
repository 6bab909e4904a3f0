//! Why a canary fails, in data and in a sentence for the engineer on call.
//! Nothing here decides.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::findings::effect::{BoundedValue, Effect, EffectWords};
use crate::findings::signal::Signal;
use crate::numbers::Millis;
use crate::observation::PartitionId;
use crate::settings::bound::{Against, Bound, Scope};
use crate::words::HumanDuration;

/// Why a canary fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Fault {
    /// A container is in `CrashLoopBackOff`, and those of primary pods were not.
    CrashLoop {
        /// The canary pod.
        pod: Arc<str>,
        /// The container; `None`: nobody said which one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        container: Option<Arc<str>>,
        /// Restarts of the container so far.
        restarts: u32,
    },
    /// One container crashed repeatedly, more often than those of primary pods.
    Crashes {
        /// The canary pod.
        pod: Arc<str>,
        /// The container; `None`: nobody said which one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        container: Option<Arc<str>>,
        /// Restarts of the container so far.
        restarts: u32,
    },
    /// Containers were killed for running out of memory.
    OutOfMemory {
        /// Kills over all canary pods that their status shows: 1 where the other end of a crash
        /// loop is not seen any more.
        kills: u32,
    },
    /// A pod that had been committing stopped, with messages waiting.
    Stalled {
        /// The partition that is stuck.
        partition: PartitionId,
        /// The pod that owns the partition.
        pod: Arc<str>,
        /// Watched milliseconds in which nothing was committed; rebalances don't count.
        quiet: Millis,
        /// Messages waiting.
        waiting: i64,
    },
    /// A pod never committed anything on a partition it was given.
    NoFirstCommit {
        /// The partition that is stuck.
        partition: PartitionId,
        /// The pod that owns the partition.
        pod: Arc<str>,
        /// Watched milliseconds since the assignment; rebalances don't count.
        quiet: Millis,
        /// Messages waiting.
        waiting: i64,
    },
    /// A pod went back far below what had been committed before it, and goes on from there: others'
    /// work is done a second time.
    Rewound {
        /// The partition that went back furthest.
        partition: PartitionId,
        /// The pod that owns the partition.
        pod: Arc<str>,
        /// Records by which it went back.
        records: i64,
    },
    /// The time lag grows faster than the primary's.
    Drifting {
        /// The partition with the most evidence.
        partition: PartitionId,
        /// The pod that owns the partition.
        pod: Arc<str>,
        /// Seconds of lag gained per second, beyond the primary's, over the latest windows.
        drift: f64,
        /// Time lag now, in seconds.
        lag_seconds: f64,
        /// Time lag in ten minutes if this goes on, in seconds.
        projected_seconds: f64,
    },
    /// The time lag grows although the pod works at less than the primary's full speed, and no primary is
    /// there to compare with.
    BehindAlone {
        /// The partition that is furthest behind.
        partition: PartitionId,
        /// The pod that owns the partition.
        pod: Arc<str>,
        /// Time lag now, in seconds.
        lag_seconds: f64,
        /// Time lag up to which all was normal before the trial, in seconds.
        normal_seconds: f64,
        /// Milliseconds for which it has grown.
        growing: Millis,
    },
    /// A user's metric was beyond a bound that the user set, more often than is tolerated.
    OutOfBounds {
        /// The metric.
        metric: Arc<str>,
        /// The canary's worst pod.
        pod: Arc<str>,
        /// The latest failing value: that pod's, or the canary's median over the primary's.
        value: f64,
        /// The bound that was crossed.
        bound: Bound,
        /// Whether the value is a pod's or a ratio of medians.
        against: Against,
        /// Whether the value is about the pods, or about the whole.
        #[serde(default, skip_serializing_if = "Scope::is_pods")]
        scope: Scope,
        /// Readings that failed, over the whole trial.
        readings: u32,
        /// Failing readings that are tolerated.
        limit: u32,
    },
    /// Another signal is worse than the primary's.
    Worse {
        /// The signal with the most evidence.
        signal: Signal,
        /// The canary pod with the largest effect.
        pod: Arc<str>,
        /// Size of the effect.
        effect: Effect,
    },
}

impl Fault {
    /// A name for metric labels and Event reasons, from a closed set.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CrashLoop { .. } => "CrashLoop",
            Self::Crashes { .. } => "Crashes",
            Self::OutOfMemory { .. } => "OutOfMemory",
            Self::Stalled { .. } => "Stalled",
            Self::NoFirstCommit { .. } => "NoFirstCommit",
            Self::Rewound { .. } => "Rewound",
            Self::Drifting { .. } => "Drifting",
            Self::BehindAlone { .. } => "BehindAlone",
            Self::OutOfBounds { .. } => "OutOfBounds",
            Self::Worse { signal, .. } => match signal {
                Signal::Lag => "Lag",
                Signal::Latency => "Latency",
                Signal::Cpu => "Cpu",
                Signal::Loss => "Loss",
                Signal::Errors => "Errors",
                Signal::Memory => "Memory",
                Signal::Yield => "Yield",
                Signal::Duplicates => "Duplicates",
                Signal::Restarts => "Restarts",
                Signal::Churn => "Churn",
                // Its name is the user's: no closed set.
                Signal::User(_) => "UserMetric",
            },
        }
    }

    /// Whether a guard found it: no statistics, and outside the error budget.
    #[must_use]
    pub const fn is_guard(&self) -> bool {
        match self {
            Self::CrashLoop { .. }
            | Self::Crashes { .. }
            | Self::OutOfMemory { .. }
            | Self::Stalled { .. }
            | Self::NoFirstCommit { .. }
            | Self::Rewound { .. }
            | Self::BehindAlone { .. }
            | Self::OutOfBounds { .. } => true,
            Self::Drifting { .. } | Self::Worse { .. } => false,
        }
    }
}

/// Messages that wait, in words. Where nobody ever committed it is not known how many do.
struct WhatWaits(i64);

impl Display for WhatWaits {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ..=0 => f.write_str("messages arrive"),
            waiting => write!(f, "{waiting} messages wait"),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrashLoop { pod, container, restarts } => {
                container_of(f, pod, container.as_deref())?;
                write!(f, " is in CrashLoopBackOff, restarts so far: {restarts}")
            }
            Self::Crashes { pod, container, restarts } => {
                container_of(f, pod, container.as_deref())?;
                write!(f, " restarted {restarts} times since it was created")
            }
            Self::OutOfMemory { kills: 1 } => {
                f.write_str("canary containers were killed once for running out of memory")
            }
            Self::OutOfMemory { kills } => {
                write!(f, "canary containers were killed {kills} times for running out of memory")
            }
            Self::Stalled { partition, pod, quiet, waiting } => write!(
                f,
                "{partition} is stuck: canary pod {pod} has committed nothing for {} while {}",
                HumanDuration(*quiet),
                WhatWaits(*waiting)
            ),
            Self::NoFirstCommit { partition, pod, quiet, waiting } => write!(
                f,
                "{partition} is stuck: canary pod {pod} got it {} ago and has committed nothing yet, while {}",
                HumanDuration(*quiet),
                WhatWaits(*waiting)
            ),
            Self::Rewound { partition, pod, records } => write!(
                f,
                "{partition} went back: canary pod {pod} commits {records} records below what had been committed before, and goes on from there"
            ),
            Self::Drifting { partition, pod, drift, lag_seconds, projected_seconds } => write!(
                f,
                "canary pod {pod} falls behind on {partition}: {} behind, each minute {} more than the primary, {} in ten minutes",
                HumanDuration::seconds(*lag_seconds),
                HumanDuration::seconds(drift * 60.0),
                HumanDuration::seconds(*projected_seconds)
            ),
            Self::BehindAlone { partition, pod, lag_seconds, normal_seconds, growing } => write!(
                f,
                "canary pod {pod} falls behind on {partition}: {} behind, growing for {}; up to {} was normal before the trial, and no primary is beside it",
                HumanDuration::seconds(*lag_seconds),
                HumanDuration(*growing),
                HumanDuration::seconds(*normal_seconds)
            ),
            Self::OutOfBounds { metric, pod, value, bound, against, scope, readings, limit } => {
                write!(f, "{metric}: {}", BoundedValue { value: *value, against: *against })?;
                match scope {
                    Scope::Pods => write!(f, " on pod {pod}")?,
                    Scope::Global => {}
                }
                write!(
                    f,
                    " is {bound}, {readings} readings (limit {limit}); the user set this bound, it is outside the budget of false rollbacks"
                )
            }
            Self::Worse { signal: signal @ Signal::User(name), pod, effect } => {
                write!(f, "{name}: {}, most on pod {pod}", EffectWords { signal, effect })
            }
            Self::Worse { signal, pod, effect } => {
                write!(
                    f,
                    "{signal} of the canary is worse than the primary's, most on pod {pod}: {effect}"
                )
            }
        }
    }
}

fn container_of(f: &mut Formatter<'_>, pod: &str, container: Option<&str>) -> fmt::Result {
    match container {
        Some(container) => write!(f, "container {container} of canary pod {pod}"),
        None => write!(f, "canary pod {pod}"),
    }
}
