//! Acknowledgements: one record in the output topic for each record that was not lost.
//! A ticket goes back to the ledger when its acknowledgement is in Kafka, never before.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use crate::fate::Fate;
use crate::ledger::{Ledger, Ticket};
use crate::settings::Place;

/// The ledger is told of deliveries and rebalances inside of calls of librdkafka, on the thread of
/// the worker.
#[derive(Clone, Debug, Default)]
pub struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    /// Never held over a call of Kafka: its callbacks take it.
    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an acknowledgement waits for others to go with it: well below any interval of commits.
const LINGER: Duration = Duration::from_millis(50);

/// Writes acknowledgements; without an output topic each record is done at once.
pub struct Acknowledger {
    ledger: SharedLedger,
    output: Option<Output>,
}

struct Output {
    producer: BaseProducer<Deliveries>,
    place: Place,
}

impl Acknowledger {
    /// Connects in the background.
    pub fn new(place: &Place, ledger: SharedLedger) -> anyhow::Result<Self> {
        if place.output_topic.is_empty() {
            return Ok(Self { ledger, output: None });
        }
        let deliveries = Deliveries { ledger: ledger.clone(), failure: OnceLock::new() };
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &place.bootstrap)
            .set("client.id", place.client_id().unwrap_or("rdkafka"))
            // A retry after a lost answer is no second acknowledgement.
            .set("enable.idempotence", "true")
            .set("linger.ms", LINGER.as_millis().to_string())
            .create_with_context(deliveries)
            .context("making the producer of acknowledgements")?;
        Ok(Self { ledger, output: Some(Output { producer, place: place.clone() }) })
    }

    /// Says in the output topic what became of a record, if anything is to be said.
    pub fn acknowledge(&self, ticket: Ticket, fate: Fate) -> anyhow::Result<()> {
        let said = match fate {
            Fate::Processed => Some("processed"),
            Fate::Failed => Some("failed"),
            Fate::Dropped | Fate::Skipped | Fate::Stalled => None,
        };
        let (Some(output), Some(said)) = (&self.output, said) else {
            self.ledger.lock().done(&ticket);
            return Ok(());
        };
        let Output { producer, place } = output;
        let key = format!("{}/{}", ticket.partition, ticket.offset);
        let value = serde_json::json!({"fate": said, "version": place.version, "pod": place.pod()});
        let value = value.to_string();
        let record = BaseRecord::with_opaque_to(&place.output_topic, Box::new(ticket));
        let sent = producer.send(record.key(&key).payload(&value));
        sent.map_err(|(error, _)| error).with_context(|| format!("acknowledging {key}"))
    }

    /// Takes in what was delivered meanwhile, waiting this long for something to be.
    ///
    /// # Errors
    /// An acknowledgement was given up: its record must not be committed, so the worker must end.
    pub fn poll(&self, wait: Duration) -> anyhow::Result<()> {
        let Some(output) = &self.output else { return Ok(()) };
        output.producer.poll(wait);
        if let Some(error) = output.producer.context().failure.get() {
            bail!("an acknowledgement was not delivered: {error}");
        }
        Ok(())
    }

    /// Waits until all is delivered, or this long. What is not delivered then is not done.
    pub fn flush(&self, wait: Duration) {
        if let Some(output) = &self.output
            && let Err(error) = output.producer.flush(wait)
        {
            tracing::warn!(%error, "acknowledgements are still under way");
        }
    }
}

struct Deliveries {
    ledger: SharedLedger,
    failure: OnceLock<KafkaError>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        match result {
            Ok(_) => self.ledger.lock().done(&ticket),
            Err((error, _)) => {
                // The first one tells why; the others follow from it.
                self.failure.set(error.clone()).ok();
            }
        }
    }
}
