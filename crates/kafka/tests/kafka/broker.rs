//! Kafka brokers that play a script: one topic, one group, on the loopback.
//! Answer only what a snapshot asks; keep no log, and no state but who leads what.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::consumer_group_describe_response as consumer_group;
use kafka_protocol::messages::consumer_protocol_assignment as assigned;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::list_offsets_response as listed;
use kafka_protocol::messages::metadata_response as metadata;
use kafka_protocol::messages::offset_fetch_response as fetched;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse, ConsumerProtocolAssignment, DescribeGroupsRequest,
    DescribeGroupsResponse, FindCoordinatorResponse, GroupId, ListGroupsResponse,
    ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse, OffsetFetchRequest,
    OffsetFetchResponse, RequestHeader, ResponseHeader, SaslAuthenticateResponse,
    SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) use nodes::{Nodes, Twist, Twisted};

// By its path: this file is a part of two crates.
#[path = "broker/nodes.rs"]
mod nodes;

/// The only topic.
pub(crate) const TOPIC: &str = "orders";
/// Kafka's code for a topic or partition that does not exist.
const UNKNOWN_TOPIC: i16 = 3;
/// Kafka's code for refused credentials.
const SASL_AUTHENTICATION_FAILED: i16 = 58;
/// Kafka's code for a group of another kind, or none.
const GROUP_ID_NOT_FOUND: i16 = 69;

/// APIs and the newest version of each that is played; the oldest is 0, or 1 for `OffsetFetch`.
const APIS: [(ApiKey, i16); 10] = [
    (ApiKey::ApiVersions, 3),
    (ApiKey::Metadata, 9),
    (ApiKey::FindCoordinator, 4),
    (ApiKey::DescribeGroups, 5),
    (ApiKey::ListGroups, 0),
    (ApiKey::ConsumerGroupDescribe, 0),
    (ApiKey::OffsetFetch, 7),
    (ApiKey::ListOffsets, 5),
    (ApiKey::SaslHandshake, 1),
    (ApiKey::SaslAuthenticate, 1),
];

/// What the broker answers.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// The group, if it is a classic one.
    pub(crate) classic: Option<Classic>,
    /// Protocol type and protocol of the classic group; `None`: those of consumers.
    pub(crate) protocol: Option<(&'static str, &'static str)>,
    /// A group that is neither, which brokers do no more than list.
    pub(crate) listed: Option<&'static str>,
    /// The group, if it is a KIP-848 one.
    pub(crate) modern: Option<consumer_group::DescribedGroup>,
    /// The topic's partitions.
    pub(crate) partitions: BTreeMap<i32, Log>,
    /// Be a broker of before KIP-848: no `ConsumerGroupDescribe`.
    pub(crate) before_kip_848: bool,
    /// Refuse every password.
    pub(crate) refuse: bool,
    /// Kafka's error code instead of any group.
    pub(crate) group_error: i16,
    /// How often each API was asked.
    pub(crate) asked: Asked,
    /// Who leads what, where there is more than one node.
    pub(crate) nodes: Nodes,
    /// What becomes of answers on their way.
    pub(crate) twist: Twist,
}

/// Requests by API. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<BTreeMap<i16, usize>>>);

impl Asked {
    /// How often this API was asked.
    pub(crate) fn times(&self, api: ApiKey) -> usize {
        self.0.lock().expect("not poisoned").get(&(api as i16)).copied().unwrap_or(0)
    }

    fn note(&self, api: i16) {
        *self.0.lock().expect("not poisoned").entry(api).or_default() += 1;
    }
}

/// A classic group: its state, and each member's id, instance id, host and partitions.
#[derive(Clone)]
pub(crate) struct Classic {
    pub(crate) state: &'static str,
    pub(crate) members: Vec<ClassicMember>,
}

/// A member of a classic group.
#[derive(Clone)]
pub(crate) struct ClassicMember {
    pub(crate) id: &'static str,
    pub(crate) instance_id: Option<&'static str>,
    pub(crate) client_id: &'static str,
    pub(crate) host: &'static str,
    pub(crate) partitions: Vec<i32>,
}

/// Offsets of one partition.
#[derive(Clone, Copy, Default)]
pub(crate) struct Log {
    /// −1: never committed.
    pub(crate) committed: i64,
    pub(crate) start: i64,
    pub(crate) stable_end: i64,
    pub(crate) high_watermark: i64,
    /// Kafka's error code for asking the leader, or 0.
    pub(crate) leader_error: i16,
}

/// Starts a broker and returns its address. It lives as long as the runtime.
pub(crate) async fn start(script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve_on(listener, script));
    address.to_string()
}

/// A broker, until its task is stopped; its connections end with it.
pub(crate) async fn serve_on(listener: TcpListener, script: Script) {
    let port = listener.local_addr().expect("an address").port();
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(serve(connection, port, script.clone()));
    }
}

