//! Consume, process, acknowledge, commit. A record is committed only after its acknowledgement has
//! been delivered to the output topic: a kill at any moment repeats records and loses none.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::util::Timeout;

use crate::fate::Fate;
use crate::metrics::Metrics;
use crate::settings::{GroupProtocol, Settings, StallScope};

/// Sleeps shorter than this are saved up: a timer is no finer than a millisecond.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);

/// Acknowledgements under way at most.
const MAX_PENDING: usize = 10_000;

/// Where a record lies.
type Place = (String, i32, i64);

/// Runs until SIGTERM.
///
/// # Errors
/// Kafka's settings are refused, or the worker was told to crash.
pub async fn run(
    settings: Settings,
    metrics: Metrics,
    ready: Arc<AtomicBool>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let consumer: StreamConsumer<Membership> = consumer_config(&settings)
        .create_with_context(Membership { ready })
        .context("making the consumer")?;
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &settings.bootstrap)
        .set("linger.ms", "5")
        .create()
        .context("making the producer of acknowledgements")?;
    let topics: Vec<_> = settings.topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).context("subscribing")?;
    let mut worker = Worker {
        settings,
        metrics,
        consumer: &consumer,
        producer,
        debt: Duration::ZERO,
        handled: 0,
        leaked: Vec::new(),
        stalled: HashSet::new(),
    };
    worker.until(stop).await
}

struct Worker<'a> {
    settings: Settings,
    metrics: Metrics,
    consumer: &'a StreamConsumer<Membership>,
    producer: FutureProducer,
    /// Work that was counted but not slept yet.
    debt: Duration,
    handled: u64,
    leaked: Vec<Vec<u8>>,
    stalled: HashSet<(String, i32)>,
}

