//! What a load has produced, counted as Kafka confirms it. Sends nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use serde::Serialize;

/// What was produced, as Kafka confirmed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Produced {
    /// Records in Kafka.
    pub produced: u64,
    /// Records in Kafka with a key that starts with "poison".
    pub poison: u64,
    /// Records that were tried and given up, those of transactions without a commit among them.
    pub failed: u64,
    /// Records in Kafka by partition.
    pub per_partition: BTreeMap<i32, u64>,
}

/// Counts of one producer, as its deliveries come.
#[derive(Default)]
pub(super) struct Counting(Mutex<Produced>);

impl Counting {
    /// What is counted so far.
    pub(super) fn so_far(&self) -> Produced {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A record could not be sent at all.
    pub(super) fn gave_up_one(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failed += 1;
    }

    /// What has been confirmed since `before` is given up: it was of a transaction that was not committed.
    pub(super) fn gave_up_since(&self, before: &Produced) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = counted.failed + (counted.produced - before.produced);
        *counted = Produced { failed, ..before.clone() };
    }
}

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    /// 1 for poison, else 0.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, poison: usize) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(message) => {
                counted.produced += 1;
                counted.poison += u64::from(poison != 0);
                *counted.per_partition.entry(message.partition()).or_default() += 1;
            }
            Err((error, _)) => {
                if counted.failed == 0 {
                    tracing::error!(%error, "a record was not produced");
                }
                counted.failed += 1;
            }
        }
    }
}
