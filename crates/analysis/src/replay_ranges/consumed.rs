//! What a canary consumed, as ranges of offsets, and what is wrong with them.
//! Values and their words; nothing is found out here.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::observation::PartitionId;

/// How sure it is that the canary consumed a range.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum RangeKind {
    /// Committed while the canary owned the partition.
    Certain,
    /// Committed while the canary may have owned it.
    Possible,
    /// Perhaps processed by the canary, and never committed by it.
    Touched,
}

/// Offsets of one partition, `from` up to, not including, `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumedRange {
    /// Topic and partition.
    pub partition: PartitionId,
    /// First offset.
    pub from: i64,
    /// Offset after the last one.
    pub to: i64,
    /// How sure it is.
    pub kind: RangeKind,
}

/// Offsets by how sure it is that the canary consumed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsumedTotals {
    /// Offsets in certain ranges.
    pub certain: i64,
    /// Offsets in possible ranges.
    pub possible: i64,
    /// Offsets in touched ranges.
    pub touched: i64,
}

/// Why ranges may miss offsets, or hold more than they would have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shortfall {
    /// No sample was taken after the canary had left.
    NoLastSample,
    /// No sample shows a partition before the canary came.
    NoFirstSample,
    /// Commits went back between two samples: how far is an estimate, and what lies before it is
    /// touched.
    Rewound,
    /// A topic was made anew, and what the canary had consumed of it is gone.
    TopicMadeAnew,
    /// The end of a log is not known, so neither is what was touched.
    EndUnknown,
    /// Ranges lay too close together to be kept apart: what lies between two counts as possible.
    Joined,
    /// The record of an earlier process was lost.
    RecordLost,
    /// The group had more partitions than are kept.
    TooManyPartitions,
}

/// What the canary consumed, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consumed {
    /// Ranges, disjoint, in the order of topics, partitions and offsets.
    pub ranges: Vec<ConsumedRange>,
    /// What is wrong with them, and with how many partitions; empty: they are complete.
    pub shortfalls: BTreeMap<Shortfall, u32>,
}

impl RangeKind {
    /// Its name in lists.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl Consumed {
    /// Offsets of each kind.
    #[must_use]
    pub fn totals(&self) -> ConsumedTotals {
        let mut totals = ConsumedTotals::default();
        for range in &self.ranges {
            let of_kind = match range.kind {
                RangeKind::Certain => &mut totals.certain,
                RangeKind::Possible => &mut totals.possible,
                RangeKind::Touched => &mut totals.touched,
            };
            *of_kind = of_kind.saturating_add(range.to.saturating_sub(range.from));
        }
        totals
    }

    /// One possible range for each partition instead of all of its own: what is left to say where a
    /// list of them would be too long.
    #[must_use]
    pub fn joined(&self) -> Self {
        let mut joined = Self { ranges: Vec::new(), shortfalls: self.shortfalls.clone() };
        for range in &self.ranges {
            let last = joined.ranges.last_mut().filter(|it| it.partition == range.partition);
            if let Some(last) = last {
                last.to = last.to.max(range.to);
            } else {
                let possible = ConsumedRange { kind: RangeKind::Possible, ..range.clone() };
                joined.ranges.push(possible);
            }
        }
        let partitions = u32::try_from(joined.ranges.len()).unwrap_or(u32::MAX);
        joined.shortfalls.insert(Shortfall::Joined, partitions);
        joined
    }

    /// Notes that no sample was taken after the canary had left.
    pub fn miss_the_last_sample(&mut self) {
        self.shortfalls.insert(Shortfall::NoLastSample, 1);
    }

    /// Whether nothing is missing: every offset that the canary processed lies in a range.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.shortfalls.keys().all(|it| !it.misses())
    }

    /// Why they are not complete, or more than they would have to be, in a sentence.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let told: Vec<String> = self.shortfalls.iter().map(|(it, count)| it.told(*count)).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

impl Shortfall {
    /// Whether offsets may be missing for it; else there are only more than there would have to be.
    #[must_use]
    pub const fn misses(self) -> bool {
        match self {
            Self::NoLastSample
            | Self::TopicMadeAnew
            | Self::EndUnknown
            | Self::TooManyPartitions => true,
            Self::NoFirstSample | Self::Rewound | Self::Joined | Self::RecordLost => false,
        }
    }

    fn told(self, partitions: u32) -> String {
        match self {
            Self::NoLastSample | Self::RecordLost => self.to_string(),
            Self::NoFirstSample
            | Self::Rewound
            | Self::TopicMadeAnew
            | Self::EndUnknown
            | Self::Joined
            | Self::TooManyPartitions => {
                let noun = if partitions == 1 { "partition" } else { "partitions" };
                format!("{self} ({partitions} {noun})")
            }
        }
    }
}

impl Display for Shortfall {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLastSample => "Kafka gave no answer after the canary had left",
            Self::NoFirstSample => "not seen before the canary came: counted from the log's start",
            Self::Rewound => "commits went back: where the canary began again is an estimate",
            Self::TopicMadeAnew => {
                "the topic was made anew: what was consumed of it before is gone"
            }
            Self::EndUnknown => "the log's end is not known, so neither is what was touched",
            Self::Joined => "ranges were joined over what lies between them",
            Self::RecordLost => {
                "the record of an earlier operator was lost: counted from the log's start"
            }
            Self::TooManyPartitions => "the group has more partitions than are kept",
        })
    }
}
