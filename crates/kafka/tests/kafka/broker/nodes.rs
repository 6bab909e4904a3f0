//! Which brokers a played cluster has, and who leads what; and answers that are twisted on their way.
//! State that a test changes while the brokers answer.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::BytesMut;

use super::Log;

/// Kafka's code for a broker that does not lead the partition.
const NOT_LEADER: i16 = 6;
/// Kafka's code for an epoch that is over.
const FENCED_LEADER_EPOCH: i16 = 74;
/// Kafka's code for an epoch that the broker has not heard of.
const UNKNOWN_LEADER_EPOCH: i16 = 75;
/// Brokers of a cluster and who leads what. Clones share it: a test changes it as they run.
#[derive(Clone, Default)]
pub(crate) struct Nodes(Arc<Mutex<Layout>>);

/// Without a port there is one broker, which leads all.
#[derive(Default)]
pub(crate) struct Layout {
    /// Port of each broker, by its id.
    pub(crate) ports: BTreeMap<i32, u16>,
    /// Leader of each partition; broker 1 leads the others.
    pub(crate) leaders: BTreeMap<i32, i32>,
    /// Epoch of all leaders.
    pub(crate) epoch: i32,
    /// Partitions that metadata does not show.
    pub(crate) hidden: BTreeSet<i32>,
    /// Logs that are other than the script has them.
    pub(crate) logs: BTreeMap<i32, Log>,
}

impl Nodes {
    pub(crate) fn layout(&self) -> MutexGuard<'_, Layout> {
        self.0.lock().expect("not poisoned")
    }
}

impl Layout {
    pub(crate) fn leader(&self, partition: i32) -> i32 {
        self.leaders.get(&partition).copied().unwrap_or(1)
    }

    /// Error of asking the broker at this port for a partition, by an epoch of its leader.
    pub(crate) fn error(&self, port: u16, partition: i32, epoch: i32) -> Option<i16> {
        let own = self.ports.iter().find(|(_, it)| **it == port).map(|(id, _)| *id);
        match epoch.cmp(&self.epoch) {
            _ if own.is_some_and(|it| it != self.leader(partition)) => Some(NOT_LEADER),
            Ordering::Less if 0 <= epoch => Some(FENCED_LEADER_EPOCH),
            Ordering::Greater => Some(UNKNOWN_LEADER_EPOCH),
            Ordering::Less | Ordering::Equal => None,
        }
    }
}

/// Changes answers before they are sent. Clones share what it remembers.
#[derive(Clone)]
pub(crate) struct Twist(Arc<dyn Fn(&mut Twisted) + Send + Sync>);

/// An answer that may be changed.
pub(crate) struct Twisted {
    pub(crate) api: i16,
    pub(crate) version: i16,
    /// Bytes of the header, which the answer begins with.
    pub(crate) header: usize,
    pub(crate) bytes: BytesMut,
    /// Length that is told before it, where it is not that of the answer.
    pub(crate) length: Option<i32>,
}

impl Twist {
    pub(crate) fn new(twist: impl Fn(&mut Twisted) + Send + Sync + 'static) -> Self {
        Self(Arc::new(twist))
    }
}

impl Default for Twist {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl Twist {
    pub(crate) fn apply(&self, answer: &mut Twisted) {
        (self.0)(answer);
    }
}
