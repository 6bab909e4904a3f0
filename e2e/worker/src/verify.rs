//! Was every produced record acknowledged by some version at least once? Reads both topics from
//! their start to the end that they have when asked, and compares. Writes nothing.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use serde::{Deserialize, Serialize};

/// One request; a broker that is up answers in milliseconds.
const CALL: Duration = Duration::from_secs(10);

/// How often the deadline is looked at while nothing arrives.
const POLL: Duration = Duration::from_millis(200);

/// Missing records that are named.
const NAMED: usize = 10;

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Records in the input topic.
    pub produced: u64,
    /// Records in the input topic that were acknowledged at least once: processed, or failed terminally.
    pub processed_distinct: u64,
    /// Records in the input topic whose first acknowledgement says that they failed terminally.
    pub failed: u64,
    /// Records in the input topic that were never acknowledged.
    pub missing: u64,
    /// Acknowledgements beyond the first of each record.
    pub duplicates: u64,
    /// First acknowledgements by version.
    pub by_version: BTreeMap<String, u64>,
    /// Places of the first missing records, at most 10: topic/partition/offset.
    pub first_missing: Vec<String>,
}

/// Compares a topic with its acknowledgements. Those of records that were produced meanwhile, or
/// that retention has removed, don't count.
///
/// # Errors
/// The input topic does not exist, or a topic can't be read to its end within `patience`.
pub fn account(
    bootstrap: &str,
    topic: &str,
    output: &str,
    patience: Duration,
) -> anyhow::Result<Account> {
    let deadline = Instant::now() + patience;
    let mut counting = Counting::new(topic);
    let exists = read(bootstrap, topic, deadline, |record| {
        counting.produced(record.partition(), record.offset());
    })?;
    ensure!(exists, "there is no topic {topic}");
    read(bootstrap, output, deadline, |record| {
        counting
            .acknowledged(record.key().unwrap_or_default(), record.payload().unwrap_or_default());
    })?;
    Ok(counting.result())
}

/// What an acknowledgement says.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    fate: String,
    #[serde(default)]
    version: String,
}

struct Counting<'a> {
    topic: &'a str,
    open: HashSet<(i32, i64)>,
    seen: HashSet<(i32, i64)>,
    account: Account,
}

impl<'a> Counting<'a> {
    fn new(topic: &'a str) -> Self {
        let account = Account::default();
        Self { topic, open: HashSet::new(), seen: HashSet::new(), account }
    }

    fn produced(&mut self, partition: i32, offset: i64) {
        if self.open.insert((partition, offset)) {
            self.account.produced += 1;
        }
    }

    fn acknowledged(&mut self, key: &[u8], value: &[u8]) {
        let Some(place) = self.place(key) else { return };
        if self.seen.contains(&place) {
            self.account.duplicates += 1;
            return;
        }
        if !self.open.remove(&place) {
            return;
        }
        self.seen.insert(place);
        // An acknowledgement of any other program is one of an unnamed version.
        let said: Said = serde_json::from_slice(value).unwrap_or_default();
        self.account.processed_distinct += 1;
        self.account.failed += u64::from(said.fate == "failed");
        *self.account.by_version.entry(said.version).or_default() += 1;
    }

    /// `topic/partition/offset`, of our topic only.
    fn place(&self, key: &[u8]) -> Option<(i32, i64)> {
        let key = std::str::from_utf8(key).ok()?;
        let (rest, offset) = key.rsplit_once('/')?;
        let (topic, partition) = rest.rsplit_once('/')?;
        (topic == self.topic).then_some((partition.parse().ok()?, offset.parse().ok()?))
    }

    fn result(mut self) -> Account {
        self.account.missing = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        let mut missing = Vec::from_iter(self.open);
        missing.sort_unstable();
        missing.truncate(NAMED);
        let named = missing.iter().map(|(p, offset)| format!("{}/{p}/{offset}", self.topic));
        self.account.first_missing = named.collect();
        self.account
    }
}

