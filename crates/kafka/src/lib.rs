//! Kafka seen from outside the group: snapshots of a consumer group and what its members are.
//! Knows nothing of Kubernetes but pod names and addresses; computes no verdict, reads no clock.
//!
//! [`Samplers`] polls each consumer group once, however many rollouts look at it; a
//! [`Subscription`] gives the newest [`GroupSnapshot`] or the reason why there is none;
//! [`attribute()`] turns a snapshot into the observation that the judge takes.
//!
//! Only DESCRIBE on the group and on its topics is needed. Nothing here joins a group, commits an
//! offset or creates a topic.

mod attribute;
mod client;
mod config;
mod error;
mod ffi;
mod handle;
mod log_context;
mod requests;
mod sampler;
mod security;
mod snapshot;
mod source;

pub use attribute::{PodIdentity, attribute};
pub use config::{ClusterConfig, ClusterConfigError};
pub use error::{Attempt, Resource, SampleError};
pub use sampler::{Sample, SamplerStopped, Samplers, Subscription};
pub use security::{CredentialsError, Security};
pub use snapshot::{GroupSnapshot, Member, Partition, TopicPartition, Topics, fingerprint};
pub use source::GroupSource;
