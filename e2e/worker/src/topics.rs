//! Topics: made if missing, and waited for until they can be written to.
//! Changes nothing about a topic that is there.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::types::RDKafkaErrorCode;

/// A broker that is up answers in milliseconds; one that is starting takes some seconds.
const WITHIN: Duration = Duration::from_secs(20);

/// Pause between two looks whether all partitions have a leader.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Makes the topic if it is missing; returns its number of partitions, whoever made it.
///
/// # Errors
/// The broker refuses, or its partitions have no leader within 20 s.
pub async fn make(bootstrap: &str, topic: &str, partitions: i32) -> anyhow::Result<i32> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .context("making an admin client")?;
    // -1: as many replicas as the broker's default says.
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    let options = AdminOptions::new().request_timeout(Some(WITHIN)).operation_timeout(Some(WITHIN));
    let outcomes = admin.create_topics([&new], &options).await;
    for outcome in outcomes.with_context(|| format!("making topic {topic}"))? {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => bail!("the broker does not make topic {topic}: {code}"),
        }
    }
    let deadline = Instant::now() + WITHIN;
    loop {
        let metadata = admin.inner().fetch_metadata(Some(topic), WITHIN);
        let metadata = metadata.with_context(|| format!("asking for topic {topic}"))?;
        let found = metadata.topics().first().map_or(&[][..], |it| it.partitions());
        if !found.is_empty() && found.iter().all(|it| 0 <= it.leader()) {
            return i32::try_from(found.len()).context("counting partitions");
        }
        if deadline < Instant::now() {
            bail!("topic {topic} has partitions without a leader after {WITHIN:?}");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
