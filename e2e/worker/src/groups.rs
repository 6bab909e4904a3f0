//! Consumer groups by the hundred that have committed and have no members, for what is measured by their number.
//! Makes groups and their topics; produces and consumes nothing.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

/// Most partitions that are made, or committed, by one request: a controller makes no 10,000 at once.
const AT_ONCE: i32 = 1_000;

/// A broker makes a thousand partitions in some seconds.
const WITHIN: Duration = Duration::from_secs(120);

/// Pause before a commit on a topic of which the broker has not heard yet.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// What each group reads.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Topics of a group.
    pub topics: u16,
    /// Partitions of a topic.
    pub partitions: i32,
}

/// Makes the topics of these groups, and commits offset 0 on every partition for each.
///
/// # Errors
/// The broker refuses, or takes longer than two minutes.
pub async fn make(bootstrap: &str, groups: &[String], shape: Shape) -> Result<()> {
    let of_group =
        |group: &String| (0..shape.topics).map(|it| topic(group, it)).collect::<Vec<_>>();
    let names: Vec<String> = groups.iter().flat_map(of_group).collect();
    make_topics(bootstrap, &names, shape.partitions).await?;
    for group in groups {
        commit(bootstrap, group, shape).with_context(|| format!("committing for group {group}"))?;
    }
    Ok(())
}

/// Name of a topic of a group, by its number.
fn topic(group: &str, number: u16) -> String {
    format!("{group}-{number}")
}

async fn make_topics(bootstrap: &str, names: &[String], partitions: i32) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .context("making an admin client")?;
    let options = AdminOptions::new().request_timeout(Some(WITHIN)).operation_timeout(Some(WITHIN));
    let at_once = usize::try_from(AT_ONCE / partitions).unwrap_or(1).max(1);
    for names in names.chunks(at_once) {
        let new = |name| NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
        let new: Vec<_> = names.iter().map(|it| new(it)).collect();
        let outcomes = admin.create_topics(&new, &options).await.context("making topics")?;
        for outcome in outcomes {
            match outcome {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => bail!("the broker does not make topic {name}: {code}"),
            }
        }
    }
    Ok(())
}

fn commit(bootstrap: &str, group: &str, shape: Shape) -> Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .create()
        .context("making a consumer")?;
    let deadline = Instant::now() + WITHIN;
    for number in 0..shape.topics {
        let topic = topic(group, number);
        for first in (0..shape.partitions).step_by(usize::try_from(AT_ONCE)?) {
            let mut offsets = TopicPartitionList::new();
            for partition in first..shape.partitions.min(first + AT_ONCE) {
                offsets.add_partition_offset(&topic, partition, Offset::Offset(0))?;
            }
            while let Err(error) = consumer.commit(&offsets, CommitMode::Sync) {
                if !passes(&error) || deadline < Instant::now() {
                    return Err(error.into());
                }
                thread::sleep(TRY_AGAIN);
            }
        }
    }
    Ok(())
}

/// Whether the broker has not heard of the topic yet, or not made its own one for offsets.
fn passes(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let codes = [
        Code::UnknownTopicOrPartition,
        Code::CoordinatorNotAvailable,
        Code::CoordinatorLoadInProgress,
        Code::NotCoordinator,
        Code::WaitingForCoordinator,
    ];
    error.rdkafka_error_code().is_some_and(|it| codes.contains(&it))
}
