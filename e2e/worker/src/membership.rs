//! The worker as a member of its group: configuration, rebalances, commits.
//! Commits what the ledger says is done, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use rdkafka::types::RDKafkaErrorCode;

use crate::acknowledge::{Acknowledger, SharedLedger};
use crate::ledger::Partition;
use crate::settings::{GroupProtocol, Settings, Strategy, name};

/// The partitions of a killed worker move after this time; KIP-848 leaves it to the broker.
const SESSION: Duration = Duration::from_secs(10);

/// A topic that is made after its workers is found after this time.
const METADATA_REFRESH: Duration = Duration::from_secs(10);

/// What a rebalance waits for: nearly always a few milliseconds.
const FLUSH: Duration = Duration::from_secs(1);

/// KIP-848 calls no one back about an assignment that is empty from the start: a member without
/// partitions is ready when its coordinator has been there for longer than a heartbeat (5 s).
const ACCEPTED_AFTER: Duration = Duration::from_secs(6);

/// How often that is looked at.
const STATISTICS: Duration = Duration::from_secs(1);

/// Partitions that are named in a line of the log.
const NAMED: usize = 24;

/// Joins the group.
pub fn join(settings: &Settings, member: Member) -> anyhow::Result<BaseConsumer<Member>> {
    let consumer: BaseConsumer<Member> =
        configuration(settings).create_with_context(member).context("making the consumer")?;
    subscribe(&consumer, settings)?;
    Ok(consumer)
}

/// Asks the group for partitions of the topics.
pub fn subscribe(consumer: &BaseConsumer<Member>, settings: &Settings) -> anyhow::Result<()> {
    let topics: Vec<_> = settings.place.topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).context("subscribing")
}

/// Commits what is done and not confirmed yet. A commit that is refused stays due.
pub fn commit(consumer: &BaseConsumer<Member>, mode: CommitMode) {
    let due = consumer.context().ledger.lock().due();
    commit_these(consumer, &due, mode);
}

/// What the callbacks of a member need.
pub struct Member {
    /// Which records are done.
    pub ledger: SharedLedger,
    /// Is waited for before a partition is given up.
    pub acknowledger: Arc<Acknowledger>,
    /// Set once the group has answered with an assignment, be it an empty one.
    pub ready: Arc<AtomicBool>,
}

impl ClientContext for Member {
    fn stats(&self, statistics: Statistics) {
        let Some(group) = statistics.cgrp else { return };
        let age = Duration::from_millis(group.stateage.unsigned_abs());
        if group.state == "up" && ACCEPTED_AFTER <= age {
            self.ready.store(true, Ordering::Relaxed);
        }
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(partitions) => self.give_up(consumer, &listed(partitions)),
            Rebalance::Assign(_) | Rebalance::Error(_) => {}
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                let partitions = listed(partitions);
                tracing::info!("assigned {}", named(&partitions));
                let mut ledger = self.ledger.lock();
                for partition in partitions {
                    ledger.assigned(partition);
                }
                self.ready.store(true, Ordering::Relaxed);
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => tracing::warn!(%error, "rebalancing"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        if let Err(error) = &result
            && error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset)
        {
            tracing::warn!(%error, "a commit was refused; trying again");
        }
        self.confirm(offsets);
    }
}

impl Member {
    /// Commits what is done before the partitions go: their next owner continues there, not after the last regular commit.
    fn give_up(&self, consumer: &BaseConsumer<Self>, partitions: &[Partition]) {
        if consumer.assignment_lost() {
            tracing::warn!("lost {}: others may have them already", named(partitions));
        } else {
            self.acknowledger.flush(FLUSH);
            let mut due = self.ledger.lock().due();
            due.retain(|(partition, _)| partitions.contains(partition));
            commit_these(consumer, &due, CommitMode::Sync);
            tracing::info!("revoked {}", named(partitions));
        }
        let mut paused = self.ledger.lock().stalled();
        paused.retain(|it| partitions.contains(it));
        // librdkafka would keep them paused if they came back.
        if let Err(error) = consumer.resume(&list(&paused)) {
            tracing::warn!(%error, "resuming what is given up");
        }
        let mut ledger = self.ledger.lock();
        for partition in partitions {
            ledger.revoked(partition);
        }
    }

    fn confirm(&self, offsets: &TopicPartitionList) {
        let mut ledger = self.ledger.lock();
        for element in offsets.elements() {
            if let (Ok(()), Offset::Offset(position)) = (element.error(), element.offset()) {
                let (topic, number) = (element.topic().to_owned(), element.partition());
                ledger.committed(&Partition { topic, number }, position);
            }
        }
    }
}

/// Partitions as librdkafka wants them.
pub fn list(partitions: &[Partition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for Partition { topic, number } in partitions {
        list.add_partition(topic, *number);
    }
    list
}

/// Partitions as the ledger wants them.
pub fn listed(partitions: &TopicPartitionList) -> Vec<Partition> {
    let elements = partitions.elements();
    let partition = |it: &TopicPartitionListElem<'_>| Partition {
        topic: it.topic().to_owned(),
        number: it.partition(),
    };
    elements.iter().map(partition).collect()
}

fn commit_these(consumer: &BaseConsumer<Member>, due: &[(Partition, i64)], mode: CommitMode) {
    if due.is_empty() {
        return;
    }
    let mut offsets = TopicPartitionList::with_capacity(due.len());
    for (Partition { topic, number }, position) in due {
        // Refused only for an offset that is no offset.
        offsets.add_partition_offset(topic, *number, Offset::Offset(*position)).ok();
    }
    match (consumer.commit(&offsets, mode), mode) {
        // The answer goes to `commit_callback`.
        (Ok(()), CommitMode::Async) => {}
        // librdkafka reports no callback for a commit that was waited for.
        (Ok(()), CommitMode::Sync) => consumer.context().confirm(&offsets),
        (Err(error), _) => tracing::warn!(%error, "could not commit"),
    }
}

/// `orders/0 orders/4`, cut where a line would be too long.
fn named(partitions: &[Partition]) -> String {
    let names = partitions.iter().take(NAMED).map(ToString::to_string);
    let names = names.collect::<Vec<_>>().join(" ");
    match partitions.len() {
        0 => "nothing".to_owned(),
        count if NAMED < count => format!("{names} … ({count})"),
        _ => names,
    }
}

fn configuration(settings: &Settings) -> ClientConfig {
    let (place, membership) = (&settings.place, &settings.membership);
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &place.bootstrap)
        .set("group.id", &place.group)
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", name(&membership.isolation_level))
        .set("topic.metadata.refresh.interval.ms", METADATA_REFRESH.as_millis().to_string())
        // The ledger commits.
        .set("enable.auto.commit", "false");
    if let Some(client_id) = place.client_id() {
        config.set("client.id", client_id);
    }
    if !membership.group_instance_id.is_empty() {
        config.set("group.instance.id", &membership.group_instance_id);
    }
    let strategy = membership.assignment_strategy;
    match membership.group_protocol {
        GroupProtocol::Classic => {
            let strategy = strategy.unwrap_or(Strategy::CooperativeSticky);
            config.set("partition.assignment.strategy", name(&strategy));
            config.set("session.timeout.ms", SESSION.as_millis().to_string());
        }
        GroupProtocol::Consumer => {
            config.set("group.protocol", "consumer");
            config.set("statistics.interval.ms", STATISTICS.as_millis().to_string());
            if let Some(strategy) = strategy {
                config.set("group.remote.assignor", name(&strategy));
            }
        }
    }
    config
}
