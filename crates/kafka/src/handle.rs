//! One librdkafka client for one cluster and one set of credentials; when it must be replaced.
//! Makes no calls itself; those are in `ffi`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::types::RDKafka;
use tokio::time::Instant;

use crate::config::ClusterConfig;
use crate::error::SampleError;
use crate::log_context::{Cause, LineLimit, LogContext};
use crate::notice::{Notice, Notices};
use crate::pace::Pace;
use crate::pem;

/// Time after which the thread of a client asks whether it is still needed. What happens wakes it at
/// once. rdkafka's own thread asks ten times a second, and is busy for the last millisecond of each:
/// a hundredth of a core for each client.
const NEEDED_EVERY: Duration = Duration::from_millis(500);

/// A librdkafka client whose event queue is polled by a thread of its own.
///
/// A producer, because an admin client never polls its event queue (no logs, no errors) and a
/// consumer would belong to a group. It never produces.
pub(crate) struct Handle {
    /// `None` only while dropping. The thread has the other.
    producer: Option<Arc<BaseProducer<LogContext>>>,
    /// Ends the thread.
    unneeded: Arc<AtomicBool>,
    context: Arc<LogContext>,
    /// Whether the next call needs a new client: see [`Handle::retire`].
    retired: AtomicBool,
}

/// The handle in use for one cluster and one set of credentials.
pub(crate) struct Connection {
    cluster: ClusterConfig,
    limit: Arc<LineLimit>,
    notices: Notices,
    pace: Pace,
    current: Mutex<Current>,
}

/// The client in use, and whether one may be made.
struct Current {
    handle: Option<Arc<Handle>>,
    /// When the latest client was made.
    made: Instant,
    /// Why no client is made until a time.
    refused: Option<Refused>,
}

struct Refused {
    until: Instant,
    error: SampleError,
}

impl Connection {
    /// Makes the first client. It connects later, in the background.
    pub(crate) fn new(
        cluster: ClusterConfig,
        pace: Pace,
        notices: Notices,
    ) -> Result<Self, SampleError> {
        if let Some(security) = cluster.security() {
            pem::check(security)
                .map_err(|error| SampleError::Setup { detail: error.to_string() })?;
        }
        let current = Mutex::new(Current { handle: None, made: Instant::now(), refused: None });
        let connection = Self { cluster, limit: Arc::default(), notices, pace, current };
        connection.handle()?;
        Ok(connection)
    }

    /// The handle for the next call: a new one after the last was retired.
    ///
    /// # Errors
    /// The refusal of the last client, while it is too early to log in again.
    pub(crate) fn handle(&self) -> Result<Arc<Handle>, SampleError> {
        let mut current = self.current.lock();
        if let Some(refused) = &current.refused {
            if Instant::now() < refused.until {
                return Err(refused.error.clone());
            }
            current.refused = None;
        }
        // A client that gave a call up can still make others: better than another login.
        let early = self.cluster.security().is_some() && current.made.elapsed() < self.pace.login;
        match &current.handle {
            Some(handle) if early || !handle.is_retired() => Ok(Arc::clone(handle)),
            Some(_) | None => {
                let handle = Arc::new(self.connect()?);
                current.made = Instant::now();
                Ok(Arc::clone(current.handle.insert(handle)))
            }
        }
    }

    fn connect(&self) -> Result<Handle, SampleError> {
        let limit = Arc::clone(&self.limit);
        Handle::new(&self.cluster, self.pace, LogContext::new(limit, Arc::clone(&self.notices)))
    }

    /// Drops this client, which would log in again and again, because the cluster refused it. Until
    /// the next may log in, every call fails with this error.
    pub(crate) fn refuse(&self, refused: &Arc<Handle>, error: SampleError) {
        let mut current = self.current.lock();
        if current.handle.as_ref().is_some_and(|it| Arc::ptr_eq(it, refused)) {
            current.handle = None;
            current.refused = Some(Refused { until: Instant::now() + self.pace.login, error });
        }
    }

    /// Why nothing is answered, as far as the client in use has heard.
    pub(crate) fn complaint(&self) -> Option<SampleError> {
        let current = self.current.lock();
        let refused = current.refused.as_ref().map(|it| it.error.clone());
        refused.or_else(|| self.complaint_of(current.handle.as_ref()?))
    }

    /// Why nothing is answered, as far as this client has heard.
    pub(crate) fn complaint_of(&self, handle: &Handle) -> Option<SampleError> {
        let (cause, detail) = handle.context().cause()?;
        let servers = self.cluster.servers();
        Some(match cause {
            Cause::Authentication => SampleError::AuthenticationFailed { servers, detail },
            Cause::Tls => SampleError::TlsFailed { servers, detail },
            Cause::Transport | Cause::AllDown => SampleError::Unreachable { servers, detail },
        })
    }

    /// A connection that broke, for this reason.
    pub(crate) fn unreachable(&self, detail: String) -> SampleError {
        SampleError::Unreachable { servers: self.cluster.servers(), detail }
    }

    /// What is told beside samples goes here.
    pub(crate) fn tell(&self, notice: Notice) {
        (self.notices)(notice);
    }
}

impl Handle {
    /// Makes the client. Connects later, in the background.
    fn new(cluster: &ClusterConfig, pace: Pace, context: LogContext) -> Result<Self, SampleError> {
        let producer: BaseProducer<LogContext> = cluster
            .to_librdkafka(pace.metadata)
            .create_with_context(context)
            .map_err(|error| SampleError::Setup { detail: without_values(&error) })?;
        let context = Arc::clone(producer.client().context());
        let (producer, unneeded) = (Arc::new(producer), Arc::new(AtomicBool::new(false)));
        let (polled, ends) = (Arc::clone(&producer), Arc::clone(&unneeded));
        std::thread::Builder::new()
            .name("kafka-events".to_owned())
            .spawn(move || {
                while !ends.load(Ordering::Acquire) {
                    polled.poll(NEEDED_EVERY);
                }
            })
            // For want of threads, which passes: no fault of the configuration.
            .map_err(|error| SampleError::KafkaClientCrashed {
                servers: cluster.servers(),
                detail: format!("it got no thread: {error}"),
            })?;
        let (producer, retired) = (Some(producer), AtomicBool::new(false));
        Ok(Self { producer, unneeded, context, retired })
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

    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
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
    /// The thread is the last to have the client: destroying one joins librdkafka's threads, which
    /// can take seconds, and is nothing for a thread of the runtime.
    fn drop(&mut self) {
        drop(self.producer.take());
        self.unneeded.store(true, Ordering::Release);
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
    use crate::notice::traced;
    use crate::pace::USUAL;
    use crate::security::Security;

    #[test]
    fn pem_that_only_looks_right_is_refused_by_name() {
        let pem = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
        let data = BTreeMap::from([("ca.crt".to_owned(), pem.as_bytes().to_vec())]);
        let security = Security::from_secret(&data).expect("the right shape");
        let cluster = ClusterConfig::new(["127.0.0.1:1".to_owned()], Some(security))
            .expect("a valid address");
        let Err(SampleError::Setup { detail }) = Connection::new(cluster, USUAL, traced()) else {
            panic!("the certificate was taken");
        };
        assert!(detail.contains("ca.crt") && !detail.contains("c2VjcmV0"), "{detail}");
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
