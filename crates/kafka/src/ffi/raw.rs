//! Answers of admin calls as owned data, before anybody says what they mean.
//! Plain data: no pointer, no unsafe code, no call.

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::snapshot::TopicPartition;

/// Most partitions of one call. librdkafka (2.12.1) is quadratic in the length of a list, and a broker
/// has work with each request: a sample of 10,000 partitions took 133 ms in lists of 250, 164 in those
/// of 125, 170 in those of 500, and 227 in those of 1,000.
pub(crate) const LIST_LENGTH: usize = 250;

/// librdkafka's code for a call that was not answered in time.
pub(crate) const TIMED_OUT: i32 = -185;
/// librdkafka's code for an argument that cannot be sent.
pub(crate) const INVALID_ARGUMENT: i32 = -186;
/// librdkafka's code for an answer that makes no sense.
pub(crate) const BAD_MESSAGE: i32 = -199;

/// librdkafka's codes for a call that no broker answered: the connection's own errors say why.
const NOT_ANSWERED: [Code; 5] = [
    Code::OperationTimedOut,
    Code::BrokerTransportFailure,
    Code::Resolve,
    Code::AllBrokersDown,
    Code::TimedOutQueue,
];

/// A failed call: Kafka's error code (negative: librdkafka's own) and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallError {
    pub(crate) code: i32,
    pub(crate) detail: String,
}

impl CallError {
    /// Whether no broker answered the call.
    pub(crate) fn was_not_answered(&self) -> bool {
        NOT_ANSWERED.iter().any(|code| *code as i32 == self.code)
    }
}

/// State of a group, as far as librdkafka knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawState {
    Stable,
    Empty,
    /// The group is gone, or never existed.
    Dead,
    /// Any other state; those of KIP-848 are unknown to librdkafka.
    Moving,
}

/// A group as its coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawGroup {
    pub(crate) state: RawState,
    /// Name of the assignor; empty while a classic group rebalances.
    pub(crate) assignor: String,
    pub(crate) members: Vec<RawMember>,
}

/// A member as its coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawMember {
    pub(crate) member_id: String,
    pub(crate) client_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) host: String,
    pub(crate) assignment: Vec<TopicPartition>,
    /// Assignment that a KIP-848 group is moving the member to; `None` in a classic group.
    pub(crate) target: Option<Vec<TopicPartition>>,
}

/// An offset of one partition, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffsetRow {
    pub(crate) id: TopicPartition,
    /// The offset; `None` on an error, and where Kafka has none.
    pub(crate) offset: Option<i64>,
    /// 0, or Kafka's error code for this partition.
    pub(crate) code: i32,
}

/// A topic and its partitions, or why they are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicRow {
    pub(crate) topic: String,
    pub(crate) partitions: Vec<LedPartition>,
    /// 0, or Kafka's error code for this topic.
    pub(crate) code: i32,
}

/// A partition and the broker that leads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LedPartition {
    pub(crate) partition: i32,
    /// The broker's id; `None`: nobody leads it now.
    pub(crate) leader: Option<i32>,
}

/// Which end of a log is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogOffset {
    /// Offset of the first record.
    Start,
    /// Last stable offset.
    StableEnd,
    /// High watermark.
    HighWatermark,
}
