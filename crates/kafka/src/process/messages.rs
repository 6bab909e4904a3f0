//! What the operator and the process of a client say to each other.
//! A report comes from a process that a broker may have taken over: it is checked before it counts.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siskin_analysis::observation::{GroupState, Millis};

use crate::client::MAX_PARTITIONS;
use crate::config::{ClusterConfig, ClusterConfigError};
use crate::error::SampleError;
use crate::foreign::{LONGEST_PROTOCOL, cleaned, cleaned_member, cleaned_topic};
use crate::notice::Notice;
use crate::security::{CredentialsError, Security};
use crate::snapshot::{GroupSnapshot, Member, Partition, TopicPartition, Topics, fingerprint};

/// What the operator says.
#[derive(Deserialize, Serialize)]
pub(super) enum Order {
    /// The first order: which cluster.
    Connect(Cluster),
    /// Take a sample.
    Sample {
        /// Number of the order, for the report.
        id: u64,
        /// The group.
        group: String,
        /// Its topics.
        topics: Topics,
    },
}

/// What the process says.
#[derive(Deserialize, Serialize)]
pub(super) enum Report {
    /// The outcome of a sample.
    Sampled {
        /// Number of the order.
        id: u64,
        /// The sample.
        outcome: Result<Columns, SampleError>,
    },
    /// Something beside samples.
    Told(Notice),
}

/// A cluster with its credentials. Holds secrets: never print it.
#[derive(Deserialize, Serialize)]
pub(super) struct Cluster {
    servers: Vec<String>,
    secret: Option<BTreeMap<String, String>>,
}

/// Error in the first order, which only another version of the program can make.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClusterError {
    /// The addresses are no good.
    #[error(transparent)]
    Servers(#[from] ClusterConfigError),
    /// The credentials are no good.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl From<&ClusterConfig> for Cluster {
    fn from(cluster: &ClusterConfig) -> Self {
        let servers = cluster.servers().split(',').map(str::to_owned).collect();
        Self { servers, secret: cluster.security().map(Security::to_secret) }
    }
}

impl TryFrom<Cluster> for ClusterConfig {
    type Error = ClusterError;

    fn try_from(cluster: Cluster) -> Result<Self, ClusterError> {
        let Cluster { servers, secret } = cluster;
        let data = |it: BTreeMap<String, String>| {
            it.into_iter().map(|(key, value)| (key, value.into_bytes())).collect()
        };
        let security = secret.map(|it| Security::from_secret(&data(it))).transpose()?;
        Ok(Self::new(servers, security)?)
    }
}

/// A snapshot with each topic's name once.
#[derive(Deserialize, Serialize)]
pub(super) struct Columns {
    at: Millis,
    state: GroupState,
    assignor: String,
    topics: Vec<Arc<str>>,
    members: Vec<MemberRow>,
    partitions: Vec<PartitionRow>,
}

#[derive(Deserialize, Serialize)]
struct MemberRow {
    member_id: Arc<str>,
    client_id: String,
    instance_id: Option<String>,
    host: Option<IpAddr>,
    assignment: Vec<Id>,
}

/// A partition by the index of its topic, and its number.
#[derive(Clone, Copy, Deserialize, Serialize)]
struct Id(usize, i32);

/// Id, owner, and the offsets: committed, start, end, high watermark.
#[derive(Deserialize, Serialize)]
struct PartitionRow(Id, Option<usize>, [Option<i64>; 4]);

/// Error in a snapshot that a process reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SnapshotError {
    /// An index has nothing that it is of.
    #[error("a snapshot that names what it does not have")]
    Dangling,
    /// More than the process may report.
    #[error("a snapshot of {0} partitions")]
    TooLarge(usize),
}

impl From<GroupSnapshot> for Columns {
    fn from(snapshot: GroupSnapshot) -> Self {
        let GroupSnapshot { at, state, assignor, epoch: _, members, partitions } = snapshot;
        let mut names = TopicIndexes::default();
        let members = members.into_iter().map(|it| MemberRow {
            assignment: it.assignment.iter().map(|id| names.id(id)).collect(),
            member_id: it.member_id,
            client_id: it.client_id,
            instance_id: it.instance_id,
            host: it.host,
        });
        let members = members.collect();
        let partitions = partitions.iter().map(|it| {
            let offsets = [it.committed, it.log_start, it.log_end, it.high_watermark];
            PartitionRow(names.id(&it.id), it.owner, offsets)
        });
        let partitions = partitions.collect();
        Self { at, state, assignor, topics: names.topics, members, partitions }
    }
}

impl TryFrom<Columns> for GroupSnapshot {
    type Error = SnapshotError;

    fn try_from(columns: Columns) -> Result<Self, SnapshotError> {
        let Columns { at, state, assignor, topics, members, partitions } = columns;
        if MAX_PARTITIONS < partitions.len() {
            return Err(SnapshotError::TooLarge(partitions.len()));
        }
        let topics: Vec<Arc<str>> = topics.iter().map(|it| cleaned_topic(it)).collect();
        let id = |Id(topic, partition): Id| match topics.get(topic) {
            Some(topic) => Ok(TopicPartition { topic: Arc::clone(topic), partition }),
            None => Err(SnapshotError::Dangling),
        };
        let member = |row: MemberRow| -> Result<Member, SnapshotError> {
            let MemberRow { member_id, client_id, instance_id, host, assignment } = row;
            let assignment =
                assignment.into_iter().map(id).collect::<Result<_, SnapshotError>>()?;
            let member = Member { member_id, client_id, instance_id, host, assignment };
            Ok(cleaned_member(member))
        };
        let members = members.into_iter().map(member).collect::<Result<Vec<_>, _>>()?;
        let partition = |row: PartitionRow| -> Result<Partition, SnapshotError> {
            let PartitionRow(of, owner, [committed, log_start, log_end, high_watermark]) = row;
            if owner.is_some_and(|it| members.len() <= it) {
                return Err(SnapshotError::Dangling);
            }
            let id = id(of)?;
            Ok(Partition { id, owner, committed, log_start, log_end, high_watermark })
        };
        let partitions = partitions.into_iter().map(partition).collect::<Result<Vec<_>, _>>()?;
        let assignor = cleaned(&assignor, LONGEST_PROTOCOL);
        Ok(Self { at, state, assignor, epoch: fingerprint(&members), members, partitions })
    }
}

/// Topics by the index that they are named by.
#[derive(Default)]
struct TopicIndexes {
    topics: Vec<Arc<str>>,
    indexes: HashMap<Arc<str>, usize>,
    /// The topic asked for last: rows come sorted by topic.
    last: usize,
}

impl TopicIndexes {
    fn id(&mut self, id: &TopicPartition) -> Id {
        if self.topics.get(self.last).is_some_and(|it| *it == id.topic) {
            return Id(self.last, id.partition);
        }
        let index = *self.indexes.entry(Arc::clone(&id.topic)).or_insert_with(|| {
            self.topics.push(Arc::clone(&id.topic));
            self.topics.len() - 1
        });
        self.last = index;
        Id(index, id.partition)
    }
}

#[cfg(test)]
mod tests;