async fn serve(mut connection: TcpStream, port: u16, script: Script) -> io::Result<()> {
    loop {
        let size = connection.read_i32().await?;
        let mut request = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        connection.read_exact(&mut request).await?;
        let mut answer = answer(Bytes::from(request), port, &script).map_err(io::Error::other)?;
        script.twist.apply(&mut answer);
        let length = i32::try_from(answer.bytes.len()).map_err(io::Error::other)?;
        connection.write_i32(answer.length.unwrap_or(length)).await?;
        connection.write_all(&answer.bytes).await?;
    }
}

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn answer(mut request: Bytes, port: u16, script: &Script) -> Answer<Twisted> {
    let api = i16::from_be_bytes([request[0], request[1]]);
    let version = i16::from_be_bytes([request[2], request[3]]);
    script.asked.note(api);
    let api = ApiKey::try_from(api).map_err(|()| "unknown API")?;
    let header = RequestHeader::decode(&mut request, api.request_header_version(version))?;
    let mut out = BytesMut::new();
    ResponseHeader::default()
        .with_correlation_id(header.correlation_id)
        .encode(&mut out, api.response_header_version(version))?;
    let header = out.len();
    let body = &mut request;
    if api == ApiKey::ApiVersions {
        api_versions(script).encode(&mut out, version.min(3))?;
    } else if api == ApiKey::Metadata {
        metadata(&MetadataRequest::decode(body, version)?, port, script)
            .encode(&mut out, version)?;
    } else if api == ApiKey::FindCoordinator {
        coordinator(port, script).encode(&mut out, version)?;
    } else if api == ApiKey::DescribeGroups {
        let request = DescribeGroupsRequest::decode(body, version)?;
        classic_groups(&request.groups, script)?.encode(&mut out, version)?;
    } else if api == ApiKey::ListGroups {
        let group = |name| ListedGroup::default().with_group_id(GroupId(text(name)));
        let groups = script.listed.into_iter().map(group).collect();
        ListGroupsResponse::default().with_groups(groups).encode(&mut out, version)?;
    } else if api == ApiKey::ConsumerGroupDescribe {
        let request = ConsumerGroupDescribeRequest::decode(body, version)?;
        modern_groups(&request.group_ids, script).encode(&mut out, version)?;
    } else if api == ApiKey::OffsetFetch {
        let request = OffsetFetchRequest::decode(body, version)?;
        committed(&request, script).encode(&mut out, version)?;
    } else if api == ApiKey::ListOffsets {
        let request = ListOffsetsRequest::decode(body, version)?;
        offsets(&request, port, script).encode(&mut out, version)?;
    } else if api == ApiKey::SaslHandshake {
        SaslHandshakeResponse::default()
            .with_mechanisms(vec![text("SCRAM-SHA-256")])
            .encode(&mut out, version)?;
    } else if api == ApiKey::SaslAuthenticate {
        let refused = SaslAuthenticateResponse::default()
            .with_error_code(SASL_AUTHENTICATION_FAILED)
            .with_error_message(Some(text("invalid credentials")));
        let refused = if script.refuse { refused } else { SaslAuthenticateResponse::default() };
        refused.encode(&mut out, version)?;
    } else {
        return Err("not in the script".into());
    }
    Ok(Twisted { api: api as i16, version, header, bytes: out, length: None })
}

fn api_versions(script: &Script) -> ApiVersionsResponse {
    let known = |api: ApiKey| api != ApiKey::ConsumerGroupDescribe || !script.before_kip_848;
    let keys = APIS.into_iter().filter(|(api, _)| known(*api)).map(|(api, newest)| {
        ApiVersion::default()
            .with_api_key(api as i16)
            .with_min_version(i16::from(api == ApiKey::OffsetFetch))
            .with_max_version(newest)
    });
    ApiVersionsResponse::default().with_api_keys(keys.collect())
}

fn metadata(request: &MetadataRequest, port: u16, script: &Script) -> MetadataResponse {
    let wanted = request.topics.clone().unwrap_or_default();
    let layout = script.nodes.layout();
    let topics = wanted.into_iter().filter_map(|topic| topic.name).map(|name| {
        let known = name.as_str() == TOPIC;
        let shown = script.partitions.keys().filter(|it| !layout.hidden.contains(it));
        let partitions = shown.map(|index| {
            metadata::MetadataResponsePartition::default()
                .with_partition_index(*index)
                .with_leader_id(BrokerId(layout.leader(*index)))
                .with_leader_epoch(layout.epoch)
                .with_replica_nodes(vec![BrokerId(1)])
                .with_isr_nodes(vec![BrokerId(1)])
        });
        metadata::MetadataResponseTopic::default()
            .with_name(Some(name))
            .with_error_code(if known { 0 } else { UNKNOWN_TOPIC })
            .with_partitions(if known { partitions.collect() } else { Vec::new() })
    });
    let topics = topics.collect();
    let alone = BTreeMap::from([(1, port)]);
    let ports = if layout.ports.is_empty() { &alone } else { &layout.ports };
    let brokers = ports.iter().map(|(id, port)| {
        metadata::MetadataResponseBroker::default()
            .with_node_id(BrokerId(*id))
            .with_host(text("127.0.0.1"))
            .with_port(i32::from(*port))
    });
    MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_controller_id(BrokerId(1))
        .with_cluster_id(Some(text("scripted")))
        .with_topics(topics)
}

