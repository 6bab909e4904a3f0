//! The seam between the samplers and Kafka: one call that takes a snapshot.
//! Only the trait; who implements it, and how often it is called, stands elsewhere.

use futures::future::BoxFuture;

use crate::error::SampleError;
use crate::snapshot::{GroupSnapshot, Topics};

/// A source of snapshots: librdkafka, or a test's script.
pub trait GroupSource: Send + Sync {
    /// Takes one snapshot of the group. Ends within a minute, whatever the cluster does.
    fn sample<'a>(
        &'a self,
        group: &'a str,
        topics: &'a Topics,
    ) -> BoxFuture<'a, Result<GroupSnapshot, SampleError>>;
}
