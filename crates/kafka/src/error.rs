//! Why there is no snapshot: one variant for each thing that a reader would do differently.
//! Every message says what was attempted and what to do; none holds a secret.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a consumer group could not be sampled.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    thiserror::Error,
    strum::IntoStaticStr,
    strum::VariantNames,
    Deserialize,
    Serialize,
)]
pub enum SampleError {
    /// No broker could be reached.
    #[error(
        "cannot reach Kafka at {servers} ({detail}); check the addresses, network policies, and \
         whether that listener expects TLS or SASL"
    )]
    Unreachable {
        /// The bootstrap servers.
        servers: String,
        /// librdkafka's last error text.
        detail: String,
    },
    /// A broker refused user name or password.
    #[error(
        "Kafka at {servers} refused the credentials ({detail}); check `username`, `password` and \
         `sasl.mechanism` in the credentials Secret"
    )]
    AuthenticationFailed {
        /// The bootstrap servers.
        servers: String,
        /// librdkafka's last error text.
        detail: String,
    },
    /// The TLS handshake failed: wrong CA, wrong host name, or our certificate was refused.
    #[error(
        "the TLS handshake with Kafka at {servers} failed ({detail}); check `ca.crt`, the host \
         name, and `tls.crt` with `tls.key` in the credentials Secret"
    )]
    TlsFailed {
        /// The bootstrap servers.
        servers: String,
        /// librdkafka's last error text.
        detail: String,
    },
    /// An ACL is missing.
    #[error("Kafka does not allow reading {what}; grant DESCRIBE on it to the operator's user")]
    Unauthorized {
        /// The resource that may not be described.
        what: Resource,
    },
    /// The group does not exist (any more).
    #[error(
        "consumer group {group:?} does not exist; check its name, and that the consumers \
         subscribe rather than assign partitions themselves"
    )]
    UnknownGroup {
        /// The group.
        group: String,
    },
    /// The group is there, and its members are no consumers as the Consumer API has them.
    #[error("{group:?} is {kind}, not a consumer group: {}", .kind.remedy())]
    NotAConsumerGroup {
        /// The group.
        group: String,
        /// What it is.
        kind: GroupKind,
    },
    /// A topic that was asked for does not exist.
    #[error("topic {topic:?} does not exist; check its name")]
    MissingTopic {
        /// The topic.
        topic: String,
    },
    /// More partitions than one sample may hold.
    #[error(
        "the group has {count} partitions, more than the {limit} that one sample may hold; \
         list fewer topics"
    )]
    TooManyPartitions {
        /// Partitions of the group.
        count: usize,
        /// Most partitions of one sample.
        limit: usize,
    },
    /// Kafka was reached before, but did not answer in time.
    #[error("{attempted}: no answer within {} s; check the load of the brokers", .deadline.as_secs())]
    Timeout {
        /// The request that failed.
        attempted: Attempt,
        /// How long the answer was waited for.
        deadline: Duration,
    },
    /// Kafka answered with an error that has no variant of its own.
    #[error("{attempted}: Kafka answered with error {code} ({detail})")]
    Protocol {
        /// The request that failed.
        attempted: Attempt,
        /// Kafka's error code; negative ones are librdkafka's own.
        code: i32,
        /// Kafka's or librdkafka's error text.
        detail: String,
    },
    /// The process of the Kafka client ended, mostly by what a broker answered.
    #[error(
        "the Kafka client of {servers} ended ({detail}); check that these are brokers of a Kafka \
         cluster, and look for what ended it in the log of the operator"
    )]
    KafkaClientCrashed {
        /// The bootstrap servers.
        servers: String,
        /// How it ended, and when it is started again.
        detail: String,
    },
    /// librdkafka refused to make a client.
    #[error(
        "cannot set up a Kafka client ({detail}); check the PEM data in the credentials Secret"
    )]
    Setup {
        /// librdkafka's reason.
        detail: String,
    },
}

/// A request to Kafka, as error messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, Deserialize, Serialize)]
pub enum Attempt {
    /// State and members of the group.
    #[strum(to_string = "describing the consumer group")]
    DescribeGroup,
    /// Partitions of the listed topics.
    #[strum(to_string = "describing the topics")]
    DescribeTopics,
    /// The group's committed offsets.
    #[strum(to_string = "reading the committed offsets")]
    CommittedOffsets,
    /// First and last offsets of the partitions.
    #[strum(to_string = "reading the first and last offsets")]
    LogOffsets,
    /// A whole sample: group, topics and offsets.
    #[strum(to_string = "sampling the consumer group")]
    Sample,
}

/// What a group is that is no group of consumers.
#[derive(Clone, Debug, PartialEq, Eq, strum::Display, Deserialize, Serialize)]
pub enum GroupKind {
    /// Workers of Kafka Connect.
    #[strum(to_string = "the group of Kafka Connect's workers")]
    Connect,
    /// A share group (KIP-932), or a streams group (KIP-1071): to a client that knows neither, brokers
    /// tell no more.
    #[strum(to_string = "a share group, or a streams group of the new protocol")]
    ShareOrStreams,
    /// A classic group of another protocol type.
    #[strum(to_string = "a group of the protocol type {0:?}")]
    Other(String),
}

/// Something that an ACL protects.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Resource {
    /// A consumer group.
    Group(String),
    /// A topic.
    Topic(String),
    /// Topics of the group that Kafka does not name.
    Topics,
}

impl SampleError {
    /// The variant's name: a closed set, for metric labels and Event reasons.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Whether Kafka was reached and gave this error as its answer. A sampler then asks again at
    /// its usual pace; after any other error it slows down.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Unauthorized { .. }
            | Self::UnknownGroup { .. }
            | Self::NotAConsumerGroup { .. }
            | Self::MissingTopic { .. }
            | Self::TooManyPartitions { .. } => true,
            // Negative codes are librdkafka's own.
            Self::Protocol { code, .. } => *code > 0,
            Self::Unreachable { .. }
            | Self::AuthenticationFailed { .. }
            | Self::TlsFailed { .. }
            | Self::Timeout { .. }
            | Self::KafkaClientCrashed { .. }
            | Self::Setup { .. } => false,
        }
    }
}

impl GroupKind {
    /// The kind of a classic group with this protocol type.
    pub(crate) fn of_protocol_type(name: &str) -> Self {
        match name {
            "connect" => Self::Connect,
            "share" | "streams" => Self::ShareOrStreams,
            other => Self::Other(other.to_owned()),
        }
    }

    /// What to do about it.
    const fn remedy(&self) -> &'static str {
        match self {
            Self::Connect => {
                "its members own connectors and tasks, no partitions; name the group with which the \
                 consumers subscribe (connect-NAME for those of a sink connector)"
            }
            Self::ShareOrStreams => {
                "who has which partition can't be told; let a Kafka Streams application use \
                 group.protocol=classic. Share consumers own no partition, so that none can be a \
                 canary"
            }
            Self::Other(_) => {
                "its members own no partitions; name the group with which the consumers subscribe"
            }
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "consumer group {name:?}"),
            Self::Topic(name) => write!(f, "topic {name:?}"),
            Self::Topics => f.write_str("all topics of the group"),
        }
    }
}
