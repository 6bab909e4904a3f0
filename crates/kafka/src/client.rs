//! Takes snapshots of consumer groups from a real cluster: which calls, and in which order.
//! Sees only the typed answers of `requests`; reads the clock that it was given, once a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use siskin_analysis::observation::{GroupState, Millis};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::absent::AbsentGroups;
use crate::config::ClusterConfig;
use crate::error::{Attempt, SampleError};
use crate::ffi::raw::{LogOffset, OffsetRow, RawGroup, RawMember, RawState};
use crate::foreign::{LONGEST_PROTOCOL, cleaned};
use crate::log_ends::{LogEnds, SharedLogEnds};
use crate::notice::Notices;
use crate::pace::{Pace, USUAL};
use crate::requests::{Requests, allowed};
use crate::snapshot::{GroupSnapshot, Member, Partition, TopicPartition, Topics, fingerprint};
use crate::source::GroupSource;
use crate::topics::KnownTopics;

/// Longest time for a whole sample: one that takes longer says little about any one moment.
const SAMPLE_DEADLINE: Duration = Duration::from_secs(30);
/// Groups that are described at the same time: librdkafka remembers the coordinators of ten groups,
/// and asks anew for each of the three calls to one that it has forgotten.
const DESCRIBED_AT_ONCE: usize = 8;
/// A group waits for its turn no longer than this: others may be waiting for a coordinator that is
/// away.
const LONGEST_TURN: Duration = Duration::from_millis(500);
/// Most partitions of one sample: 200 calls of 250 each, and some 10 MB of answers.
pub(crate) const MAX_PARTITIONS: usize = 50_000;

/// A connection to one cluster, shared by all groups that are looked at with the same credentials.
pub(crate) struct KafkaClient {
    requests: Arc<Requests>,
    log_ends: SharedLogEnds,
    topics: Arc<KnownTopics>,
    absent: AbsentGroups,
    turns: Semaphore,
}

impl KafkaClient {
    /// Sets up a client; it connects in the background. What it tells beside samples goes to
    /// `notices`.
    pub(crate) fn connect(
        cluster: &ClusterConfig,
        clock: fn() -> Millis,
        notices: Notices,
    ) -> Result<Self, SampleError> {
        Self::with_pace(cluster, clock, notices, USUAL)
    }

    fn with_pace(
        cluster: &ClusterConfig,
        clock: fn() -> Millis,
        notices: Notices,
        pace: Pace,
    ) -> Result<Self, SampleError> {
        let requests = Arc::new(Requests::new(cluster, pace, notices)?);
        let topics = Arc::new(KnownTopics::default());
        let log_ends = SharedLogEnds::new(Arc::clone(&requests), Arc::clone(&topics), clock);
        let (absent, turns) = (AbsentGroups::default(), Semaphore::new(DESCRIBED_AT_ONCE));
        Ok(Self { requests, log_ends, topics, absent, turns })
    }

    async fn snapshot(&self, group: &str, topics: &Topics) -> Result<GroupSnapshot, SampleError> {
        let turn = timeout(LONGEST_TURN, self.turns.acquire()).await;
        let described = self.requests.describe_group(group).await?;
        let Some(state) = state_of(&described) else {
            drop(turn);
            return Err(self.absent.explain(&self.requests, group).await);
        };
        let assignor = cleaned(&described.assignor, LONGEST_PROTOCOL);
        let members: Vec<Member> = described.members.into_iter().map(member_of).collect();
        let mut partitions = self.partitions(group, topics, &members).await?;
        let ids: Vec<TopicPartition> = partitions.iter().map(|p| p.id.clone()).collect();

        // Committed first, log-end second: then the end never seems to lie before the commit.
        let committed = self.requests.committed_offsets(group, &ids).await?;
        drop(turn);
        let LogEnds { at, ends, starts } = self.log_ends.of(group, &ids).await?;
        set_offsets(&mut partitions, committed, |partition| &mut partition.committed);
        set_offsets(&mut partitions, ends, |partition| &mut partition.log_end);
        set_offsets(&mut partitions, starts, |partition| &mut partition.log_start);

        let beyond = beyond_stable_end(&partitions);
        let beyond = self.topics.by_leader(&self.requests, group, &beyond).await;
        let high = self.requests.log_offsets(group, &beyond, LogOffset::HighWatermark).await?;
        set_offsets(&mut partitions, allowed(high)?, |partition| &mut partition.high_watermark);
        let epoch = fingerprint(&members);
        Ok(GroupSnapshot { at, state, assignor, epoch, members, partitions })
    }

