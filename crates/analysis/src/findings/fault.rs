//! Why a canary fails, in data and in a sentence for the engineer on call.
//! Nothing here decides.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::findings::effect::{BoundedValue, Effect, of_user};
use crate::findings::signal::Signal;
use crate::numbers::{Millis, is_default};
use crate::observation::PartitionId;
use crate::settings::bound::{Against, Bound, Scope};
use crate::words::HumanDuration;

/// Why a canary fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error, IntoStaticStr)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Fault {
    /// A container is in `CrashLoopBackOff`, and those of primary pods were not.
    #[error(
        "{} is in CrashLoopBackOff, restarts so far: {restarts}",
        container_of(.pod, .container.as_deref())
    )]
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
    #[error(
        "{} restarted {restarts} times since it was created",
        container_of(.pod, .container.as_deref())
    )]
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
    #[error("canary containers were killed {} for running out of memory", times(*.kills))]
    OutOfMemory {
        /// Kills over all canary pods that their status shows: 1 where the other end of a crash
        /// loop is not seen any more.
        kills: u32,
    },
    /// A pod that had been committing stopped, with messages waiting.
    #[error(
        "{partition} is stuck: canary pod {pod} has committed nothing for {} while {}",
        HumanDuration(*.quiet),
        what_waits(*.waiting)
    )]
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
    #[error(
        "{partition} is stuck: canary pod {pod} got it {} ago and has committed nothing yet, \
         while {}",
        HumanDuration(*.quiet),
        what_waits(*.waiting)
    )]
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
    #[error(
        "{partition} went back: canary pod {pod} commits {records} records below what had been \
         committed before, and goes on from there"
    )]
    Rewound {
        /// The partition that went back furthest.
        partition: PartitionId,
        /// The pod that owns the partition.
        pod: Arc<str>,
        /// Records by which it went back.
        records: i64,
    },
    /// The time lag grows faster than the primary's.
    #[error(
        "canary pod {pod} falls behind on {partition}: {} behind, each minute {} more than the \
         primary, {} in ten minutes",
        HumanDuration::seconds(*.lag_seconds),
        HumanDuration::seconds(.drift * 60.0),
        HumanDuration::seconds(*.projected_seconds)
    )]
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
    #[error(
        "canary pod {pod} falls behind on {partition}: {} behind, growing for {}; up to {} was \
         normal before the trial, and no primary is beside it",
        HumanDuration::seconds(*.lag_seconds),
        HumanDuration(*.growing),
        HumanDuration::seconds(*.normal_seconds)
    )]
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
    #[error(
        "{metric}: {}{} is {bound}, {readings} readings (limit {limit}); the user set this bound, \
         it is outside the budget of false rollbacks",
        BoundedValue(*.value, *.against),
        on_pod(*.scope, .pod)
    )]
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
        #[serde(default, skip_serializing_if = "is_default")]
        scope: Scope,
        /// Readings that failed, over the whole trial.
        readings: u32,
        /// Failing readings that are tolerated.
        limit: u32,
    },
    /// Another signal is worse than the primary's.
    #[error("{}", worse(.signal, .pod, .effect))]
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
    pub fn name(&self) -> &'static str {
        if let Self::Worse { signal, .. } = self { signal.into() } else { self.into() }
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

fn container_of(pod: &str, container: Option<&str>) -> String {
    match container {
        Some(container) => format!("container {container} of canary pod {pod}"),
        None => format!("canary pod {pod}"),
    }
}

fn times(kills: u32) -> String {
    if kills == 1 { "once".into() } else { format!("{kills} times") }
}

/// Messages that wait, in words. Where nobody ever committed it is not known how many do.
fn what_waits(messages: i64) -> String {
    if messages > 0 { format!("{messages} messages wait") } else { "messages arrive".into() }
}

fn on_pod(scope: Scope, pod: &str) -> String {
    match scope {
        Scope::Pods => format!(" on pod {pod}"),
        Scope::Global => String::new(),
    }
}

fn worse(signal: &Signal, pod: &str, effect: &Effect) -> String {
    if let Signal::User(name) = signal {
        return format!("{name}: {}, most on pod {pod}", of_user(effect));
    }
    format!("{signal} of the canary is worse than the primary's, most on pod {pod}: {effect}")
}
