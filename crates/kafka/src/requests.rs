//! Calls to one cluster: cut into chunks, bounded in time, failures explained.
//! Makes no snapshot; knows of a group only its name.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select, try_join_all};
use futures::{StreamExt, TryStreamExt, stream};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::task::spawn_blocking;

use crate::config::ClusterConfig;
use crate::error::{Attempt, GroupKind, Resource, SampleError};
use crate::ffi;
use crate::ffi::raw::{
    CallError, INVALID_ARGUMENT, LIST_LENGTH, LogOffset, OffsetRow, RawGroup, TopicRow,
};
use crate::handle::{Connection, Handle};
use crate::leaders::{LedBy, unread};
use crate::notice::{Notice, Notices};
use crate::pace::Pace;
use crate::snapshot::TopicPartition;

/// Calls under way at one time to a coordinator: enough to keep it busy, few enough for it not to
/// notice.
const CALLS_AT_ONCE: usize = 4;

/// Topics that one call asks for: calls for topics come one after the other.
const TOPICS_A_CALL: usize = 1_000;

/// The calls that a snapshot needs, to one cluster.
pub(crate) struct Requests {
    connection: Connection,
    pace: Pace,
}

impl Requests {
    /// Sets up a client; it connects in the background.
    pub(crate) fn new(
        cluster: &ClusterConfig,
        pace: Pace,
        notices: Notices,
    ) -> Result<Self, SampleError> {
        Ok(Self { connection: Connection::new(cluster.clone(), pace, notices)?, pace })
    }

    /// State and members of the group.
    pub(crate) async fn describe_group(&self, group: &str) -> Result<RawGroup, SampleError> {
        let handle = self.connection.handle()?;
        let call = ffi::describe_group(&handle, group, self.pace.call);
        let asked = Asked { attempted: Attempt::DescribeGroup, group, deadline: self.pace.call };
        self.conclude(&handle, asked, call).await
    }

    /// Whether a broker lists a group of this name that it describes to no consumer. `None`: not all
    /// brokers answered.
    pub(crate) async fn lists_foreign(&self, group: &str) -> Option<bool> {
        let handle = self.connection.handle().ok()?;
        let (group, deadline) = (group.to_owned(), self.pace.leader);
        // librdkafka has no such call that does not block.
        let listed = spawn_blocking(move || ffi::listed_state(&handle, &group, deadline)).await;
        Some(listed.ok()?.ok()?.is_some_and(|state| state == DEAD))
    }

    /// These topics with their partitions; errors of single topics are in their rows.
    pub(crate) async fn describe_topics(
        &self,
        group: &str,
        topics: &[&str],
    ) -> Result<Vec<TopicRow>, SampleError> {
        let handle = self.connection.handle()?;
        let deadline = self.pace.leader;
        let mut rows = Vec::new();
        for chunk in topics.chunks(TOPICS_A_CALL) {
            let call = ffi::describe_topics(&handle, chunk, deadline);
            let asked = Asked { attempted: Attempt::DescribeTopics, group, deadline };
            rows.extend(self.conclude(&handle, asked, call).await?);
        }
        Ok(rows)
    }

    /// The group's committed offsets.
    pub(crate) async fn committed_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<OffsetRow>, SampleError> {
        let handle = self.connection.handle()?;
        let calls = partitions
            .chunks(LIST_LENGTH)
            .map(|chunk| ffi::committed_offsets(&handle, group, chunk, self.pace.call));
        let (attempted, deadline) = (Attempt::CommittedOffsets, self.pace.call);
        let asked = Asked { attempted, group, deadline };
        allowed(self.conclude(&handle, asked, together(calls)).await?)
    }

    /// One end of the log of each partition; rows that an ACL hides are among them. A leader that
    /// gives no answer costs the offsets of its own partitions, which have no row then.
    pub(crate) async fn log_offsets(
        &self,
        group: &str,
        led: &[LedBy],
        which: LogOffset,
    ) -> Result<Vec<OffsetRow>, SampleError> {
        let handle = self.connection.handle()?;
        let rows = led.iter().map(|it| it.log_offsets(&handle, which, self.pace.leader));
        // Collected first: a lazy iterator in a stream is one borrow too many for `Send`.
        let rows: Vec<_> = rows.collect();
        let rows = try_join_all(rows).await;
        rows.map(|it| it.concat()).map_err(|it| answered_error(Attempt::LogOffsets, group, it))
    }

    /// Tells how many of these partitions have no row with an offset, by reason.
    pub(crate) fn tell_unread(&self, led: &[LedBy], rows: &[OffsetRow]) {
        for (reason, partitions) in unread(led, rows) {
            self.connection.tell(Notice::Unread { reason, partitions });
        }
    }