    /// Partitions of the sample, sorted, with their owners and without offsets.
    async fn partitions(
        &self,
        group: &str,
        topics: &Topics,
        members: &[Member],
    ) -> Result<Vec<Partition>, SampleError> {
        let mut owners: BTreeMap<&TopicPartition, usize> = BTreeMap::new();
        for (index, member) in members.iter().enumerate() {
            owners.extend(member.assignment.iter().map(|id| (id, index)));
        }
        let mut ids = match topics {
            Topics::AllAssigned => owners.keys().map(|id| (*id).clone()).collect(),
            Topics::List(names) => {
                let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                self.topics.partitions_of(&self.requests, group, &names).await?
            }
        };
        if ids.len() > MAX_PARTITIONS {
            return Err(SampleError::TooManyPartitions { count: ids.len(), limit: MAX_PARTITIONS });
        }
        ids.sort_unstable();
        Ok(ids
            .into_iter()
            .map(|id| {
                let owner = owners.get(&id).copied();
                Partition {
                    id,
                    owner,
                    committed: None,
                    log_start: None,
                    log_end: None,
                    high_watermark: None,
                }
            })
            .collect())
    }
}

impl GroupSource for KafkaClient {
    fn sample<'a>(
        &'a self,
        group: &'a str,
        topics: &'a Topics,
    ) -> BoxFuture<'a, Result<GroupSnapshot, SampleError>> {
        async move {
            match timeout(SAMPLE_DEADLINE, self.snapshot(group, topics)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(self.requests.connection_error().unwrap_or(SampleError::Timeout {
                    attempted: Attempt::Sample,
                    deadline: SAMPLE_DEADLINE,
                })),
            }
        }
        .boxed()
    }
}

/// State of the group; `None`: there is no group that could be described. A KIP-848 group rebalances
/// until each member has its target assignment.
fn state_of(group: &RawGroup) -> Option<GroupState> {
    match group.state {
        RawState::Dead => None,
        RawState::Empty => Some(GroupState::Empty),
        RawState::Moving => Some(GroupState::Rebalancing),
        RawState::Stable => {
            let moving = group
                .members
                .iter()
                .any(|member| member.target.as_ref().is_some_and(|t| *t != member.assignment));
            Some(if moving { GroupState::Rebalancing } else { GroupState::Stable })
        }
    }
}

fn member_of(raw: RawMember) -> Member {
    Member {
        member_id: Arc::from(raw.member_id),
        client_id: raw.client_id,
        instance_id: raw.instance_id,
        host: parse_host(&raw.host),
        assignment: raw.assignment,
    }
}

/// Reads an address as Java prints it, `InetAddress.toString()`: `name/address`, the name mostly
/// empty, an IPv6 address uncompressed and with its scope after a `%`.
fn parse_host(text: &str) -> Option<IpAddr> {
    let address = text.rsplit('/').next()?;
    let address = address.split('%').next()?;
    address.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

/// Sets the offsets of `rows` in their partitions, which are sorted; rows of other partitions are
/// dropped. Rows mostly come in the order of the partitions: each is expected behind the last.
fn set_offsets(
    partitions: &mut [Partition],
    rows: Vec<OffsetRow>,
    field: impl Fn(&mut Partition) -> &mut Option<i64>,
) {
    let mut next = 0;
    for row in rows {
        let is_next = partitions.get(next).is_some_and(|it| it.id == row.id);
        let found =
            if is_next { Ok(next) } else { partitions.binary_search_by(|it| it.id.cmp(&row.id)) };
        let Ok(index) = found else { continue };
        *field(&mut partitions[index]) = row.offset;
        next = index + 1;
    }
}

/// Partitions whose commit is beyond the last stable offset: their consumers read uncommitted
/// records, or the topic was created anew. Only the high watermark tells where such a log ends.
fn beyond_stable_end(partitions: &[Partition]) -> Vec<TopicPartition> {
    partitions
        .iter()
        .filter(|partition| {
            partition.committed.zip(partition.log_end).is_some_and(|(at, end)| at > end)
        })
        .map(|partition| partition.id.clone())
        .collect()
}

#[cfg(test)]
mod tests;
