//! Why neither Pass nor Fail is shown: what is missing, in data and in words. Numbers in the words
//! go in steps, so that they stand still while nothing changes. Nothing here decides.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::findings::effect::{Effect, EffectSoFar};
use crate::findings::fault::Fault;
use crate::findings::signal::Signal;
use crate::numbers::{Millis, count};
use crate::observation::PartitionId;
use crate::settings::bound::Bound;
use crate::settings::check::NoValue;
use crate::words::{Elapsed, HumanDuration, Remaining, Rounded, RoundedUpSeconds};

/// What keeps the judge from a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Doubt {
    /// The primary is unhealthy, so nothing can be blamed on the canary.
    PrimaryUnhealthy {
        /// Fault of the canary that would be found if the primary were healthy.
        suspicion: Option<Box<Fault>>,
    },
    /// Canary partitions are stuck, but so are the primary's.
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
    JustRecovered {
        /// The canary partition that has been stuck longest.
        partition: PartitionId,
        /// Milliseconds until it is held against the canary.
        remaining: Millis,
    },
    /// A canary partition is stuck as it was under the primary, before the canary got it.
    StoodBefore {
        /// The partition.
        partition: PartitionId,
    },
    /// Kafka has given no usable answer for more than three polls.
    NoObservation {
        /// Milliseconds since the last usable answer; `None`: there was none.
        silent: Option<Millis>,
    },
    /// The cluster does not say what the pods do: a crash would go unseen, and whose a partition is
    /// nobody knows.
    PodsUnseen {
        /// Milliseconds since they were last seen.
        silent: Millis,
        /// Fault of the canary that would be found if the pods were as they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspicion: Option<Box<Fault>>,
    },
    /// More than 5 % of the assigned partitions belong to members that match no pod.
    Unattributed {
        /// Partitions of members that match no pod.
        partitions: u32,
        /// Assigned partitions.
        of: u32,
    },
    /// No canary pod owns a partition.
    NoPartition,
    /// The group is rebalancing.
    Rebalancing,
    /// Canary pods are younger than the warm-up.
    WarmingUp {
        /// Milliseconds until the youngest one counts.
        remaining: Millis,
    },
    /// The time lag of a canary partition is unknown: it has no usable offsets, or is further
    /// behind than has been watched.
    LagUnknown {
        /// The partition.
        partition: PartitionId,
    },
    /// Canary pods work as fast as any primary pod ever did and still fall behind.
    Overloaded {
        /// Milliseconds of growing lag that were excused for it, over the whole trial.
        excused: Millis,
    },
    /// A canary partition's lag is above what is normal for the primary.
    LagNotSettled {
        /// The partition that is furthest behind.
        partition: PartitionId,
        /// Standing time lag of the partition, in seconds.
        lag_seconds: f64,
        /// The largest lag that counts as normal, in seconds.
        normal_seconds: f64,
    },
    /// The whole group has fallen behind since the canary grew, and has not caught up.
    GroupFallsBehind {
        /// Milliseconds since the canary grew.
        since: Millis,
        /// Time lag of the canary's partitions, the median, in seconds.
        canary_seconds: f64,
        /// Time lag of the primary's partitions, the median, in seconds.
        primary_seconds: f64,
    },
    /// There is more evidence against the canary than at the start, but not enough.
    Suspected {
        /// The partition with the most evidence.
        partition: PartitionId,
        /// Seconds of lag gained per second, beyond the primary's, over the latest windows.
        drift: f64,
    },
    /// Too few messages arrive at the canary's partitions.
    LowTraffic {
        /// Canary partitions that are almost idle.
        partitions: u32,
        /// Canary partitions.
        of: u32,
    },
    /// The canary keeps up so far, but was not watched long enough.
    MoreEvidence {
        /// Milliseconds still needed if the lag stays flat.
        remaining: Millis,
        /// The partition with the least evidence.
        partition: PartitionId,
    },
    /// There is more evidence against the canary by a signal than at the start, but not enough.
    SignalSuspected {
        /// The signal.
        signal: Signal,
        /// The pod with the largest effect.
        pod: Arc<str>,
        /// The effect so far.
        effect: Effect,
    },
    /// A signal that was there when the trial began has said nothing for three minutes, or ever.
    SignalSilent {
        /// The signal.
        signal: Signal,
        /// Length of the silence, in milliseconds.
        silent: Millis,
    },
    /// The canary lacks a series that the primary has: a renamed metric reads as 0.
    SignalAbsent {
        /// The signal.
        signal: Signal,
    },
    /// A large effect is not ruled out yet.
    SignalUnproven {
        /// The signal.
        signal: Signal,
        /// Canary messages still needed, about, if it is as good as the primary.
        messages: u64,
    },
    /// A check has had no value of the canary's pods lately, or ever.
    WithoutValue {
        /// The check.
        metric: Arc<str>,
        /// Length of the silence, in milliseconds.
        silent: Millis,
        /// Reason of the last time without a value.
        why: NoValue,
    },
    /// A user's metric is beyond its bound on the canary, but so is the primary's median.
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
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PrimaryUnhealthy { .. } => "PrimaryUnhealthy",
            Self::SharedStall { .. } => "SharedStall",
            Self::JustRecovered { .. } => "JustRecovered",
            Self::StoodBefore { .. } => "StoodBefore",
            Self::NoObservation { .. } => "NoObservation",
            Self::PodsUnseen { .. } => "PodsUnseen",
            Self::Unattributed { .. } => "Unattributed",
            Self::NoPartition => "NoPartition",
            Self::Rebalancing => "Rebalancing",
            Self::WarmingUp { .. } => "WarmingUp",
            Self::LagUnknown { .. } => "LagUnknown",
            Self::Overloaded { .. } => "Overloaded",
            Self::LagNotSettled { .. } => "LagNotSettled",
            Self::GroupFallsBehind { .. } => "GroupFallsBehind",
            Self::Suspected { .. } => "Suspected",
            Self::LowTraffic { .. } => "LowTraffic",
            Self::MoreEvidence { .. } => "MoreEvidence",
            Self::SignalSuspected { .. } => "SignalSuspected",
            Self::SignalSilent { .. } => "SignalSilent",
            Self::SignalAbsent { .. } => "SignalAbsent",
            Self::SignalUnproven { .. } => "SignalUnproven",
            Self::WithoutValue { .. } => "WithoutValue",
            Self::PrimaryOutOfBounds { .. } => "PrimaryOutOfBounds",
        }
    }
}

