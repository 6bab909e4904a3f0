//! Brokers that answer what no broker answers, each known to end a process of librdkafka or to fill it.
//! The operator outlives them, and samples of a neighbor go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use kafka_protocol::messages::consumer_group_describe_response as consumer_group;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiKey, BrokerId, ConsumerGroupDescribeResponse, DescribeGroupsResponse, GroupId,
    ListOffsetsResponse, MetadataResponse, SaslAuthenticateResponse,
};
use kafka_protocol::protocol::Encodable;
use siskin_kafka::{ClusterConfig, SampleError, Samplers, Security, Subscription, Topics};
use tokio::time::{Instant, timeout};

use crate::broker::{self, Script, Twist, Twisted, text};
use crate::child::program;
use crate::snapshots::{LOG, script, two_members};

/// How often groups are sampled here.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);
/// Longest wait for an outcome: that of one sample.
const OUTCOME_WITHIN: Duration = Duration::from_secs(35);

/// A group of a broker that is well, sampled beside hostile ones.
pub(crate) struct Neighbor {
    subscription: Subscription,
    sampled: Instant,
}

impl Neighbor {
    pub(crate) async fn new(samplers: &Samplers) -> Self {
        let server = broker::start(script(Some(two_members()), &[LOG; 3])).await;
        let cluster = ClusterConfig::new([server], None).expect("a valid address");
        let mut subscription = samplers.subscribe(cluster, "g", Topics::AllAssigned, INTERVAL);
        let first = subscription.changed().await.expect("an outcome");
        assert!(first.is_ok(), "{first:?}");
        Self { subscription, sampled: Instant::now() }
    }

    /// Takes samples in, each within two intervals of the last. Does not end.
    pub(crate) async fn goes_on(mut self) {
        loop {
            let sample = self.subscription.changed().await.expect("an outcome");
            assert!(sample.is_ok(), "{sample:?}");
            let since = self.sampled.elapsed();
            assert!(since < INTERVAL * 2, "a sample after {since:?}");
            self.sampled = Instant::now();
        }
    }
}

/// A broker whose answers to one API are replaced.
fn answering(api: ApiKey, twist: impl Fn(&mut Twisted) + Send + Sync + 'static) -> Script {
    let twist = Twist::new(move |answer| {
        if answer.api == api as i16 {
            twist(answer);
        }
    });
    Script { twist, ..script(Some(two_members()), &[LOG; 3]) }
}

/// Puts this body in the place of the answer's.
fn replace(answer: &mut Twisted, body: &impl Encodable) {
    answer.bytes.truncate(answer.header);
    body.encode(&mut answer.bytes, answer.version).expect("an answer");
}

fn described(groups: &[&str]) -> DescribeGroupsResponse {
    let group = |it: &&str| {
        let group = DescribedGroup::default().with_group_id(GroupId(text(it)));
        group.with_group_state(text("Stable")).with_protocol_type(text("consumer"))
    };
    DescribeGroupsResponse::default().with_groups(groups.iter().map(group).collect())
}

fn modern(groups: &[&str]) -> ConsumerGroupDescribeResponse {
    let group = |it: &&str| {
        let group = consumer_group::DescribedGroup::default().with_group_id(GroupId(text(it)));
        group.with_group_state(text("Stable"))
    };
    ConsumerGroupDescribeResponse::default().with_groups(groups.iter().map(group).collect())
}

/// Credentials for a broker that is asked for a login.
fn login() -> Security {
    let secret = [("sasl.mechanism", "SCRAM-SHA-256"), ("username", "u"), ("password", "p")];
    let secret = secret.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    Security::from_secret(&BTreeMap::from(secret)).expect("valid credentials")
}

/// A first message of SCRAM, so long.
fn scram(length: usize) -> Script {
    answering(ApiKey::SaslAuthenticate, move |answer| {
        let message = format!("r={},s=c2FsdA==,i=4096", "x".repeat(length));
        let body = SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from(message));
        replace(answer, &body);
    })
}

