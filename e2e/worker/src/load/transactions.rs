//! Transactions of the load: begun, committed when their time is over, given up when a broker has lost them.
//! Counts no record; what was confirmed of a transaction that failed is taken back by the load's own count.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;

use super::counting::{Counting, Produced};
use super::options::Load;

/// A call waits for a broker that comes back, or for others to take over what it led.
const WITHIN: Duration = Duration::from_secs(30);

/// Calls in a row that end for want of a broker, before the load ends: two minutes.
const TRIES: u32 = 4;

/// Transactions one after the other, or none at all.
pub(super) struct Transactions<'a> {
    producer: &'a BaseProducer<Counting>,
    open: Option<Open>,
}

/// A transaction under way.
struct Open {
    length: Duration,
    since: Instant,
    /// What was confirmed before it.
    before: Produced,
}

/// Sets what a producer with transactions has to be called: by its own name, or it would end another one's.
pub(super) fn configure(config: &mut ClientConfig, load: &Load) {
    if !load.transaction.is_zero() {
        let name = format!("{}-{}", load.topic, std::process::id());
        config.set("transactional.id", name);
    }
}

impl<'a> Transactions<'a> {
    /// Begins the first one, if the load has any.
    pub(super) fn begin(producer: &'a BaseProducer<Counting>, load: &Load) -> Result<Self> {
        if load.transaction.is_zero() {
            return Ok(Self { producer, open: None });
        }
        patiently("asking for transactions", || producer.init_transactions(WITHIN))?;
        let open = Open::begin(producer, load.transaction)?;
        Ok(Self { producer, open: Some(open) })
    }

    /// Commits the transaction under way if its time is over, and begins the next one.
    pub(super) fn go_on(&mut self) -> Result<()> {
        if let Some(open) = self.open.take_if(|it| it.length <= it.since.elapsed()) {
            let length = open.length;
            open.end(self.producer)?;
            self.open = Some(Open::begin(self.producer, length)?);
        }
        Ok(())
    }

    /// Commits the last one.
    pub(super) fn end(self) -> Result<()> {
        self.open.map_or(Ok(()), |open| open.end(self.producer))
    }
}

impl Open {
    fn begin(producer: &BaseProducer<Counting>, length: Duration) -> Result<Self> {
        producer.begin_transaction().context("beginning a transaction")?;
        Ok(Self { length, since: Instant::now(), before: producer.context().so_far() })
    }

    /// Commits it. One that can't be committed any more is given up, and what was sent in it with it.
    fn end(self, producer: &BaseProducer<Counting>) -> Result<()> {
        let committed = patiently("committing", || producer.commit_transaction(WITHIN));
        let Err(error) = committed else { return Ok(()) };
        match error.downcast_ref::<KafkaError>() {
            Some(KafkaError::Transaction(lost)) if lost.txn_requires_abort() => {}
            _ => return Err(error),
        }
        tracing::warn!(%error, "a transaction is given up");
        producer.purge(PurgeConfig::default().queue().inflight());
        patiently("giving up a transaction", || producer.abort_transaction(WITHIN))?;
        producer.context().gave_up_since(&self.before);
        Ok(())
    }
}

/// Makes a call again that failed for want of a broker.
fn patiently(what: &str, call: impl Fn() -> Result<(), KafkaError>) -> Result<()> {
    for _ in 0..TRIES {
        match call() {
            Err(error) if passes(&error) => tracing::warn!(%error, "{what}: tried again"),
            outcome => return outcome.with_context(|| what.to_owned()),
        }
    }
    bail!("{what}: no broker has done it in {TRIES} times {WITHIN:?}")
}

fn passes(error: &KafkaError) -> bool {
    // No other call is made.
    let late = KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut);
    *error == late || matches!(error, KafkaError::Transaction(error) if error.is_retriable())
}