impl Worker<'_> {
    async fn until(&mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let mut stop = std::pin::pin!(stop);
        let mut pending = FuturesOrdered::new();
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some((place, delivered)) = pending.next() => self.acknowledged(&place, delivered)?,
                received = self.consumer.recv(), if pending.len() < MAX_PENDING => match received {
                    Ok(message) => {
                        let place: Place = (message.topic().to_owned(), message.partition(), message.offset());
                        if let Some(fate) = self.take(&message, &place).await? {
                            pending.push_back(self.acknowledge(place, fate));
                        }
                    }
                    Err(error) => tracing::warn!(%error, "receiving"),
                },
            }
        }
        let finish = async {
            while let Some((place, delivered)) = pending.next().await {
                if self.acknowledged(&place, delivered).is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(1), finish).await.ok();
        tracing::info!("stopping");
        // Dropping the consumer commits what was stored and leaves the group.
        Ok(())
    }

    /// Works on a record; `None` when it is not to be committed.
    async fn take(
        &mut self,
        message: &BorrowedMessage<'_>,
        place: &Place,
    ) -> anyhow::Result<Option<Fate>> {
        let (topic, partition, offset) = (place.0.as_str(), place.1, place.2);
        if self.stalled.contains(&(topic.to_owned(), partition)) {
            return Ok(None);
        }
        let fate = self.fate(message);
        if fate == Fate::Skipped {
            return Ok(Some(fate));
        }
        self.metrics.consumed.inc();
        if fate == Fate::Stalled {
            self.stall(topic, partition, offset).await?;
            return Ok(None);
        }
        let started = Instant::now();
        self.work().await;
        self.metrics
            .seconds
            .observe(started.elapsed().max(self.settings.work_per_message).as_secs_f64());
        if 0 < self.settings.leak {
            self.leaked.push(vec![1; self.settings.leak]);
            self.metrics.leaked.inc_by(i64::try_from(self.settings.leak).unwrap_or(0));
        }
        match fate {
            Fate::Processed => {
                self.metrics.processed.inc();
            }
            Fate::Failed => {
                self.metrics.errors.inc();
                tracing::debug!(topic, partition, offset, "a terminal error");
            }
            Fate::Dropped | Fate::Skipped | Fate::Stalled => {}
        }
        self.handled += 1;
        if self.settings.crash_after == self.handled {
            bail!("crashing after {} records, as told", self.handled);
        }
        Ok(Some(fate))
    }

    fn fate(&self, message: &BorrowedMessage<'_>) -> Fate {
        let poison = &self.settings.stall_on;
        let key = message.key().unwrap_or_default();
        if !poison.is_empty() && key.starts_with(poison.as_bytes()) {
            return Fate::Stalled;
        }
        self.settings.shares().fate(message.topic(), message.partition(), message.offset())
    }

    /// Hangs: the member stays in the group and its heartbeats go on, nothing behind is committed.
    async fn stall(&mut self, topic: &str, partition: i32, offset: i64) -> anyhow::Result<()> {
        tracing::warn!(at_ms = now_millis(), "stalled at {topic}/{partition}/{offset}");
        match self.settings.stall_scope {
            StallScope::Partition => {
                self.stalled.insert((topic.to_owned(), partition));
                let mut paused = TopicPartitionList::new();
                paused.add_partition(topic, partition);
                self.consumer.pause(&paused).context("pausing")?;
            }
            StallScope::Consumer => {
                let all = self.consumer.assignment().context("asking for the assignment")?;
                self.consumer.pause(&all).context("pausing")?;
                for element in all.elements() {
                    self.stalled.insert((element.topic().to_owned(), element.partition()));
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn work(&mut self) {
        self.debt += self.settings.work_per_message;
        if SHORTEST_SLEEP <= self.debt {
            let started = Instant::now();
            tokio::time::sleep(self.debt).await;
            self.debt = self.debt.saturating_sub(started.elapsed());
        }
    }

    fn acknowledge(
        &self,
        place: Place,
        fate: Fate,
    ) -> impl Future<Output = (Place, anyhow::Result<()>)> + use<> {
        let said = match fate {
            Fate::Processed => Some("processed"),
            Fate::Failed => Some("failed"),
            Fate::Dropped | Fate::Skipped | Fate::Stalled => None,
        };
        let output = self.settings.output_topic.clone();
        let said = said.filter(|_| !output.is_empty());
        let (version, pod) = (self.settings.version.clone(), self.settings.pod_name.clone());
        let producer = self.producer.clone();
        async move {
            let Some(said) = said else { return (place, Ok(())) };
            let key = format!("{}/{}/{}", place.0, place.1, place.2);
            let value =
                serde_json::json!({"fate": said, "version": version, "pod": pod}).to_string();
            let record = FutureRecord::to(&output).key(&key).payload(&value);
            let sent = producer.send(record, Timeout::After(Duration::from_secs(30))).await;
            let outcome = sent.map(drop).map_err(|(error, _)| error);
            (place, outcome.context("acknowledging a record"))
        }
    }

    /// In the order of consumption, so what is stored is always a prefix of what was delivered.
    fn acknowledged(&self, place: &Place, delivered: anyhow::Result<()>) -> anyhow::Result<()> {
        delivered?;
        let mut done = TopicPartitionList::new();
        done.add_partition_offset(&place.0, place.1, Offset::Offset(place.2 + 1))?;
        // Fails when the partition has been taken away meanwhile: its next owner reads it again.
        self.consumer.store_offsets(&done).ok();
        Ok(())
    }
}

/// For the measurement of how soon a stall is found.
#[expect(clippy::disallowed_methods, reason = "a line in a log says when it was written")]
fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn consumer_config(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    let client_id = settings.client_id.as_ref().unwrap_or(&settings.pod_name);
    config
        .set("bootstrap.servers", &settings.bootstrap)
        .set("group.id", &settings.group)
        .set("client.id", client_id)
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", &settings.isolation_level)
        .set("enable.auto.offset.store", "false")
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", settings.commit_interval.as_millis().to_string());
    match settings.group_protocol {
        GroupProtocol::Classic => {
            config.set("partition.assignment.strategy", &settings.assignment_strategy);
            config.set("session.timeout.ms", "10000");
        }
        GroupProtocol::Consumer => {
            config.set("group.protocol", "consumer");
        }
    }
    if !settings.group_instance_id.is_empty() {
        config.set("group.instance.id", &settings.group_instance_id);
    }
    config
}

/// Ready once the group has answered with an assignment, be it an empty one.
struct Membership {
    ready: Arc<AtomicBool>,
}

impl ClientContext for Membership {}

impl ConsumerContext for Membership {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                self.ready.store(true, Ordering::Relaxed);
                tracing::info!(partitions = partitions.count(), "assigned");
            }
            Rebalance::Revoke(partitions) => {
                tracing::info!(partitions = partitions.count(), "revoked");
            }
            Rebalance::Error(error) => tracing::warn!(%error, "rebalancing"),
        }
    }
}