/// Lengths that are told before 100 bytes.
fn told(length: i32) -> Script {
    answering(ApiKey::DescribeGroups, move |answer| {
        answer.bytes.resize(100, 0);
        answer.length = Some(length);
    })
}

/// What is known to be hostile, by name.
fn hostile() -> Vec<(&'static str, Script)> {
    let brokers = |count: i32| {
        let broker = |id| {
            let broker = MetadataResponseBroker::default().with_node_id(BrokerId(id));
            broker.with_host(text("127.0.0.1")).with_port(1)
        };
        MetadataResponse::default().with_brokers((0..count).map(broker).collect())
    };
    vec![
        ("no group", answering(ApiKey::DescribeGroups, |it| replace(it, &described(&[])))),
        (
            "a foreign group",
            answering(ApiKey::DescribeGroups, |it| replace(it, &described(&["x"]))),
        ),
        (
            "two groups",
            answering(ApiKey::DescribeGroups, |it| replace(it, &described(&["g", "g"]))),
        ),
        ("no new group", answering(ApiKey::ConsumerGroupDescribe, |it| replace(it, &modern(&[])))),
        (
            "a foreign new group",
            answering(ApiKey::ConsumerGroupDescribe, |it| replace(it, &modern(&["x"]))),
        ),
        (
            "null instead of brokers",
            answering(ApiKey::Metadata, |answer| {
                answer.bytes.truncate(answer.header);
                // Throttled for 0 ms, null, no cluster, controller 1, no topics, no rights, no tags.
                answer.bytes.put_i32(0);
                answer.bytes.put_slice(&[0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
            }),
        ),
        ("3,000 brokers", answering(ApiKey::Metadata, move |it| replace(it, &brokers(3_000)))),
        (
            "no offsets",
            answering(ApiKey::ListOffsets, |it| replace(it, &ListOffsetsResponse::default())),
        ),
        ("a length of 2 GiB", told(i32::MAX)),
        ("a length of 100 MB", told(100_000_000)),
        ("a length below zero", told(-1)),
        ("an answer that ends too early", told(4_000)),
        (
            "an answer that is cut",
            answering(ApiKey::OffsetFetch, |it| it.bytes.truncate(it.bytes.len() / 2)),
        ),
        ("a login of 20 MB", scram(20_000_000)),
        ("a login of 6 MB", scram(6_000_000)),
    ]
}

/// The first outcomes of a group at a hostile broker: a second one tells whether it is tried again.
async fn outcomes(samplers: &Samplers, name: &str, script: Script) -> Vec<SampleError> {
    let security = name.contains("login").then(login);
    let server = broker::start(script).await;
    let cluster = ClusterConfig::new([server], security).expect("a valid address");
    let mut subscription = samplers.subscribe(cluster, "g", Topics::AllAssigned, INTERVAL);
    let mut errors = Vec::new();
    for _ in 0..2 {
        let outcome = timeout(OUTCOME_WITHIN, subscription.changed()).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("{name}: no outcome"));
        errors.extend(outcome.expect("an outcome").as_ref().as_ref().err().cloned());
    }
    errors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_ends_the_operator_or_keeps_up_a_neighbor() {
    let samplers = Samplers::in_processes(program(), Arc::new(|_| {}));
    let neighbor = tokio::spawn(Neighbor::new(&samplers).await.goes_on());
    let mut crashed = Vec::new();
    let mut asked = tokio::task::JoinSet::new();
    for (name, script) in hostile() {
        let samplers = samplers.clone();
        asked.spawn(async move { (name, outcomes(&samplers, name, script).await) });
    }
    while let Some(outcome) = asked.join_next().await {
        let (name, errors) = outcome.expect("outcomes");
        if errors.iter().any(|it| it.name() == "KafkaClientCrashed") {
            crashed.push(name);
        }
        println!("{name}: {errors:?}");
    }
    assert!(!neighbor.is_finished(), "{:?}", neighbor.await);
    neighbor.abort();
    // librdkafka asserts that the group is there. If it ever does not, these tests show nothing.
    assert!(crashed.contains(&"no group"), "{crashed:?}");
}
