//! One consumer group at one moment, as Kafka shows it: no pods, no roles, no verdict.
//! Plain data and its fingerprint; nothing here talks to Kafka.

use std::collections::BTreeSet;
use std::hash::Hasher as _;
use std::net::IpAddr;
use std::sync::Arc;

use fnv::FnvHasher;
use serde::{Deserialize, Serialize};
use siskin_analysis::observation::{GroupState, Millis};

/// One consumer group at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSnapshot {
    /// When the log-end offsets were answered: the last of the answers.
    pub at: Millis,
    /// Whether the assignments can be trusted.
    pub state: GroupState,
    /// Name of the assignor, as `range` or `uniform`; empty while a classic group rebalances, and
    /// once it has no member.
    pub assignor: String,
    /// Fingerprint of the assignment, see [`fingerprint`]: it changes with every rebalance that
    /// moves a partition or changes the members.
    pub epoch: u64,
    /// The members, in the coordinator's order.
    pub members: Vec<Member>,
    /// The partitions, sorted by topic and number: those that are assigned now
    /// ([`Topics::AllAssigned`]), or all of the listed topics ([`Topics::List`]).
    pub partitions: Vec<Partition>,
}

impl GroupSnapshot {
    /// Whether Kafka Streams assigns the partitions, on the classic protocol: `None` while the group
    /// does not show who does.
    #[must_use]
    pub fn is_streams(&self) -> Option<bool> {
        (!self.assignor.is_empty()).then(|| self.assignor == STREAMS)
    }
}

/// A member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The coordinator's name for the member; a new one each time it joins.
    pub member_id: Arc<str>,
    /// `client.id`, as the consumer was configured.
    pub client_id: String,
    /// `group.instance.id`, if the consumer is a static member.
    pub instance_id: Option<String>,
    /// Address that the member connects from, if Kafka's text for it could be read.
    pub host: Option<IpAddr>,
    /// Assigned partitions, sorted. Empty for an idle member.
    pub assignment: Vec<TopicPartition>,
}

/// A partition by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: i32,
}

/// Offsets and owner of one partition. An offset is `None` where Kafka gave none: never
/// committed, or no answer from the partition's leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Topic and number.
    pub id: TopicPartition,
    /// The member that owns it, as an index into [`GroupSnapshot::members`].
    pub owner: Option<usize>,
    /// Committed offset, read before the ends of the log.
    pub committed: Option<i64>,
    /// Offset of the first record that still exists.
    pub log_start: Option<i64>,
    /// Last stable offset: after the last record that no open transaction holds back.
    pub log_end: Option<i64>,
    /// High watermark, asked only where `committed` is beyond `log_end`: there the consumer reads
    /// uncommitted records, or the topic was created anew.
    pub high_watermark: Option<i64>,
}

/// Which topics of a group to look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Topics {
    /// The topics that the members have assigned now.
    AllAssigned,
    /// All partitions of these topics, assigned or not.
    List(BTreeSet<String>),
}

impl Partition {
    /// Offset after the last record that this consumer can read.
    ///
    /// Usually the last stable offset. A consumer that commits beyond it reads uncommitted
    /// records: then its own commit, as far as the log goes. Counting up to the high watermark
    /// there would let the end jump back when the transaction ends.
    #[must_use]
    pub fn readable_end(&self) -> Option<i64> {
        let end = self.log_end?;
        match (self.committed, self.high_watermark) {
            (Some(committed), Some(high)) => Some(end.max(committed.min(high))),
            (None, _) | (_, None) => Some(end),
        }
    }
}

/// A number that is equal for equal assignments, on every machine and in every release: 64-bit
/// FNV-1a (RFC draft-eastlake-fnv) over the sorted list of member and partitions.
///
/// A static member counts by its instance id: when it restarts it gets a new member id and its
/// old partitions, which is no rebalance. Idle members count: that one came or went is news.
#[must_use]
pub fn fingerprint(members: &[Member]) -> u64 {
    let mut rows: Vec<(&str, Vec<&TopicPartition>)> = members
        .iter()
        .map(|member| {
            let mut partitions: Vec<_> = member.assignment.iter().collect();
            partitions.sort_unstable();
            (member.instance_id.as_deref().unwrap_or(&member.member_id), partitions)
        })
        .collect();
    rows.sort_unstable();
    let mut hash = FnvHasher::default();
    for (name, partitions) in rows {
        write_text(&mut hash, name);
        for partition in partitions {
            write_text(&mut hash, &partition.topic);
            hash.write(&partition.partition.to_be_bytes());
        }
        hash.write(&[ROW_END]);
    }
    hash.finish()
}

/// What Kafka Streams calls its own way to assign partitions (`StreamsPartitionAssignor.name`).
const STREAMS: &str = "stream";
/// Byte after each text. In no UTF-8 text, so no name can imitate it.
const TEXT_END: u8 = 0xff;
/// Byte after each member's row. In no UTF-8 text, so no name can imitate it.
const ROW_END: u8 = 0xfe;

fn write_text(hash: &mut FnvHasher, text: &str) {
    hash.write(text.as_bytes());
    hash.write(&[TEXT_END]);
}

#[cfg(test)]
mod tests;