impl Display for Doubt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrimaryUnhealthy { suspicion: None } => {
                f.write_str("the primary is unhealthy, so the canary can't be compared with it")
            }
            Self::PrimaryUnhealthy { suspicion: Some(fault) } => {
                let fault = fault.name();
                write!(f, "not blamed on the canary while the primary is unhealthy: {fault}")
            }
            Self::SharedStall { partition, committing, of } => {
                shared_stall(f, partition, *committing, *of)
            }
            Self::JustRecovered { partition, remaining } => {
                just_recovered(f, partition, *remaining)
            }
            Self::StoodBefore { partition } => write!(
                f,
                "{partition} was stuck before the canary got it: nothing is committed there while messages wait, under the primary neither. Free it, or promote by hand"
            ),
            Self::NoObservation { silent: None } => f.write_str("no usable answer from Kafka yet"),
            Self::NoObservation { silent: Some(it) } => {
                lasting(f, "no usable answer from Kafka", *it)
            }
            Self::PodsUnseen { silent, suspicion } => pods_unseen(f, *silent, suspicion.as_deref()),
            Self::Unattributed { partitions, of } => write!(
                f,
                "{partitions} of {of} assigned partitions belong to members that match no pod"
            ),
            Self::NoPartition => f.write_str("no canary pod owns a partition"),
            Self::Rebalancing => f.write_str("the consumer group is rebalancing"),
            Self::WarmingUp { remaining } => {
                write!(f, "canary pods are warming up for up to {} more", Remaining(*remaining))
            }
            Self::LagUnknown { partition } => write!(
                f,
                "the canary's lag on {partition} is unknown: no usable offsets, or further behind than has been watched"
            ),
            Self::Overloaded { excused } => overloaded(f, *excused),
            Self::LagNotSettled { lag_seconds, normal_seconds, .. } => write!(
                f,
                "canary is up to {} behind; up to {} is normal",
                RoundedUpSeconds(*lag_seconds),
                HumanDuration::seconds(*normal_seconds)
            ),
            Self::GroupFallsBehind { since, canary_seconds, primary_seconds } => {
                group_falls_behind(f, *since, *canary_seconds, *primary_seconds)
            }
            Self::Suspected { partition, drift } => write!(
                f,
                "canary may be falling behind on {partition}: each minute about {} s more than the primary, but that is not proven",
                Rounded((drift * 60.0).max(0.1))
            ),
            Self::LowTraffic { partitions, of } => write!(
                f,
                "too few messages to judge by: {partitions} of the canary's {of} partitions are almost idle"
            ),
            Self::MoreEvidence { remaining, .. } => {
                write!(f, "canary keeps up so far; up to {} more to be sure", Remaining(*remaining))
            }
            Self::SignalSuspected { signal, pod, effect } => suspected(f, signal, pod, effect),
            Self::SignalSilent { signal, silent } => {
                write!(f, "nothing was learnt of the canary's {signal} for {}", Elapsed(*silent))
            }
            Self::SignalAbsent { signal } => absent(f, signal),
            Self::SignalUnproven { signal, messages } => unproven(f, signal, *messages),
            Self::PrimaryOutOfBounds { metric, bound, .. } => write!(
                f,
                "{metric} of the canary is {bound}, but so is the primary's median: the cause is shared"
            ),
            Self::WithoutValue { metric, silent, why } => without_value(f, metric, *silent, why),
        }
    }
}

