//! The record of what a canary consumed as texts: a list of ranges for each topic, and what another
//! process needs to go on. What can't be read counts as lost; nothing is read from anywhere here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::observation::PartitionId;
use crate::replay_ranges::consumed::{Consumed, ConsumedRange, RangeKind, Shortfall};
use crate::replay_ranges::log::ConsumedLog;
use crate::replay_ranges::partition::{KeptPartition, PartitionLog};

/// Ranges of one topic, a line each: partition, first offset, offset after the last, kind.
pub type RangeLists = BTreeMap<Arc<str>, String>;

/// What another process needs beside the ranges.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredLog {
    topics: BTreeMap<Arc<str>, BTreeMap<i32, KeptPartition>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    shortfalls: BTreeMap<Shortfall, u32>,
}

/// A record that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableRecord {
    /// It is not what was written.
    #[error("the record of what the canary consumed can't be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A line of a list is none.
    #[error("line {line:?} of topic {topic} is not: partition, from, to, kind")]
    Line {
        /// Topic of the list.
        topic: Arc<str>,
        /// The line, cut off.
        line: String,
    },
}

impl Consumed {
    /// The ranges as lists by topic.
    #[must_use]
    pub fn lists(&self) -> RangeLists {
        let mut lists = RangeLists::new();
        for ConsumedRange { partition, from, to, kind } in &self.ranges {
            let list = lists.entry(Arc::clone(&partition.topic)).or_default();
            // Writing into a text does not fail.
            writeln!(list, "{} {from} {to} {}", partition.partition, kind.name()).ok();
        }
        lists
    }
}

/// The ranges of such a list.
///
/// # Errors
/// Where a line is not one of [`Consumed::lists`].
pub fn parse_list(topic: &Arc<str>, list: &str) -> Result<Vec<ConsumedRange>, UnreadableRecord> {
    list.lines()
        .map(|line| parse_line(topic, line).ok_or_else(|| unreadable(topic, line)))
        .collect()
}

fn parse_line(topic: &Arc<str>, line: &str) -> Option<ConsumedRange> {
    let mut words = line.split(' ');
    let partition = words.next()?.parse().ok()?;
    let (from, to) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let kind = RangeKind::named(words.next()?)?;
    let partition = PartitionId { topic: Arc::clone(topic), partition };
    (from < to && words.next().is_none()).then_some(ConsumedRange { partition, from, to, kind })
}

fn unreadable(topic: &Arc<str>, line: &str) -> UnreadableRecord {
    UnreadableRecord::Line { topic: Arc::clone(topic), line: line.chars().take(80).collect() }
}

impl ConsumedLog {
    /// What another process needs, beside the ranges, to go on.
    #[must_use]
    pub fn save(&self) -> String {
        let mut stored = StoredLog { shortfalls: self.shortfalls.clone(), ..StoredLog::default() };
        for (id, log) in &self.partitions {
            let kept = log.kept(&self.proof);
            stored.topics.entry(Arc::clone(&id.topic)).or_default().insert(id.partition, kept);
        }
        // Maps with names and numbers as keys: serializing them does not fail.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Goes on from what another process saved. What happened since is not proven.
    ///
    /// # Errors
    /// Where the text is not one of [`Self::save`].
    pub fn resume(saved: &str, ranges: &[ConsumedRange]) -> Result<Self, UnreadableRecord> {
        let stored: StoredLog = serde_json::from_str(saved)?;
        let mut log = Self { shortfalls: stored.shortfalls, ..Self::default() };
        for (topic, partitions) in stored.topics {
            for (partition, kept) in partitions {
                let id = PartitionId { topic: Arc::clone(&topic), partition };
                log.partitions.insert(id, PartitionLog::resumed(kept));
            }
        }
        for ConsumedRange { partition, from, to, kind } in ranges {
            log.partitions.entry(partition.clone()).or_default().add(*kind, *from, *to);
        }
        log.lose_sight();
        Ok(log)
    }
}
