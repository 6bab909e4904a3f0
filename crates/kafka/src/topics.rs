//! Partitions of topics and who leads them, remembered for a while: groups of one topic ask once.
//! Knows no offsets and no owners.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::SampleError;
use crate::ffi::raw::TopicRow;
use crate::leaders::{LedBy, by_leader};
use crate::requests::{Requests, topic_error};
use crate::snapshot::TopicPartition;

/// Topics are asked for again after this long: partitions that were added are seen by then.
const GOOD_FOR: Duration = Duration::from_secs(30);
/// A request without an answer is not made again for this long: each costs those who wait for it
/// 3 s.
const NOT_AGAIN_FOR: Duration = Duration::from_secs(5);
/// What was known is used no longer than this: the cluster has to answer again by then.
const USED_FOR: Duration = Duration::from_secs(120);

/// The topics that were asked for lately.
#[derive(Default)]
pub(crate) struct KnownTopics(Mutex<HashMap<String, KnownTopic>>);

struct KnownTopic {
    /// When it is to be asked for again.
    ask_at: Instant,
    found: Result<Found, SampleError>,
}

struct Found {
    at: Instant,
    partitions: Vec<TopicPartition>,
    /// By number of the partition.
    leaders: HashMap<i32, i32>,
}

impl KnownTopics {
    /// All partitions of these topics.
    pub(crate) async fn partitions_of(
        &self,
        requests: &Requests,
        group: &str,
        topics: &BTreeSet<&str>,
    ) -> Result<Vec<TopicPartition>, SampleError> {
        self.ask(requests, group, topics).await;
        let known = self.0.lock();
        let mut all = Vec::new();
        for it in topics.iter().filter_map(|it| known.get(*it)) {
            all.extend_from_slice(&it.found.as_ref().map_err(Clone::clone)?.partitions);
        }
        Ok(all)
    }

    /// These partitions by leader, as far as leaders are known.
    pub(crate) async fn by_leader(
        &self,
        requests: &Requests,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Vec<LedBy> {
        let topics: BTreeSet<&str> = partitions.iter().map(|it| &*it.topic).collect();
        self.ask(requests, group, &topics).await;
        let known = self.0.lock();
        // Partitions come sorted by topic: each is looked up once.
        let mut of: Option<(&str, Option<&Found>)> = None;
        by_leader(partitions, |id| {
            let (_, found) = match of {
                Some(same) if *same.0 == *id.topic => same,
                Some(_) | None => {
                    let found = known.get(&*id.topic).and_then(|it| it.found.as_ref().ok());
                    *of.insert((&id.topic, found))
                }
            };
            found?.leaders.get(&id.partition).copied()
        })
    }

    /// Asks for those topics that were not asked for lately.
    async fn ask(&self, requests: &Requests, group: &str, topics: &BTreeSet<&str>) {
        let due = self.due(topics);
        if due.is_empty() {
            return;
        }
        let answer = requests.describe_topics(group, &due).await;
        let now = Instant::now();
        let mut known = self.0.lock();
        let error = match answer {
            Ok(rows) => {
                known.extend(rows.into_iter().map(|row| KnownTopic::of(row, now)));
                None
            }
            Err(error) => Some(error),
        };
        for topic in due {
            // One that the answer leaves out is as good as not there.
            let missing = || SampleError::MissingTopic { topic: topic.to_owned() };
            let unknown = || KnownTopic { ask_at: now, found: Err(missing()) };
            let it = known.entry(topic.to_owned()).or_insert_with(unknown);
            if let Some(error) = &error {
                it.fail(error, now);
            }
        }
    }

    /// Those of the topics that are to be asked for now.
    fn due<'a>(&self, topics: &BTreeSet<&'a str>) -> Vec<&'a str> {
        let now = Instant::now();
        let mut known = self.0.lock();
        known.retain(|_, it| now < it.ask_at + USED_FOR);
        let is_due = |topic: &&str| known.get(*topic).is_none_or(|it| it.ask_at <= now);
        topics.iter().copied().filter(is_due).collect()
    }
}

impl KnownTopic {
    /// The topic of an answer, by name.
    fn of(row: TopicRow, now: Instant) -> (String, Self) {
        let TopicRow { topic, partitions, code } = row;
        if code != 0 {
            let found = Err(topic_error(topic.clone(), code));
            return (topic, Self { ask_at: now, found });
        }
        let shared: Arc<str> = Arc::from(topic.as_str());
        let id = |partition| TopicPartition { topic: Arc::clone(&shared), partition };
        let leaders = partitions.iter().filter_map(|it| Some((it.partition, it.leader?)));
        let leaders = leaders.collect();
        let partitions = partitions.iter().map(|it| id(it.partition)).collect();
        (topic, Self { ask_at: now + GOOD_FOR, found: Ok(Found { at: now, partitions, leaders }) })
    }

    /// Notes that it could not be asked for: what was known before is good for a while.
    fn fail(&mut self, error: &SampleError, now: Instant) {
        self.ask_at = now + NOT_AGAIN_FOR;
        if self.found.as_ref().is_ok_and(|it| now < it.at + USED_FOR) {
            return;
        }
        self.found = Err(error.clone());
    }
}
