//! Kafka seen from outside the group: snapshots of a consumer group and what its members are.
//! Knows nothing of Kubernetes but pod names and addresses; computes no verdict, reads no clock.
//!
//! [`Samplers`] polls each consumer group once, however many rollouts look at it; a
//! [`Subscription`] gives the newest [`GroupSnapshot`] or the reason why there is none;
//! [`attribute()`] turns a snapshot into the observation that the judge takes.
//!
//! | module | purpose |
//! |---|---|
//! | `sampler` | when a group is polled, and who shares the result |
//! | `source` | the seam between samplers and Kafka: one call that takes a snapshot |
//! | `process` | the client in a process of its own, behind that seam |
//! | `client` | which requests make a snapshot, and in which order |
//! | `log_ends` | ends of logs, asked for many groups in one request |
//! | `log_starts` | beginnings of logs, remembered for a while |
//! | `leaders` | calls to one leader each, so that a lost broker keeps up nobody else |
//! | `absent` | why a group is described to nobody: there is none, or it is of another kind |
//! | `topics` | partitions of topics and who leads them, remembered for a while |
//! | `requests` | one request: cut into lists, bounded in time, failures explained |
//! | `handle`, `log_context`, `ffi` | librdkafka: its clients, its log, the admin calls that rdkafka lacks |
//! | `config`, `security`, `pem`, `pace` | which cluster, as whom, and how often |
//! | `snapshot`, `error`, `notice` | the result, or why there is none, and what is told beside it |
//! | `foreign` | texts that strangers wrote, cut and cleaned |
//! | `attribute` | from members to pods and roles |
//!
//! Only DESCRIBE on the group and on its topics is needed. Nothing here joins a group, commits an
//! offset or creates a topic.
//!
//! # Example
//!
//! A partition belongs to the canary when the member that owns it names a canary pod.
//!
//! ```
//! use siskin_analysis::observation::{GroupState, Role};
//! use siskin_kafka::{GroupSnapshot, Member, Partition, PodIdentity, TopicPartition, attribute};
//!
//! let id = TopicPartition { topic: "orders".into(), partition: 0 };
//! let member = Member {
//!     member_id: "consumer-1-4f7a".into(),
//!     client_id: "orders-canary-5d9f-x2b4c".to_owned(),
//!     instance_id: None,
//!     host: None,
//!     assignment: vec![id.clone()],
//! };
//! let partition = Partition {
//!     id,
//!     owner: Some(0),
//!     committed: Some(40),
//!     log_start: Some(0),
//!     log_end: Some(90),
//!     high_watermark: None,
//! };
//! let snapshot = GroupSnapshot {
//!     at: 1_700_000_000_000,
//!     state: GroupState::Stable,
//!     assignor: "range".to_owned(),
//!     epoch: 1,
//!     members: vec![member],
//!     partitions: vec![partition],
//! };
//! let canary = PodIdentity {
//!     name: "orders-canary-5d9f-x2b4c".into(),
//!     ips: vec![],
//!     host_network: false,
//!     node_ips: vec![],
//!     terminating: false,
//!     gone: false,
//!     ready: true,
//!     role: Some(Role::Canary),
//! };
//! let group = attribute(&snapshot, &[canary]);
//! assert_eq!((group.members.canary, group.members.unattributed), (1, 0));
//! assert_eq!(group.partitions[0].log_end, Some(90));
//! ```

mod absent;
mod attribute;
mod client;
mod config;
mod error;
mod ffi;
mod foreign;
mod handle;
mod leaders;
mod log_context;
mod log_ends;
mod log_starts;
mod notice;
mod pace;
mod pem;
mod process;
mod requests;
mod sampler;
mod security;
mod snapshot;
mod source;
mod topics;

pub use attribute::{PodIdentity, attribute, unready_canaries};
pub use config::{ClusterConfig, ClusterConfigError};
pub use error::{Attempt, GroupKind, Resource, SampleError};
pub use notice::{Line, Notice, Notices, UnreadReason};
pub use process::child::serve;
pub use process::source::Program;
pub use sampler::{Hurry, Sample, SamplerStopped, Samplers, Subscription};
pub use security::{CredentialsError, Security};
pub use snapshot::{GroupSnapshot, Member, Partition, TopicPartition, Topics, fingerprint};
pub use source::GroupSource;
