//! The load: records at a steady rate, with skew, bursts and poison, until told to end.
//! Counts what Kafka has confirmed, not what was tried.

mod counting;
pub mod options;
mod schedule;
mod spread;
mod transactions;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;

use crate::clock::now_millis;
use crate::fate::uniform;
use counting::Counting;
use options::Load;
use schedule::Schedule;
use spread::Spread;
use transactions::Transactions;

pub use counting::Produced;

/// Fine enough for a steady flow, coarse enough that the partitions' records go together: what a broker does for a request
/// costs more than what it does for a record, and a test bed has many loads and few processors. A poll also spends its last
/// millisecond without sleeping.
const TICK: Duration = Duration::from_millis(100);

/// The last records may have to wait for a broker that is being restarted.
const LAST_FLUSH: Duration = Duration::from_secs(30);

/// Produces until the options or `stop` say enough, then waits for what is under way.
///
/// # Errors
/// Kafka refuses the settings, or takes longer than half a minute for the last records.
pub fn produce(load: &Load, partitions: i32, stop: &AtomicBool) -> anyhow::Result<Produced> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &load.bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "5");
    transactions::configure(&mut config, load);
    let producer: BaseProducer<Counting> =
        config.create_with_context(Counting::default()).context("making the producer")?;
    let mut transactions = Transactions::begin(&producer, load)?;
    let mut schedule = Schedule::new(load.pattern());
    let mut spread = Spread::new(partitions, load.skew);
    let started = Instant::now();
    let mut sequence = 0;
    while !stop.load(Ordering::Relaxed) && !load.is_over(sequence, started.elapsed()) {
        for _ in 0..schedule.due(started.elapsed()) {
            if load.is_over(sequence, started.elapsed())
                || !send(&producer, load, sequence, spread.next(sequence), stop)?
            {
                break;
            }
            sequence += 1;
        }
        producer.poll(TICK);
        transactions.go_on()?;
    }
    transactions.end()?;
    producer.flush(LAST_FLUSH).context("waiting for the last records")?;
    Ok(producer.context().so_far())
}

/// Sends one record; false when told to stop before the producer took it.
fn send(
    producer: &BaseProducer<Counting>,
    load: &Load,
    sequence: u64,
    partition: i32,
    stop: &AtomicBool,
) -> anyhow::Result<bool> {
    let poison = is_poison(sequence, load.poison_share);
    let key = format!("{}-{sequence}", if poison { "poison" } else { "order" });
    let value = serde_json::json!({"sequence": sequence, "produced_at_ms": now_millis()});
    let value = value.to_string();
    let mut record = BaseRecord::with_opaque_to(&load.topic, usize::from(poison))
        .partition(partition)
        .key(&key)
        .payload(&value);
    // The queue is full while the broker is away: wait for it, lose nothing.
    while let Err((error, back)) = producer.send(record) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => {}
            // The transaction is lost already, which its end tells.
            Some(RDKafkaErrorCode::State) if !load.transaction.is_zero() => {
                producer.context().gave_up_one();
                return Ok(true);
            }
            _ => return Err(error).with_context(|| format!("producing {key}")),
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        producer.poll(TICK);
        record = back;
    }
    Ok(true)
}

/// Whether a record is poison: by its number alone, so that it is so in every run.
fn is_poison(sequence: u64, share: f64) -> bool {
    uniform("poison", 0, i64::try_from(sequence).unwrap_or(i64::MAX)) < share
}
