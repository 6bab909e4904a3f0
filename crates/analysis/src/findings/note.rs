//! What a reader of a verdict should know about how it was reached, in data and in words.
//! No note changes a verdict.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::numbers::Millis;
use crate::observation::PartitionId;
use crate::words::HumanDuration;

/// Something a reader of the verdict should know about how it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Note {
    /// No usable record of the primary from before the trial: defaults instead of learned margins.
    NoRecord,
    /// No full commit gap was in the record: the stall guard waits for a default time.
    DefaultStallTime {
        /// The default time, in milliseconds.
        wait: Millis,
    },
    /// The earlier accounts were lost: the trial goes on with a smaller error budget.
    StartedOver {
        /// Number of times.
        times: u32,
    },
    /// Fewer than three primary partitions to compare with.
    FewPrimaryPartitions {
        /// Primary partitions.
        partitions: u32,
    },
    /// Records were deleted by retention before they were consumed.
    LostByRetention {
        /// Records of all canary partitions.
        records: i64,
    },
    /// Committed offsets of canary partitions went backwards (a rewind).
    CommitsFell {
        /// Number of times.
        times: u32,
    },
    /// A topic was deleted and created again, or lost its end.
    TopicRecreated {
        /// How often a log end fell or a commit lay beyond it.
        times: u32,
    },
    /// Primary pods that started in the record took this long to get to work: the canary is compared
    /// from that age on, not from the one that was asked for.
    LongWarmUp {
        /// Age in milliseconds from which a pod is compared.
        warm_up: Millis,
    },
    /// Drift was excused because the canary worked as fast as any primary pod ever did.
    Excused {
        /// Length of time, in milliseconds.
        excused: Millis,
    },
    /// Drift was not held against the canary because a primary pod was as slow at the same time.
    BesideASlowPeer {
        /// Length of time, in milliseconds.
        spared: Millis,
    },
    /// A container of the canary crashed as often as those of primary pods did at that age, or in
    /// that time.
    CrashesAsThePrimary {
        /// The canary pod.
        pod: Arc<str>,
        /// The container; empty where nobody said which one.
        container: Arc<str>,
        /// Its crashes within ten minutes.
        crashes: u32,
    },
    /// Partitions that the canary got stood still under the primary already.
    StoodBefore {
        /// The first of them.
        partition: PartitionId,
        /// Number of others.
        more: u32,
    },
    /// Scraped values were no finite numbers ≥ 0 and were left out.
    UnreadableMetrics {
        /// Number of values.
        values: u32,
    },
    /// The primary fails so often that total failure of the canary would not be found at once.
    FrequentErrors,
    /// No pod has ever exported the events of a user's ratio, or the errors of a check: read as 0,
    /// or misspelled.
    NoEvents {
        /// The user metric.
        metric: Arc<str>,
    },
    /// A user's value is to be compared with what it was before the trial, and was not seen often
    /// enough then.
    NothingBefore {
        /// The user metric.
        metric: Arc<str>,
    },
    /// A check could not be computed of the canary's pods: no evidence.
    WithoutValue {
        /// The check.
        metric: Arc<str>,
        /// Readings without a value, over the whole trial.
        readings: u32,
    },
}

impl Display for Note {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecord => f.write_str(
                "no record of the primary from before the trial: default margins are used",
            ),
            Self::DefaultStallTime { wait } => write!(
                f,
                "the primary's commit interval is unknown: a stall is called after {}",
                HumanDuration(*wait)
            ),
            Self::StartedOver { times } => {
                write!(f, "the evidence was lost {times} times: more is needed now to roll back")
            }
            Self::FewPrimaryPartitions { partitions } => {
                write!(f, "only {partitions} primary partitions to compare with")
            }
            Self::LostByRetention { records } => {
                write!(f, "{records} records were deleted by retention before the canary read them")
            }
            Self::CommitsFell { times } => {
                write!(f, "committed offsets of canary partitions went backwards {times} times")
            }
            Self::TopicRecreated { times } => {
                write!(f, "the log end of a partition went backwards {times} times")
            }
            Self::LongWarmUp { warm_up } => write!(
                f,
                "the primary's own pods took up to {} to warm up: the canary's are compared from that age on",
                HumanDuration(*warm_up)
            ),
            Self::Excused { excused } => write!(
                f,
                "growing lag was excused for {} because the canary worked as fast as any primary pod ever did",
                HumanDuration(*excused)
            ),
            Self::BesideASlowPeer { spared } => write!(
                f,
                "growing lag was not held against the canary for {} because a primary pod processed as slowly at the same time",
                HumanDuration(*spared)
            ),
            Self::CrashesAsThePrimary { pod, container, crashes } => {
                let named = if container.is_empty() { "a container" } else { &**container };
                write!(
                    f,
                    "{named} of canary pod {pod} crashed {crashes} times, as it does in the primary's pods: that is not held against the canary"
                )
            }
            Self::StoodBefore { partition, more } => {
                let others = if *more > 0 { format!(" and {more} more") } else { String::new() };
                write!(
                    f,
                    "{partition}{others} stood still under the primary, too: that is not held against the canary"
                )
            }
            Self::UnreadableMetrics { values } => {
                write!(f, "{values} scraped values were no numbers and were left out")
            }
            Self::FrequentErrors => f.write_str(
                "the primary fails so often that total failure of the canary would not stand out at once",
            ),
            Self::NoEvents { metric } => {
                write!(f, "no pod has exported the events of {metric} yet: they are read as 0")
            }
            Self::NothingBefore { metric } => write!(
                f,
                "{metric} was hardly seen before the trial: there is nothing to compare it with"
            ),
            Self::WithoutValue { metric, readings } => {
                write!(f, "{metric} had no value in {readings} readings, which count as nothing")
            }
        }
    }
}
