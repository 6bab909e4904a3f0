//! Why neither Pass nor Fail is shown: what is missing, in data and in words. Numbers in the words
//! go in steps, so that they stand still while nothing changes. Nothing here decides.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::findings::effect::{Effect, EffectSoFar};
use crate::findings::fault::Fault;
use crate::findings::signal::Signal;
use crate::numbers::{Millis, count};
use crate::observation::PartitionId;
use crate::settings::bound::Bound;
use crate::settings::check::NoValue;
use crate::words::{Elapsed, HumanDuration, Remaining, Rounded, RoundedUpSeconds};

/// What keeps the judge from a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error, IntoStaticStr)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Doubt {
    /// The primary is unhealthy, so nothing can be blamed on the canary.
    #[error("{}", primary_unhealthy(.suspicion.as_deref()))]
    PrimaryUnhealthy {
        /// Fault of the canary that would be found if the primary were healthy.
        suspicion: Option<Box<Fault>>,
    },
    /// Canary partitions are stuck, but so are the primary's.
    #[error(
        "{partition} is stuck on the canary, but only {committing} of the primary's {of} busy \
         partitions commit: the cause is shared"
    )]
    SharedStall {
        /// The canary partition that has been stuck longest.
        partition: PartitionId,
        /// Primary partitions with work that still commit.
        committing: u32,
        /// Primary partitions with work.
        of: u32,
    },
    /// A canary partition is stuck since a time when the primary stood still, was unhealthy or out of
    /// sight, and that time is only just over.
    #[error(
        "{partition} is stuck on the canary since the primary was in trouble or out of sight: \
         blamed on the canary if that lasts for up to {} more",
        Remaining(*.remaining)
    )]
    JustRecovered {
        /// The canary partition that has been stuck longest.
        partition: PartitionId,
        /// Milliseconds until it is held against the canary.
        remaining: Millis,
    },
    /// A canary partition is stuck as it was under the primary, before the canary got it.
    #[error(
        "{partition} was stuck before the canary got it: nothing is committed there while \
         messages wait, under the primary neither. Free it, or promote by hand"
    )]
    StoodBefore {
        /// The partition.
        partition: PartitionId,
    },
    /// Kafka has given no usable answer for more than three polls.
    #[error("no usable answer from Kafka {}", .silent.map_or("yet".into(), lasting))]
    NoObservation {
        /// Milliseconds since the last usable answer; `None`: there was none.
        silent: Option<Millis>,
    },
    /// The cluster does not say what the pods do: a crash would go unseen, and whose a partition is
    /// nobody knows.
    #[error(
        "the pods have not been seen {}{}",
        lasting(*.silent),
        not_blamed(.suspicion.as_deref())
    )]
    PodsUnseen {
        /// Milliseconds since they were last seen.
        silent: Millis,
        /// Fault of the canary that would be found if the pods were as they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspicion: Option<Box<Fault>>,
    },
    /// More than 5 % of the assigned partitions belong to members that match no pod.
    #[error("{partitions} of {of} assigned partitions belong to members that match no pod")]
    Unattributed {
        /// Partitions of members that match no pod.
        partitions: u32,
        /// Assigned partitions.
        of: u32,
    },
    /// No canary pod owns a partition.
    #[error("no canary pod owns a partition")]
    NoPartition,
    /// The group is rebalancing.
    #[error("the consumer group is rebalancing")]
    Rebalancing,
    /// Canary pods are younger than the warm-up.
    #[error("canary pods are warming up for up to {} more", Remaining(*.remaining))]
    WarmingUp {
        /// Milliseconds until the youngest one counts.
        remaining: Millis,
    },
    /// The time lag of a canary partition is unknown: it has no usable offsets, or is further
    /// behind than has been watched.
    #[error(
        "the canary's lag on {partition} is unknown: no usable offsets, or further behind than \
         has been watched"
    )]
    LagUnknown {
        /// The partition.
        partition: PartitionId,
    },
    /// Canary pods work as fast as any primary pod ever did and still fall behind.
    #[error(
        "canary pods fall behind although they work as fast as any primary pod did ({} so far): \
         their share is too large",
        lasting(*.excused)
    )]
    Overloaded {
        /// Milliseconds of growing lag that were excused for it, over the whole trial.
        excused: Millis,
    },
    /// A canary partition's lag is above what is normal for the primary.
    #[error(
        "canary is up to {} behind; up to {} is normal",
        RoundedUpSeconds(*.lag_seconds),
        HumanDuration::seconds(*.normal_seconds)
    )]
    LagNotSettled {
        /// The partition that is furthest behind.
        partition: PartitionId,
        /// Standing time lag of the partition, in seconds.
        lag_seconds: f64,
        /// The largest lag that counts as normal, in seconds.
        normal_seconds: f64,
    },
    /// The whole group has fallen behind since the canary grew, and has not caught up.
    #[error(
        "the whole group has fallen behind since the canary grew {} ago, canary and primary alike \
         (up to {} and {}): it may harm what they share, or more arrives",
        Elapsed(*.since),
        RoundedUpSeconds(*.canary_seconds),
        RoundedUpSeconds(*.primary_seconds)
    )]
    GroupFallsBehind {
        /// Milliseconds since the canary grew.
        since: Millis,
        /// Time lag of the canary's partitions, the median, in seconds.
        canary_seconds: f64,
        /// Time lag of the primary's partitions, the median, in seconds.
        primary_seconds: f64,
    },
    /// There is more evidence against the canary than at the start, but not enough.
    #[error(
        "canary may be falling behind on {partition}: each minute about {} s more than the \
         primary, but that is not proven",
        Rounded((.drift * 60.0).max(0.1))
    )]
    Suspected {
        /// The partition with the most evidence.
        partition: PartitionId,
        /// Seconds of lag gained per second, beyond the primary's, over the latest windows.
        drift: f64,
    },
    /// Too few messages arrive at the canary's partitions.
    #[error(
        "too few messages to judge by: {partitions} of the canary's {of} partitions are almost idle"
    )]
    LowTraffic {
        /// Canary partitions that are almost idle.
        partitions: u32,
        /// Canary partitions.
        of: u32,
    },
    /// The canary keeps up so far, but was not watched long enough.
    #[error("canary keeps up so far; up to {} more to be sure", Remaining(*.remaining))]
    MoreEvidence {
        /// Milliseconds still needed if the lag stays flat.
        remaining: Millis,
        /// The partition with the least evidence.
        partition: PartitionId,
    },
    /// There is more evidence against the canary by a signal than at the start, but not enough.
    #[error(
        "{signal} of the canary may be worse, most on pod {pod}: {}; that is not proven",
        EffectSoFar(.signal, .effect)
    )]
    SignalSuspected {
        /// The signal.
        signal: Signal,
        /// The pod with the largest effect.
        pod: Arc<str>,
        /// The effect so far.
        effect: Effect,
    },
    /// A signal that was there when the trial began has said nothing for three minutes, or ever.
    #[error("nothing was learnt of the canary's {signal} {}", lasting(*.silent))]
    SignalSilent {
        /// The signal.
        signal: Signal,
        /// Length of the silence, in milliseconds.
        silent: Millis,
    },
    /// The canary lacks a series that the primary has: a renamed metric reads as 0.
    #[error(
        "the canary exports no series for {signal} although the primary's rate predicts some: \
         renamed?"
    )]
    SignalAbsent {
        /// The signal.
        signal: Signal,
    },
    /// A large effect is not ruled out yet.
    #[error(
        "{signal} of the canary: right so far; about {} more messages to be sure",
        Rounded(thousands(*.messages))
    )]
    SignalUnproven {
        /// The signal.
        signal: Signal,
        /// Canary messages still needed, about, if it is as good as the primary.
        messages: u64,
    },
    /// A check has had no value of the canary's pods lately, or ever.
    #[error("{metric} of the canary has had no value {}: {why}", lasting(*.silent))]
    WithoutValue {
        /// The check.
        metric: Arc<str>,
        /// Length of the silence, in milliseconds.
        silent: Millis,
        /// Reason of the last time without a value.
        why: NoValue,
    },
    /// A user's metric is beyond its bound on the canary, but so is the primary's median.
    #[error(
        "{metric} of the canary is {bound}, but so is the primary's median: the cause is shared"
    )]
    PrimaryOutOfBounds {
        /// The metric.
        metric: Arc<str>,
        /// The value of the canary's worst pod.
        value: f64,
        /// The primary's median.
        primary: f64,
        /// The bound that both are beyond.
        bound: Bound,
    },
}

impl Doubt {
    /// A name for metric labels and Event reasons, from a closed set.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

fn primary_unhealthy(suspicion: Option<&Fault>) -> String {
    match suspicion {
        None => "the primary is unhealthy, so the canary can't be compared with it".into(),
        Some(fault) => {
            format!("not blamed on the canary while the primary is unhealthy: {}", fault.name())
        }
    }
}

fn not_blamed(suspicion: Option<&Fault>) -> String {
    let told =
        |fault: &Fault| format!(", so that this is not blamed on the canary: {}", fault.name());
    suspicion.map_or_else(String::new, told)
}

fn lasting(time: Millis) -> String {
    format!("for {}", Elapsed(time))
}

/// Messages, a thousand at least: proofs ask for thousands, and the last one is not told piece by piece.
fn thousands(messages: u64) -> f64 {
    count(i64::try_from(messages.max(1_000)).unwrap_or(i64::MAX))
}