/// Reads a topic from its start to the end that it has when asked; false when there is no such topic.
fn read(
    bootstrap: &str,
    topic: &str,
    deadline: Instant,
    mut each: impl FnMut(&BorrowedMessage<'_>),
) -> anyhow::Result<bool> {
    let consumer: BaseConsumer<EndIsNoError> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        // librdkafka wants a name here, but assigning joins no group, and nothing is committed.
        .set("group.id", "verify")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create_with_context(EndIsNoError)
        .context("making a consumer")?;
    let Some(mut ends) = ends(&consumer, topic)? else { return Ok(false) };
    let mut from_start = TopicPartitionList::new();
    for partition in ends.keys() {
        from_start.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&from_start).with_context(|| format!("reading {topic}"))?;
    while !ends.is_empty() {
        if deadline < Instant::now() {
            bail!("{topic} was not read to its end in time; {} partitions are left", ends.len());
        }
        match consumer.poll(POLL) {
            None => {}
            // Markers of transactions are offsets without a record: the last ones may be such.
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ends.remove(&partition);
            }
            Some(Err(error)) => return Err(error).with_context(|| format!("reading {topic}")),
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                let Some(end) = ends.get(&partition).copied() else { continue };
                if offset < end {
                    each(&message);
                }
                if end <= offset + 1 {
                    ends.remove(&partition);
                }
            }
        }
    }
    Ok(true)
}

/// rdkafka would log the end of each partition as an error.
struct EndIsNoError;

impl ClientContext for EndIsNoError {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            tracing::warn!(%error, reason, "reading");
        }
    }
}

impl ConsumerContext for EndIsNoError {}

/// The high watermark of each partition that holds anything; `None` without such a topic.
fn ends(
    consumer: &BaseConsumer<EndIsNoError>,
    topic: &str,
) -> anyhow::Result<Option<BTreeMap<i32, i64>>> {
    let metadata = consumer.fetch_metadata(Some(topic), CALL).context("asking for metadata")?;
    let Some(found) = metadata.topics().first() else { return Ok(None) };
    match found.error() {
        None => {}
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok(None),
        Some(error) => bail!("the broker refuses topic {topic}: {error:?}"),
    }
    let mut ends = BTreeMap::new();
    for partition in found.partitions() {
        let (start, end) = consumer
            .fetch_watermarks(topic, partition.id(), CALL)
            .with_context(|| format!("asking where {topic}/{} ends", partition.id()))?;
        if start < end {
            ends.insert(partition.id(), end);
        }
    }
    Ok(Some(ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> Counting<'static> {
        let mut counting = Counting::new("orders");
        for offset in 0..4 {
            counting.produced(2, offset);
        }
        counting
    }

    #[test]
    fn each_record_is_counted_once() {
        let mut it = counting();
        it.acknowledged(b"orders/2/0", br#"{"fate":"processed","version":"1","pod":"a"}"#);
        it.acknowledged(b"orders/2/0", br#"{"fate":"processed","version":"2","pod":"b"}"#);
        it.acknowledged(b"orders/2/1", br#"{"fate":"failed","version":"2","pod":"b"}"#);
        let expected = Account {
            produced: 4,
            processed_distinct: 2,
            failed: 1,
            missing: 2,
            duplicates: 1,
            by_version: [("1".to_owned(), 1), ("2".to_owned(), 1)].into(),
            first_missing: vec!["orders/2/2".to_owned(), "orders/2/3".to_owned()],
        };
        assert_eq!(it.result(), expected);
    }

    #[test]
    fn what_belongs_to_no_record_is_ignored() {
        let mut it = counting();
        for key in [&b"orders/2/9"[..], b"payments/2/0", b"orders/x/0", b"orders", b"", b"\xff"] {
            it.acknowledged(key, b"{}");
            it.acknowledged(key, b"{}");
        }
        let account = it.result();
        assert_eq!((account.missing, account.duplicates), (4, 0));
    }

    #[test]
    fn the_rest_is_counted_but_not_named() {
        let mut it = Counting::new("orders");
        (0..25).for_each(|offset| it.produced(0, offset));
        let account = it.result();
        assert_eq!(account.missing, 25);
        assert_eq!(account.first_missing.len(), NAMED);
        assert_eq!(account.first_missing[9], "orders/0/9");
    }
}
