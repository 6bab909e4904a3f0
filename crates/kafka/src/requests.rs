//! Calls to one cluster: cut into chunks, bounded in time, failures explained.
//! Makes no snapshot; knows of a group only its name.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use futures::{StreamExt, TryStreamExt, stream};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::config::ClusterConfig;
use crate::error::{Attempt, Resource, SampleError};
use crate::ffi;
use crate::ffi::raw::{CallError, LogOffset, OffsetRow, RawGroup};
use crate::handle::{Connection, Handle};
use crate::log_context::Cause;
use crate::snapshot::TopicPartition;

/// Most partitions or topics of one call. librdkafka is quadratic in the length of a list: 10,000
/// partitions at once take seven times as long as in ten lists.
const LIST_LENGTH: usize = 1_000;
/// Calls under way at one time: enough to keep several brokers busy, few enough for them not to
/// notice.
const CALLS_AT_ONCE: usize = 4;

/// librdkafka's codes for a call that no broker answered: the connection's own errors say why.
const NOT_ANSWERED: [Code; 5] = [
    Code::OperationTimedOut,
    Code::BrokerTransportFailure,
    Code::Resolve,
    Code::AllBrokersDown,
    Code::TimedOutQueue,
];

/// The calls that a snapshot needs, to one cluster.
pub(crate) struct Requests {
    connection: Connection,
    deadline: Duration,
}

impl Requests {
    /// Sets up a client; it connects in the background. `deadline` bounds each call.
    pub(crate) fn new(cluster: &ClusterConfig, deadline: Duration) -> Result<Self, SampleError> {
        Ok(Self { connection: Connection::new(cluster.clone())?, deadline })
    }

    /// State and members of the group.
    pub(crate) async fn describe_group(&self, group: &str) -> Result<RawGroup, SampleError> {
        let handle = self.connection.handle()?;
        let call = ffi::describe_group(&handle, group, self.deadline);
        self.conclude(&handle, Attempt::DescribeGroup, group, call).await
    }

    /// All partitions of these topics.
    pub(crate) async fn partitions_of(
        &self,
        group: &str,
        topics: &[&str],
    ) -> Result<Vec<TopicPartition>, SampleError> {
        let handle = self.connection.handle()?;
        let mut partitions = Vec::new();
        for chunk in topics.chunks(LIST_LENGTH) {
            let call = ffi::describe_topics(&handle, chunk, self.deadline);
            for row in self.conclude(&handle, Attempt::DescribeTopics, group, call).await? {
                if row.code != 0 {
                    return Err(topic_error(row.topic, row.code));
                }
                let topic: Arc<str> = Arc::from(row.topic);
                let count = i32::try_from(row.partitions).unwrap_or(i32::MAX);
                partitions.extend(
                    (0..count).map(|partition| TopicPartition { topic: topic.clone(), partition }),
                );
            }
        }
        Ok(partitions)
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
            .map(|chunk| ffi::committed_offsets(&handle, group, chunk, self.deadline));
        allowed(self.conclude(&handle, Attempt::CommittedOffsets, group, together(calls)).await?)
    }

    /// One end of the log of each partition; rows that an ACL hides are among them.
    pub(crate) async fn log_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
        which: LogOffset,
    ) -> Result<Vec<OffsetRow>, SampleError> {
        let handle = self.connection.handle()?;
        let calls = partitions.chunks(LIST_LENGTH).map(async |chunk| {
            match ffi::log_offsets(&handle, chunk, which, self.deadline).await {
                // None of them has a leader now: no offsets, but no failure of the call either.
                Err(error) if error.code == Code::NoEnt as i32 => Ok(Vec::new()),
                outcome => outcome,
            }
        });
        self.conclude(&handle, Attempt::LogOffsets, group, together(calls)).await
    }

    /// Last error of the connection itself, if any.
    pub(crate) fn connection_error(&self) -> Option<SampleError> {
        self.complaint_of(&self.connection.last_handle())
    }

    fn complaint_of(&self, handle: &Handle) -> Option<SampleError> {
        let (cause, detail) = handle.context().cause()?;
        let servers = self.connection.servers();
        Some(match cause {
            Cause::Authentication => SampleError::AuthenticationFailed { servers, detail },
            Cause::Tls => SampleError::TlsFailed { servers, detail },
            Cause::Transport | Cause::AllDown => SampleError::Unreachable { servers, detail },
        })
    }

    /// Waits for the answer; without one, says what went wrong.
    async fn conclude<T>(
        &self,
        handle: &Handle,
        attempted: Attempt,
        group: &str,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, SampleError> {
        let unanswered = || {
            let timeout = SampleError::Timeout { attempted, deadline: self.deadline };
            self.complaint_of(handle).unwrap_or(timeout)
        };
        let refused = pin!(handle.context().refused());
        match select(pin!(call), refused).await {
            Either::Left((Ok(answer), _)) => {
                handle.context().succeeded();
                Ok(answer)
            }
            Either::Left((Err(error), _)) => {
                if NOT_ANSWERED.iter().any(|code| *code as i32 == error.code) {
                    Err(unanswered())
                } else {
                    Err(answered_error(attempted, group, error))
                }
            }
            Either::Right(_) => Err(unanswered()),
        }
    }
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

/// Error of a sample for an error code that Kafka answered with.
fn answered_error(attempted: Attempt, group: &str, error: CallError) -> SampleError {
    let is = |code: Code| code as i32 == error.code;
    if is(Code::GroupIdNotFound) {
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
fn topic_error(topic: String, code: i32) -> SampleError {
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
