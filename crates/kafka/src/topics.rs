//! Partitions of listed topics, remembered for a while: groups of one topic ask for them once.
//! Knows no offsets and no owners.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::SampleError;
use crate::requests::Requests;
use crate::snapshot::TopicPartition;

/// Partitions are asked for again after this long: those that were added are seen by then.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// Partitions of the topics that were asked for lately.
#[derive(Default)]
pub(crate) struct KnownTopics(Mutex<HashMap<String, KnownTopic>>);

struct KnownTopic {
    asked: Instant,
    partitions: Vec<TopicPartition>,
}

impl KnownTopics {
    /// All partitions of these topics.
    pub(crate) async fn partitions_of(
        &self,
        requests: &Requests,
        group: &str,
        topics: &[&str],
    ) -> Result<Vec<TopicPartition>, SampleError> {
        let (mut all, unknown) = self.known(topics);
        if unknown.is_empty() {
            return Ok(all);
        }
        let asked = Instant::now();
        let partitions = requests.partitions_of(group, &unknown).await?;
        let mut known = self.0.lock();
        for topic in unknown {
            let of_topic = partitions.iter().filter(|it| &*it.topic == topic).cloned();
            let found = KnownTopic { asked, partitions: of_topic.collect() };
            known.insert(topic.to_owned(), found);
        }
        all.extend(partitions);
        Ok(all)
    }

    /// Partitions of those topics that are known, and the others.
    fn known<'a>(&self, topics: &[&'a str]) -> (Vec<TopicPartition>, Vec<&'a str>) {
        let mut known = self.0.lock();
        known.retain(|_, it| it.asked.elapsed() < GOOD_FOR);
        let (mut all, mut unknown) = (Vec::new(), Vec::new());
        for topic in topics {
            match known.get(*topic) {
                Some(it) => all.extend(it.partitions.iter().cloned()),
                None => unknown.push(*topic),
            }
        }
        (all, unknown)
    }
}
