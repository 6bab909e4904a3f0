//! Calls to the leaders of partitions, one leader a call: a broker that is lost keeps up nobody but those it leads.
//! Knows no group; who leads what is given.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::ffi;
use crate::ffi::raw::{CallError, LIST_LENGTH, LogOffset, OffsetRow, TIMED_OUT};
use crate::handle::Handle;
use crate::notice::UnreadReason;
use crate::snapshot::TopicPartition;

/// Calls under way at one time to one leader: while it answers one, the next are there, and what it
/// answered before is read.
const CALLS_A_LEADER: usize = 4;

/// Partitions that one broker leads, as far as is known. Another broker may lead them by now:
/// librdkafka asks the right one all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedBy {
    /// The broker's id; `None`: not known, or nobody.
    pub(crate) leader: Option<i32>,
    pub(crate) partitions: Vec<TopicPartition>,
}

/// The partitions, by leader.
pub(crate) fn by_leader<'a>(
    partitions: &'a [TopicPartition],
    mut leader: impl FnMut(&'a TopicPartition) -> Option<i32>,
) -> Vec<LedBy> {
    let mut led: BTreeMap<Option<i32>, Vec<TopicPartition>> = BTreeMap::new();
    for id in partitions {
        led.entry(leader(id)).or_default().push(id.clone());
    }
    led.into_iter().map(|(leader, partitions)| LedBy { leader, partitions }).collect()
}

/// Those of them that are wanted, by leader.
pub(crate) fn only(led: &[LedBy], wanted: &[TopicPartition]) -> Vec<LedBy> {
    let wanted: HashSet<&TopicPartition> = wanted.iter().collect();
    let of_leader = |LedBy { leader, partitions }: &LedBy| {
        let partitions = partitions.iter().filter(|it| wanted.contains(it)).cloned();
        LedBy { leader: *leader, partitions: partitions.collect() }
    };
    led.iter().map(of_leader).collect()
}

impl LedBy {
    /// One end of the log of each partition. Where the leader does not answer there is no row; once
    /// it has not, it is not asked for the rest.
    pub(crate) async fn log_offsets(
        &self,
        handle: &Arc<Handle>,
        which: LogOffset,
        deadline: Duration,
    ) -> Result<Vec<OffsetRow>, CallError> {
        let is_silent = AtomicBool::new(false);
        let calls = self.partitions.chunks(LIST_LENGTH).map(async |chunk| {
            if is_silent.load(Ordering::Relaxed) {
                return Ok(Vec::new());
            }
            let rows = match ffi::log_offsets(handle, chunk, which, deadline).await {
                // None of them has a leader now.
                Err(error) if error.code == Code::NoEnt as i32 => leaderless(chunk),
                Err(error) if error.was_not_answered() => Vec::new(),
                Err(error) => return Err(error),
                Ok(rows) => rows,
            };
            // Of leaders that are not known there may be several.
            if self.leader.is_some() && rows.iter().all(is_unanswered) {
                is_silent.store(true, Ordering::Relaxed);
            }
            Ok(rows)
        });
        // Collected first: a lazy iterator in a stream is one borrow too many for `Send`.
        let calls: Vec<_> = calls.collect();
        stream::iter(calls).buffered(CALLS_A_LEADER).try_concat().await
    }
}

fn leaderless(partitions: &[TopicPartition]) -> Vec<OffsetRow> {
    let code = Code::LeaderNotAvailable as i32;
    partitions.iter().map(|id| OffsetRow { id: id.clone(), offset: None, code }).collect()
}

/// Whether nobody answered for this partition: librdkafka leaves its row as it was.
fn is_unanswered(row: &OffsetRow) -> bool {
    row.offset.is_none() && [0, TIMED_OUT, Code::BrokerTransportFailure as i32].contains(&row.code)
}

/// How many of the partitions have no offset, by reason.
pub(crate) fn unread(led: &[LedBy], rows: &[OffsetRow]) -> BTreeMap<UnreadReason, usize> {
    let mut counts = BTreeMap::new();
    let asked: usize = led.iter().map(|it| it.partitions.len()).sum();
    if rows.len() == asked && rows.iter().all(|it| it.offset.is_some()) {
        return counts;
    }
    let mut answered = HashSet::new();
    for row in rows {
        answered.insert(&row.id);
        if row.offset.is_none() {
            *counts.entry(UnreadReason::of(row.code)).or_default() += 1;
        }
    }
    let asked = led.iter().flat_map(|it| &it.partitions);
    let silent = asked.filter(|id| !answered.contains(id)).count();
    if 0 < silent {
        *counts.entry(UnreadReason::NoAnswer).or_default() += silent;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(partition: i32) -> TopicPartition {
        TopicPartition { topic: Arc::from("t"), partition }
    }

    #[test]
    fn partitions_are_asked_for_leader_by_leader() {
        let leader = |id: &TopicPartition| match id.partition {
            0 | 2 => Some(1),
            1 => Some(2),
            _ => None,
        };
        let led = by_leader(&[id(0), id(1), id(2), id(3)], leader);
        let numbers = |it: &LedBy| it.partitions.iter().map(|id| id.partition).collect::<Vec<_>>();
        let found: Vec<_> = led.iter().map(|it| (it.leader, numbers(it))).collect();
        assert_eq!(found, [(None, vec![3]), (Some(1), vec![0, 2]), (Some(2), vec![1])]);
        let found: Vec<_> =
            only(&led, &[id(2), id(3)]).iter().map(|it| (it.leader, numbers(it))).collect();
        assert_eq!(found, [(None, vec![3]), (Some(1), vec![2]), (Some(2), vec![])]);
    }

    #[test]
    fn missing_offsets_are_counted_by_name() {
        let partitions = (0..6).map(id).collect();
        let led = [LedBy { leader: Some(1), partitions }];
        let row = |partition, offset, code: Code| OffsetRow {
            id: id(partition),
            offset,
            code: code as i32,
        };
        let rows = [
            row(0, Some(7), Code::NoError),
            row(1, None, Code::FencedLeaderEpoch),
            row(2, None, Code::UnknownLeaderEpoch),
            row(3, None, Code::UnknownPartition),
            row(4, None, Code::NoError),
        ];
        let counts: Vec<_> = unread(&led, &rows).into_iter().collect();
        let expected = [
            (UnreadReason::NoAnswer, 2),
            (UnreadReason::FencedLeaderEpoch, 1),
            (UnreadReason::UnknownLeaderEpoch, 1),
            (UnreadReason::UnknownPartition, 1),
        ];
        assert_eq!(counts, expected);
    }
}