    /// Last error of the connection itself, if any.
    pub(crate) fn connection_error(&self) -> Option<SampleError> {
        self.connection.complaint()
    }

    /// Waits for the answer; without one, says what went wrong.
    async fn conclude<T>(
        &self,
        handle: &Arc<Handle>,
        asked: Asked<'_>,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, SampleError> {
        let Asked { attempted, group, deadline } = asked;
        let timeout = || SampleError::Timeout { attempted, deadline };
        let refused = pin!(handle.context().refused());
        match select(pin!(call), refused).await {
            Either::Left((Ok(answer), _)) => {
                handle.context().succeeded();
                Ok(answer)
            }
            Either::Left((Err(error), _)) if error.was_not_answered() => {
                let timed_out = [Code::OperationTimedOut, Code::TimedOutQueue];
                let complaint = self.connection.complaint_of(handle);
                Err(complaint.unwrap_or_else(|| {
                    // A connection that broke under a request may not be told of otherwise.
                    if timed_out.iter().any(|code| *code as i32 == error.code) {
                        timeout()
                    } else {
                        self.connection.unreachable(error.detail)
                    }
                }))
            }
            Either::Left((Err(error), _)) => Err(answered_error(attempted, group, error)),
            Either::Right(_) => {
                let error = self.connection.complaint_of(handle).unwrap_or_else(timeout);
                self.connection.refuse(handle, error.clone());
                Err(error)
            }
        }
    }
}

/// What is asked for, for messages.
struct Asked<'a> {
    attempted: Attempt,
    group: &'a str,
    deadline: Duration,
}

/// Makes the calls, [`CALLS_AT_ONCE`] at a time, and joins their answers in order.
async fn together<F>(calls: impl Iterator<Item = F>) -> Result<Vec<OffsetRow>, CallError>
where
    F: Future<Output = Result<Vec<OffsetRow>, CallError>>,
{
    // Collected first: a lazy iterator in a stream is one borrow too many for `Send`.
    let calls: Vec<F> = calls.collect();
    stream::iter(calls).buffered(CALLS_AT_ONCE).try_concat().await
}

/// State of a group that a coordinator does not know, or that is not of the classic protocol.
const DEAD: &str = "Dead";

/// Protocol type of a classic group that is none of consumers, in librdkafka's words.
fn foreign_protocol(error: &CallError) -> Option<&str> {
    let told = error.detail.strip_suffix(").").filter(|_| error.code == INVALID_ARGUMENT)?;
    told.rsplit_once(" is not a consumer group (").map(|(_, protocol_type)| protocol_type)
}

/// Error of a sample for an error code that Kafka answered with.
fn answered_error(attempted: Attempt, group: &str, error: CallError) -> SampleError {
    let is = |code: Code| code as i32 == error.code;
    if let Some(protocol_type) = foreign_protocol(&error) {
        let kind = GroupKind::of_protocol_type(protocol_type);
        SampleError::NotAConsumerGroup { group: group.to_owned(), kind }
    } else if is(Code::GroupIdNotFound) {
        SampleError::UnknownGroup { group: group.to_owned() }
    } else if is(Code::GroupAuthorizationFailed) {
        SampleError::Unauthorized { what: Resource::Group(group.to_owned()) }
    } else if is(Code::TopicAuthorizationFailed) || is(Code::ClusterAuthorizationFailed) {
        SampleError::Unauthorized { what: Resource::Topics }
    } else {
        SampleError::Protocol { attempted, code: error.code, detail: error.detail }
    }
}

/// Error of a sample for an error code of one listed topic.
pub(crate) fn topic_error(topic: String, code: i32) -> SampleError {
    let is = |known: Code| known as i32 == code;
    if is(Code::UnknownTopicOrPartition) || is(Code::InvalidTopic) {
        SampleError::MissingTopic { topic }
    } else if is(Code::TopicAuthorizationFailed) {
        SampleError::Unauthorized { what: Resource::Topic(topic) }
    } else {
        let detail = format!("topic {topic:?}");
        SampleError::Protocol { attempted: Attempt::DescribeTopics, code, detail }
    }
}

/// Refuses rows that an ACL hides. Other errors of single partitions are let through: a leader is
/// moving, and they pass by themselves.
pub(crate) fn allowed(rows: Vec<OffsetRow>) -> Result<Vec<OffsetRow>, SampleError> {
    match rows.iter().find(|row| row.code == Code::TopicAuthorizationFailed as i32) {
        Some(row) => {
            Err(SampleError::Unauthorized { what: Resource::Topic(row.id.topic.to_string()) })
        }
        None => Ok(rows),
    }
}

#[cfg(test)]
mod tests;
