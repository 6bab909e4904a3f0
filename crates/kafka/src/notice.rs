//! What a client tells beside its samples: lines of librdkafka's log, partitions without offsets.
//! Values and where they go; decides nothing.

use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode as Code;
use serde::{Deserialize, Serialize};

/// Something that a client tells beside its samples.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Notice {
    /// A line of librdkafka's log.
    Line(Line),
    /// Partitions whose log-end offset could not be read in a sample.
    Unread {
        /// Why not.
        reason: UnreadReason,
        /// Number of partitions, at least 1.
        partitions: usize,
    },
    /// The process of a client ended without being told to.
    Crashed,
}

/// A line of librdkafka's log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Line {
    /// Whether librdkafka calls it a warning or worse.
    pub is_warning: bool,
    /// librdkafka's name for what it is about.
    pub facility: String,
    /// The line. Parts of it may come from a broker.
    pub text: String,
}

/// Receives the notices of clients, on any thread. It must not block.
pub type Notices = Arc<dyn Fn(Notice) + Send + Sync>;

/// Why a partition's leader gave no offset.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::IntoStaticStr,
    strum::EnumIter,
    Deserialize,
    Serialize,
)]
pub enum UnreadReason {
    /// The leader did not answer in time, or could not be reached.
    NoAnswer,
    /// The partition has no leader now, or none that is known yet.
    NoLeader,
    /// The broker that was asked leads the partition no more.
    NotLeader,
    /// Our epoch of the leader is older than the broker's.
    FencedLeaderEpoch,
    /// Our epoch of the leader is newer than the broker's.
    UnknownLeaderEpoch,
    /// The partition is not known, not yet or no more.
    UnknownPartition,
    /// Any other error.
    Other,
}

impl UnreadReason {
    /// Reason for a row without an offset, by its error code; 0: nobody answered.
    pub(crate) fn of(code: i32) -> Self {
        const CODES: [(Code, UnreadReason); 9] = [
            (Code::NoError, UnreadReason::NoAnswer),
            (Code::OperationTimedOut, UnreadReason::NoAnswer),
            (Code::BrokerTransportFailure, UnreadReason::NoAnswer),
            (Code::LeaderNotAvailable, UnreadReason::NoLeader),
            (Code::NotLeaderForPartition, UnreadReason::NotLeader),
            (Code::FencedLeaderEpoch, UnreadReason::FencedLeaderEpoch),
            (Code::UnknownLeaderEpoch, UnreadReason::UnknownLeaderEpoch),
            (Code::UnknownPartition, UnreadReason::UnknownPartition),
            (Code::UnknownTopicOrPartition, UnreadReason::UnknownPartition),
        ];
        let known = CODES.iter().find(|(known, _)| *known as i32 == code);
        known.map_or(Self::Other, |(_, reason)| *reason)
    }

    /// The variant's name: a closed set, for a metric's label.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Writes lines of librdkafka's log to `tracing`, and drops the other notices.
pub(crate) fn traced() -> Notices {
    Arc::new(|notice| match notice {
        Notice::Line(line) => line.trace(),
        Notice::Unread { .. } | Notice::Crashed => {}
    })
}

impl Line {
    /// Writes the line to `tracing`. Never at error: the failed call is told by whoever made it.
    pub fn trace(&self) {
        let Self { is_warning, facility, text } = self;
        if *is_warning {
            tracing::warn!(target: "librdkafka", facility, "{text}");
        } else {
            tracing::info!(target: "librdkafka", facility, "{text}");
        }
    }
}
