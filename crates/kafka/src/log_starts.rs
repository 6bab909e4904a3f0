//! First offsets of the logs of large groups, remembered for a while: brokers delete records minutes apart.
//! Asks nobody; knows no group and no clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::ffi::raw::OffsetRow;
use crate::snapshot::TopicPartition;

/// A first offset is asked for again after this long. Brokers look for old records every five minutes
/// unless told otherwise (`log.retention.check.interval.ms`); until it is asked for again, that of a
/// log which lost records is too low.
const GOOD_FOR: Duration = Duration::from_secs(30);
/// A topic that nobody asked for in this long is forgotten.
const KEPT_FOR: Duration = Duration::from_secs(120);

/// The first offsets that were read lately.
#[derive(Default)]
pub(crate) struct KnownStarts(Mutex<HashMap<Arc<str>, TopicStarts>>);

struct TopicStarts {
    wanted: Instant,
    partitions: BTreeMap<i32, Start>,
}

/// The first offset of a log, and where the log ended when that was read last.
struct Start {
    asked: Instant,
    offset: i64,
    end: Option<i64>,
}

impl KnownStarts {
    /// Those of the partitions whose first offset is to be asked for now.
    pub(crate) fn due(&self, partitions: &[TopicPartition], now: Instant) -> Vec<TopicPartition> {
        let mut known = self.0.lock();
        known.retain(|_, it| now < it.wanted + KEPT_FOR);
        let mut due = Vec::new();
        for of_topic in partitions.chunk_by(|a, b| a.topic == b.topic) {
            let topic = of_topic.first().and_then(|it| known.get_mut(&it.topic)).map(|it| {
                it.wanted = now;
                &it.partitions
            });
            let start = |id: &TopicPartition| topic?.get(&id.partition);
            let is_due =
                |id: &&TopicPartition| start(id).is_none_or(|it| it.asked + GOOD_FOR <= now);
            due.extend(of_topic.iter().filter(is_due).cloned());
        }
        due
    }

    /// Notes what was answered for partitions that were asked for at this time: one without an offset is
    /// not known any more. What was asked for later stands: answers may overtake each other.
    pub(crate) fn note(&self, wanted: &[TopicPartition], answer: &[OffsetRow], asked: Instant) {
        let mut known = self.0.lock();
        for id in wanted {
            let Some(TopicStarts { partitions, .. }) = known.get_mut(&id.topic) else { continue };
            if partitions.get(&id.partition).is_some_and(|it| it.asked <= asked) {
                partitions.remove(&id.partition);
            }
        }
        for row in answer {
            let Some(offset) = row.offset else { continue };
            let new = || TopicStarts { wanted: asked, partitions: BTreeMap::new() };
            let topic = known.entry(Arc::clone(&row.id.topic)).or_insert_with(new);
            let start = Start { asked, offset, end: None };
            topic.partitions.entry(row.id.partition).or_insert(start);
        }
    }

    /// Notes where logs end. Those that end before they began, or earlier than they did, are others than
    /// before: their topics were made anew.
    pub(crate) fn made_anew(&self, ends: &[OffsetRow]) -> Vec<TopicPartition> {
        let mut known = self.0.lock();
        let mut anew = Vec::new();
        for of_topic in ends.chunk_by(|a, b| a.id.topic == b.id.topic) {
            let topic = of_topic.first().and_then(|it| known.get_mut(&it.id.topic));
            let Some(TopicStarts { partitions, .. }) = topic else { continue };
            for row in of_topic {
                let start = partitions.get_mut(&row.id.partition);
                let Some((start, end)) = start.zip(row.offset) else { continue };
                let before = start.end.replace(end).unwrap_or(start.offset);
                if end < before.max(start.offset) {
                    anew.push(row.id.clone());
                }
            }
        }
        anew
    }

    /// What is known of these partitions.
    pub(crate) fn of(&self, partitions: &[TopicPartition]) -> Vec<OffsetRow> {
        let known = self.0.lock();
        let mut rows = Vec::with_capacity(partitions.len());
        for of_topic in partitions.chunk_by(|a, b| a.topic == b.topic) {
            let topic = of_topic.first().and_then(|it| known.get(&it.topic));
            let row = |id: &TopicPartition| {
                let start = topic?.partitions.get(&id.partition)?;
                Some(OffsetRow { id: id.clone(), offset: Some(start.offset), code: 0 })
            };
            rows.extend(of_topic.iter().filter_map(row));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(partition: i32) -> TopicPartition {
        TopicPartition { topic: Arc::from("t"), partition }
    }

    fn row(partition: i32, offset: Option<i64>) -> OffsetRow {
        OffsetRow { id: id(partition), offset, code: 0 }
    }

    #[test]
    fn a_start_is_asked_for_again_once_it_is_old_or_was_not_read() {
        let (starts, begun) = (KnownStarts::default(), Instant::now());
        let all = [id(0), id(1)];
        assert_eq!(starts.due(&all, begun), all);
        starts.note(&all, &[row(0, Some(3)), row(1, None)], begun);
        assert_eq!(starts.of(&all), [row(0, Some(3))]);
        assert_eq!(starts.due(&all, begun + GOOD_FOR / 2), [id(1)]);
        assert_eq!(starts.due(&all, begun + GOOD_FOR), all);
        starts.note(&all, &[], begun + GOOD_FOR);
        assert_eq!(starts.of(&all), [], "the leader did not answer");
    }

    #[test]
    fn an_answer_that_was_overtaken_changes_nothing() {
        let (starts, begun) = (KnownStarts::default(), Instant::now());
        starts.note(&[id(0)], &[row(0, Some(9))], begun + Duration::from_secs(1));
        starts.note(&[id(0)], &[row(0, Some(3))], begun);
        starts.note(&[id(0)], &[], begun);
        assert_eq!(starts.of(&[id(0)]), [row(0, Some(9))]);
    }

    #[test]
    fn a_log_that_ends_earlier_than_it_did_is_another_one() {
        let (starts, begun) = (KnownStarts::default(), Instant::now());
        let all = [id(0), id(1), id(2)];
        starts.note(&all, &[row(0, Some(7)), row(1, Some(7)), row(2, Some(7))], begun);
        let ends = [row(0, Some(6)), row(1, Some(90)), row(2, None), row(3, Some(0))];
        assert_eq!(starts.made_anew(&ends), [id(0)], "it ends before it began");
        let outgrown = [row(1, Some(89)), row(2, Some(7))];
        assert_eq!(starts.made_anew(&outgrown), [id(1)]);
        assert_eq!(starts.made_anew(&outgrown), [], "told once");
    }

    #[test]
    fn topics_that_nobody_asks_for_are_forgotten() {
        let (starts, begun) = (KnownStarts::default(), Instant::now());
        starts.note(&[id(0)], &[row(0, Some(3))], begun);
        starts.due(&[id(0)], begun + KEPT_FOR / 2);
        starts.due(&[], begun + KEPT_FOR);
        assert_eq!(starts.0.lock().len(), 1, "asked for a minute ago");
        starts.due(&[], begun + KEPT_FOR * 2);
        assert_eq!(starts.0.lock().len(), 0);
    }
}
