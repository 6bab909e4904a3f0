//! Was every produced record processed by some version at least once? Reads both topics from start
//! to the end they have when asked, and compares. Reads only.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::Serialize;

const CALL: Duration = Duration::from_secs(10);

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Records in the input topic.
    pub produced: u64,
    /// Of these, processed or failed terminally by some version.
    pub processed_distinct: u64,
    /// Of these, never acknowledged.
    pub missing: u64,
    /// Acknowledgements beyond the first of each record.
    pub duplicates: u64,
    /// First acknowledgements by version.
    pub by_version: BTreeMap<String, u64>,
    /// Where the first missing ones lie.
    pub first_missing: Vec<String>,
}

/// Compares the input topic with the acknowledgements.
///
/// # Errors
/// A topic that can't be read to its end within `patience`.
pub fn account(
    bootstrap: &str,
    topic: &str,
    output: &str,
    patience: Duration,
) -> anyhow::Result<Account> {
    let deadline = Instant::now() + patience;
    let mut places = HashSet::new();
    read(bootstrap, topic, deadline, |partition, offset, _, _| {
        places.insert(format!("{topic}/{partition}/{offset}"));
    })?;
    let mut account =
        Account { produced: places.len().try_into().unwrap_or(u64::MAX), ..Account::default() };
    let mut seen = HashSet::new();
    read(bootstrap, output, deadline, |_, _, key, value| {
        let place = String::from_utf8_lossy(key).into_owned();
        if !places.contains(&place) {
            return;
        }
        if !seen.insert(place) {
            account.duplicates += 1;
            return;
        }
        let said: serde_json::Value = serde_json::from_slice(value).unwrap_or_default();
        let version = said["version"].as_str().unwrap_or("?").to_owned();
        *account.by_version.entry(version).or_default() += 1;
    })?;
    account.processed_distinct = seen.len().try_into().unwrap_or(u64::MAX);
    let mut missing: Vec<_> = places.difference(&seen).cloned().collect();
    account.missing = missing.len().try_into().unwrap_or(u64::MAX);
    missing.sort();
    missing.truncate(10);
    account.first_missing = missing;
    Ok(account)
}

fn read(
    bootstrap: &str,
    topic: &str,
    deadline: Instant,
    mut take: impl FnMut(i32, i64, &[u8], &[u8]),
) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "siskin-verify")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), CALL).context("asking for metadata")?;
    let partitions = metadata.topics().first().map_or(&[][..], |it| it.partitions());
    let (mut ends, mut list) = (BTreeMap::new(), TopicPartitionList::new());
    for partition in partitions {
        let (start, end) = consumer.fetch_watermarks(topic, partition.id(), CALL)?;
        if start < end {
            ends.insert(partition.id(), end);
            list.add_partition_offset(topic, partition.id(), Offset::Offset(start))?;
        }
    }
    consumer.assign(&list)?;
    while !ends.is_empty() {
        if deadline < Instant::now() {
            bail!("{topic} was not read to its end in time; {} partitions are left", ends.len());
        }
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = message?;
        let (partition, offset) = (message.partition(), message.offset());
        take(
            partition,
            offset,
            message.key().unwrap_or_default(),
            message.payload().unwrap_or_default(),
        );
        if ends.get(&partition).is_some_and(|end| *end <= offset + 1) {
            ends.remove(&partition);
        }
    }
    Ok(())
}