/// Broker 1 coordinates all groups.
fn coordinator(port: u16, script: &Script) -> FindCoordinatorResponse {
    let port = script.nodes.layout().ports.get(&1).copied().unwrap_or(port);
    let node = FindCoordinatorResponse::default().with_node_id(BrokerId(1));
    node.with_host(text("127.0.0.1")).with_port(i32::from(port))
}

fn classic_groups(names: &[GroupId], script: &Script) -> Answer<DescribeGroupsResponse> {
    let mut groups = Vec::new();
    let (protocol_type, protocol) = script.protocol.unwrap_or(("consumer", "range"));
    for name in names {
        let mut group = DescribedGroup::default()
            .with_group_id(name.clone())
            .with_group_state(text("Dead"))
            .with_error_code(script.group_error);
        if let Some(classic) = &script.classic {
            let members = classic.members.iter().map(classic_member).collect::<Answer<_>>()?;
            group = group
                .with_group_state(text(classic.state))
                .with_protocol_type(text(protocol_type))
                .with_protocol_data(text(protocol))
                .with_members(members);
        }
        groups.push(group);
    }
    Ok(DescribeGroupsResponse::default().with_groups(groups))
}

/// An idle member has an assignment without topics, as the Java client sends it.
fn classic_member(member: &ClassicMember) -> Answer<DescribedGroupMember> {
    let mut assignment = BytesMut::new();
    assignment.put_i16(1);
    let topics = match member.partitions.as_slice() {
        [] => Vec::new(),
        partitions => vec![
            assigned::TopicPartition::default()
                .with_topic(TopicName(text(TOPIC)))
                .with_partitions(partitions.to_vec()),
        ],
    };
    ConsumerProtocolAssignment::default()
        .with_assigned_partitions(topics)
        .encode(&mut assignment, 1)?;
    Ok(DescribedGroupMember::default()
        .with_member_id(text(member.id))
        .with_group_instance_id(member.instance_id.map(text))
        .with_client_id(text(member.client_id))
        .with_client_host(text(member.host))
        .with_member_assignment(assignment.freeze()))
}

fn modern_groups(names: &[GroupId], script: &Script) -> ConsumerGroupDescribeResponse {
    let groups = names.iter().map(|name| match &script.modern {
        Some(group) => group.clone().with_group_id(name.clone()),
        None => consumer_group::DescribedGroup::default()
            .with_group_id(name.clone())
            .with_error_code(GROUP_ID_NOT_FOUND),
    });
    ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
}

/// Partitions of [`TOPIC`] in a KIP-848 assignment.
pub(crate) fn modern_assignment(partitions: &[i32]) -> consumer_group::Assignment {
    consumer_group::Assignment::default().with_topic_partitions(vec![
        consumer_group::TopicPartitions::default()
            .with_topic_name(TopicName(text(TOPIC)))
            .with_partitions(partitions.to_vec()),
    ])
}

fn committed(request: &OffsetFetchRequest, script: &Script) -> OffsetFetchResponse {
    let topics = request.topics.iter().flatten().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|index| {
            let committed = script.partitions.get(index).map_or(-1, |log| log.committed);
            fetched::OffsetFetchResponsePartition::default()
                .with_partition_index(*index)
                .with_committed_offset(committed)
                .with_metadata(Some(text("")))
        });
        fetched::OffsetFetchResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

fn offsets(request: &ListOffsetsRequest, port: u16, script: &Script) -> ListOffsetsResponse {
    const LATEST: i64 = -1;
    const READ_COMMITTED: i8 = 1;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let (index, epoch) = (partition.partition_index, partition.current_leader_epoch);
            let layout = script.nodes.layout();
            let log = layout.logs.get(&index).copied().unwrap_or(script.partitions[&index]);
            let error = layout.error(port, index, epoch);
            let offset = match (partition.timestamp, request.isolation_level) {
                (LATEST, READ_COMMITTED) => log.stable_end,
                (LATEST, _) => log.high_watermark,
                (_, _) => log.start,
            };
            listed::ListOffsetsPartitionResponse::default()
                .with_partition_index(index)
                .with_error_code(error.unwrap_or(log.leader_error))
                .with_offset(offset)
                .with_timestamp(-1)
        });
        listed::ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
