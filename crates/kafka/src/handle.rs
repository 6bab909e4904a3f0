//! One librdkafka client for one cluster and one set of credentials, and its way out.
//! Makes no calls itself; those are in `ffi`.

use std::sync::Arc;

use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::types::RDKafka;

use crate::config::ClusterConfig;
use crate::error::SampleError;
use crate::log_context::LogContext;

/// A librdkafka client whose event queue is polled by a thread of its own.
///
/// A producer, because an admin client never polls its event queue (no logs, no errors) and a
/// consumer would belong to a group. It never produces.
pub(crate) struct Handle {
    /// Only `None` while dropping.
    producer: Option<ThreadedProducer<LogContext>>,
    context: Arc<LogContext>,
}

impl Handle {
    /// Makes the client. Connects later, in the background.
    pub(crate) fn new(cluster: &ClusterConfig) -> Result<Self, SampleError> {
        let producer: ThreadedProducer<LogContext> = cluster
            .to_librdkafka()
            .create_with_context(LogContext::default())
            .map_err(|error| SampleError::Setup { detail: without_values(&error) })?;
        let context = Arc::clone(producer.client().context());
        Ok(Self { producer: Some(producer), context })
    }

    pub(crate) fn context(&self) -> &LogContext {
        &self.context
    }

    /// Valid as long as `self`. Null only while dropping.
    pub(crate) fn native(&self) -> *mut RDKafka {
        self.producer.as_ref().map_or(std::ptr::null_mut(), |p| p.client().native_ptr())
    }
}

impl Drop for Handle {
    /// Destroying a client joins its threads, which can take seconds: not on the runtime's.
    fn drop(&mut self) {
        let producer = self.producer.take();
        let spawned = std::thread::Builder::new()
            .name("kafka-disconnect".to_owned())
            .spawn(move || drop(producer));
        if let Err(error) = spawned {
            tracing::debug!(%error, "no thread to disconnect on; disconnected in place");
        }
    }
}

/// An rdkafka error as text, but for values of properties: those may be secret.
fn without_values(error: &KafkaError) -> String {
    if let KafkaError::ClientCreation(reason) = error {
        reason.clone()
    } else if let KafkaError::ClientConfig(_, _, property, _) = error {
        format!("librdkafka refuses the value of {property}")
    } else {
        "librdkafka refuses the configuration".to_owned()
    }
}

#[cfg(test)]
#[path = "handle_tests.rs"]
mod tests;
