//! One librdkafka client for one cluster and one set of credentials; when it must be replaced.
//! Makes no calls itself; those are in `ffi`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::types::RDKafka;

use crate::config::ClusterConfig;
use crate::error::SampleError;
use crate::log_context::{LineLimit, LogContext};

/// A librdkafka client whose event queue is polled by a thread of its own.
///
/// A producer, because an admin client never polls its event queue (no logs, no errors) and a
/// consumer would belong to a group. It never produces.
pub(crate) struct Handle {
    /// `None` only while dropping.
    producer: Option<ThreadedProducer<LogContext>>,
    context: Arc<LogContext>,
    /// Whether the next call needs a new client: see [`Handle::retire`].
    retired: AtomicBool,
}

/// The handle in use for one cluster and one set of credentials.
pub(crate) struct Connection {
    cluster: ClusterConfig,
    limit: Arc<LineLimit>,
    handle: Mutex<Arc<Handle>>,
}

impl Connection {
    /// Makes the first client. It connects later, in the background.
    pub(crate) fn new(cluster: ClusterConfig) -> Result<Self, SampleError> {
        let limit = Arc::default();
        let handle = Mutex::new(Arc::new(Handle::new(&cluster, &limit)?));
        Ok(Self { cluster, limit, handle })
    }

    /// The handle for the next call: a new one after the last was retired.
    pub(crate) fn handle(&self) -> Result<Arc<Handle>, SampleError> {
        let mut handle = self.handle.lock();
        if handle.retired.load(Ordering::Acquire) {
            *handle = Arc::new(Handle::new(&self.cluster, &self.limit)?);
        }
        Ok(Arc::clone(&handle))
    }

    /// The handle of the last call.
    pub(crate) fn last_handle(&self) -> Arc<Handle> {
        Arc::clone(&self.handle.lock())
    }

    /// The bootstrap servers, for messages.
    pub(crate) fn servers(&self) -> String {
        self.cluster.servers()
    }
}

impl Handle {
    /// Makes the client. Connects later, in the background.
    fn new(cluster: &ClusterConfig, limit: &Arc<LineLimit>) -> Result<Self, SampleError> {
        let producer: ThreadedProducer<LogContext> = cluster
            .to_librdkafka()
            .create_with_context(LogContext::new(Arc::clone(limit)))
            .map_err(|error| SampleError::Setup { detail: without_values(&error) })?;
        let context = Arc::clone(producer.client().context());
        Ok(Self { producer: Some(producer), context, retired: AtomicBool::new(false) })
    }

    /// Takes this client out of use, because a call to a group's coordinator was given up.
    ///
    /// librdkafka (2.12.1) must never time such a call out by itself: it keeps a request for when
    /// the coordinator comes back, and then aborts the process because the call is gone (librdkafka
    /// issues 3663 and 4605). So it is given a time limit that it does not reach, and is destroyed
    /// together with its client, which is safe.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    pub(crate) fn context(&self) -> &LogContext {
        &self.context
    }

    /// librdkafka's client. Valid as long as `self`; null only while dropping.
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

/// Text of an rdkafka error without values of properties: those may be secret.
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
mod tests {
    use std::collections::BTreeMap;

    use rdkafka::error::KafkaError;
    use rdkafka::types::RDKafkaConfRes;

    use super::{Connection, without_values};
    use crate::config::ClusterConfig;
    use crate::error::SampleError;
    use crate::security::Security;

    #[test]
    fn pem_that_only_looks_right_is_refused_by_name() {
        let pem = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
        let data = BTreeMap::from([("ca.crt".to_owned(), pem.as_bytes().to_vec())]);
        let security = Security::from_secret(&data).expect("the right shape");
        let cluster = ClusterConfig::new(["127.0.0.1:1".to_owned()], Some(security))
            .expect("a valid address");
        let Err(SampleError::Setup { detail }) = Connection::new(cluster) else {
            panic!("the certificate was taken");
        };
        assert!(detail.contains("ssl.ca.pem") && !detail.contains("c2VjcmV0"), "{detail}");
    }

    #[test]
    fn a_refused_property_is_named_without_its_value() {
        let refused = KafkaError::ClientConfig(
            RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
            "invalid: hunter2".to_owned(),
            "sasl.password".to_owned(),
            "hunter2".to_owned(),
        );
        let shown = without_values(&refused);
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }
}