fn absent(f: &mut Formatter<'_>, signal: &Signal) -> fmt::Result {
    write!(
        f,
        "the canary exports no series for {signal} although the primary's rate predicts some"
    )?;
    f.write_str(": renamed?")
}

fn without_value(
    f: &mut Formatter<'_>,
    metric: &str,
    silent: Millis,
    why: &NoValue,
) -> fmt::Result {
    lasting(f, &format!("{metric} of the canary has had no value"), silent)?;
    write!(f, ": {why}")
}

fn shared_stall(
    f: &mut Formatter<'_>,
    partition: &PartitionId,
    committing: u32,
    of: u32,
) -> fmt::Result {
    write!(
        f,
        "{partition} is stuck on the canary, but only {committing} of the primary's {of} busy "
    )?;
    f.write_str("partitions commit: the cause is shared")
}

fn just_recovered(
    f: &mut Formatter<'_>,
    partition: &PartitionId,
    remaining: Millis,
) -> fmt::Result {
    write!(f, "{partition} is stuck on the canary since the primary was in trouble or out of ")?;
    write!(f, "sight: blamed on the canary if that lasts for up to {} more", Remaining(remaining))
}

fn pods_unseen(f: &mut Formatter<'_>, silent: Millis, suspicion: Option<&Fault>) -> fmt::Result {
    lasting(f, "the pods have not been seen", silent)?;
    let Some(fault) = suspicion else { return Ok(()) };
    write!(f, ", so that this is not blamed on the canary: {}", fault.name())
}

fn lasting(f: &mut Formatter<'_>, what: &str, time: Millis) -> fmt::Result {
    write!(f, "{what} for {}", Elapsed(time))
}

fn overloaded(f: &mut Formatter<'_>, excused: Millis) -> fmt::Result {
    write!(f, "canary pods fall behind although they work as fast as any primary pod did ")?;
    write!(f, "(for {} so far): their share is too large", Elapsed(excused))
}

fn group_falls_behind(
    f: &mut Formatter<'_>,
    since: Millis,
    canary_seconds: f64,
    primary_seconds: f64,
) -> fmt::Result {
    let (canary, primary) = (RoundedUpSeconds(canary_seconds), RoundedUpSeconds(primary_seconds));
    write!(f, "the whole group has fallen behind since the canary grew {} ago, ", Elapsed(since))?;
    write!(f, "canary and primary alike (up to {canary} and {primary}): ")?;
    f.write_str("it may harm what they share, or more arrives")
}

fn unproven(f: &mut Formatter<'_>, signal: &Signal, messages: u64) -> fmt::Result {
    // Proofs ask for thousands: the last one is not told piece by piece.
    let messages = count(i64::try_from(messages.max(1_000)).unwrap_or(i64::MAX));
    let about = Rounded(messages);
    write!(f, "{signal} of the canary: right so far; about {about} more messages to be sure")
}

fn suspected(f: &mut Formatter<'_>, signal: &Signal, pod: &str, effect: &Effect) -> fmt::Result {
    let so_far = EffectSoFar { signal, effect };
    write!(
        f,
        "{signal} of the canary may be worse, most on pod {pod}: {so_far}; that is not proven"
    )
}
