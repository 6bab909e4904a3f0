//! Snapshots through librdkafka's real client, from a broker that plays a script.
//! What Apache Kafka itself answers is not shown here but by the tests on a real cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::broker::{Classic, ClassicMember, Log, Script, TOPIC, modern_assignment, text};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::messages::consumer_group_describe_response as consumer_group;
use siskin_analysis::observation::GroupState;
use siskin_kafka::{
    ClusterConfig, GroupKind, GroupSnapshot, Partition, Sample, SampleError, Samplers, Security,
    Topics,
};

const GROUP: &str = "orders-enricher";
const NOW: i64 = 1_700_000_000_000;

pub(crate) const LOG: Log =
    Log { committed: 40, start: 3, stable_end: 90, high_watermark: 100, leader_error: 0 };

pub(crate) fn two_members() -> Classic {
    Classic {
        state: "Stable",
        members: vec![
            ClassicMember {
                id: "m-1",
                instance_id: Some("orders-primary-0"),
                client_id: "c",
                host: "/10.1.2.3",
                partitions: vec![2, 0, 1],
            },
            ClassicMember {
                id: "m-2",
                instance_id: None,
                client_id: "idle",
                host: "/fd00:0:0:0:0:0:0:5",
                partitions: vec![],
            },
        ],
    }
}

pub(crate) fn script(classic: Option<Classic>, logs: &[Log]) -> Script {
    let partitions = (0..).zip(logs.iter().copied()).collect();
    Script { classic, partitions, ..Script::default() }
}

/// The first outcome of a sampler of the scripted group.
async fn sample(script: Script, topics: Topics, security: Option<Security>) -> Sample {
    let server = crate::broker::start(script).await;
    let cluster = ClusterConfig::new([server], security).expect("a valid address");
    let samplers = Samplers::new(|| NOW);
    let mut subscription = samplers.subscribe(cluster, GROUP, topics, Duration::from_secs(10));
    subscription.changed().await.expect("an outcome")
}

async fn snapshot(script: Script, topics: Topics) -> GroupSnapshot {
    sample(script, topics, None).await.as_ref().clone().expect("a snapshot")
}

async fn refusal(script: Script, topics: Topics) -> SampleError {
    sample(script, topics, None).await.as_ref().clone().expect_err("a refusal")
}

fn listed(topic: &str) -> Topics {
    Topics::List(BTreeSet::from([topic.to_owned()]))
}

fn numbers(snapshot: &GroupSnapshot) -> Vec<i32> {
    snapshot.partitions.iter().map(|partition| partition.id.partition).collect()
}

#[tokio::test]
async fn a_group_that_never_existed_is_unknown() {
    let error = refusal(script(None, &[LOG]), Topics::AllAssigned).await;
    assert_eq!(error, SampleError::UnknownGroup { group: GROUP.to_owned() });
}

#[tokio::test]
async fn a_share_or_streams_group_is_named_and_asked_for_once_a_minute() {
    // To both requests that librdkafka knows, Kafka 4.3 answers as if there were no such group.
    let script = Script { listed: Some(GROUP), ..script(None, &[LOG]) };
    let asked = script.asked.clone();
    let server = crate::broker::start(script).await;
    let cluster = ClusterConfig::new([server], None).expect("a valid address");
    let samplers = Samplers::new(|| NOW);
    let (topics, interval) = (Topics::AllAssigned, Duration::from_secs(1));
    let mut subscription = samplers.subscribe(cluster, GROUP, topics, interval);
    let kind = GroupKind::ShareOrStreams;
    let expected = Err(SampleError::NotAConsumerGroup { group: GROUP.to_owned(), kind });
    for _ in 0..2 {
        assert_eq!(*subscription.changed().await.expect("an outcome"), expected);
    }
    assert_eq!(asked.times(ApiKey::ListGroups), 1, "each broker answers with all of its groups");
}

#[tokio::test]
async fn a_group_of_another_protocol_type_is_named_with_what_to_do() {
    let workers = Classic { state: "Stable", members: vec![] };
    for (protocol_type, expected, words) in [
        ("connect", GroupKind::Connect, "is the group of Kafka Connect's workers, not a consumer"),
        ("sr", GroupKind::Other("sr".to_owned()), "is a group of the protocol type \"sr\", not"),
    ] {
        let protocol = Some((protocol_type, "sessioned"));
        let script = Script { protocol, ..script(Some(workers.clone()), &[LOG]) };
        let error = refusal(script, Topics::AllAssigned).await;
        assert!(error.to_string().contains(words) && error.is_answer(), "{error}");
        let group = GROUP.to_owned();
        assert_eq!(error, SampleError::NotAConsumerGroup { group, kind: expected });
    }
}

#[tokio::test]
async fn kafka_streams_on_the_classic_protocol_is_a_group_of_consumers_and_known_as_what_it_is() {
    for (protocol, state, expected) in [
        (Some(("consumer", "stream")), "Stable", Some(true)),
        (None, "Stable", Some(false)),
        // Kafka shows a protocol of groups that are at rest only.
        (Some(("consumer", "")), "PreparingRebalance", None),
    ] {
        let classic = Classic { state, ..two_members() };
        let script = Script { protocol, ..script(Some(classic), &[LOG; 3]) };
        let snapshot = snapshot(script, Topics::AllAssigned).await;
        assert_eq!((snapshot.is_streams(), snapshot.members.len()), (expected, 2), "{protocol:?}");
    }
    let modern = snapshot(modern("Stable", &[0], &[0]), Topics::AllAssigned).await;
    assert_eq!(modern.is_streams(), Some(false));
}

#[tokio::test]
async fn members_are_read_with_their_identity_and_an_idle_one_owns_nothing() {
    let snapshot = snapshot(script(Some(two_members()), &[LOG; 3]), Topics::AllAssigned).await;
    assert_eq!((snapshot.at, snapshot.state), (NOW, GroupState::Stable));
    let [busy, idle] = snapshot.members.as_slice() else { panic!("{:?}", snapshot.members) };
    assert_eq!(busy.instance_id.as_deref(), Some("orders-primary-0"));
    assert_eq!(busy.host, Some(IpAddr::from([10, 1, 2, 3])));
    assert_eq!((&*idle.member_id, &*idle.client_id), ("m-2", "idle"));
    assert_eq!((idle.instance_id.as_deref(), idle.assignment.len()), (None, 0));
    assert_eq!(idle.host, "fd00::5".parse().ok());
    assert_eq!(numbers(&snapshot), [0, 1, 2]);
    assert!(snapshot.partitions.iter().all(|partition| partition.owner == Some(0)));
}

#[tokio::test]
async fn the_end_is_the_last_stable_offset_and_the_high_watermark_is_not_asked() {
    let snapshot = snapshot(script(Some(two_members()), &[LOG; 3]), Topics::AllAssigned).await;
    let first = &snapshot.partitions[0];
    assert_eq!((first.committed, first.log_start, first.log_end), (Some(40), Some(3), Some(90)));
    assert_eq!(first.high_watermark, None);
}

#[tokio::test]
async fn a_commit_beyond_the_last_stable_offset_asks_for_the_high_watermark() {
    let uncommitted_reader = Log { committed: 95, ..LOG };
    let logs = [LOG, uncommitted_reader, LOG];
    let snapshot = snapshot(script(Some(two_members()), &logs), Topics::AllAssigned).await;
    let ends: Vec<_> = snapshot.partitions.iter().map(Partition::readable_end).collect();
    assert_eq!(ends, [Some(90), Some(95), Some(90)]);
    let high: Vec<_> = snapshot.partitions.iter().map(|p| p.high_watermark).collect();
    assert_eq!(high, [None, Some(100), None]);
}

#[tokio::test]
async fn an_error_of_one_leader_and_a_missing_commit_leave_the_others_alone() {
    const NOT_LEADER: i16 = 6;
    let logs = [LOG, Log { leader_error: NOT_LEADER, ..LOG }, Log { committed: -1, ..LOG }];
    let snapshot = snapshot(script(Some(two_members()), &logs), Topics::AllAssigned).await;
    let seen: Vec<_> = snapshot.partitions.iter().map(|p| (p.committed, p.log_end)).collect();
    assert_eq!(seen, [(Some(40), Some(90)), (Some(40), None), (None, Some(90))]);
    assert_eq!(snapshot.partitions[1].log_start, None);
}

#[tokio::test]
async fn an_error_code_that_librdkafka_does_not_know_is_just_an_error() {
    let logs = [Log { leader_error: 32_000, ..LOG }, LOG, LOG];
    let snapshot = snapshot(script(Some(two_members()), &logs), Topics::AllAssigned).await;
    assert_eq!(snapshot.partitions[0].log_end, None);
    assert_eq!(snapshot.partitions[1].log_end, Some(90));

    let broken = Script { group_error: 32_000, ..script(None, &[LOG]) };
    let error = refusal(broken, Topics::AllAssigned).await;
    assert_eq!(error.name(), "Protocol", "{error}");
}

#[tokio::test]
async fn listed_topics_show_partitions_that_nobody_owns() {
    let snapshot = snapshot(script(Some(two_members()), &[LOG; 5]), listed(TOPIC)).await;
    let owners: Vec<_> = snapshot.partitions.iter().map(|partition| partition.owner).collect();
    assert_eq!(owners, [Some(0), Some(0), Some(0), None, None]);
}

#[tokio::test]
async fn a_listed_topic_that_does_not_exist_is_named() {
    let error = refusal(script(Some(two_members()), &[LOG; 3]), listed("odrers")).await;
    assert_eq!(error, SampleError::MissingTopic { topic: "odrers".to_owned() });
}

#[tokio::test]
async fn a_classic_group_without_members_is_empty() {
    let empty = Classic { state: "Empty", members: vec![] };
    let snapshot = snapshot(script(Some(empty), &[LOG]), Topics::AllAssigned).await;
    assert_eq!((snapshot.state, snapshot.partitions.len()), (GroupState::Empty, 0));
}

#[tokio::test]
async fn a_broker_of_before_kip_848_is_asked_the_old_way() {
    let script = Script { before_kip_848: true, ..script(Some(two_members()), &[LOG; 3]) };
    let snapshot = snapshot(script, Topics::AllAssigned).await;
    assert_eq!((snapshot.state, snapshot.members.len()), (GroupState::Stable, 2));
}

#[tokio::test]
async fn a_classic_group_in_a_rebalance_shows_its_old_assignment() {
    let moving = Classic { state: "PreparingRebalance", ..two_members() };
    let snapshot = snapshot(script(Some(moving), &[LOG; 3]), Topics::AllAssigned).await;
    assert_eq!((snapshot.state, numbers(&snapshot)), (GroupState::Rebalancing, vec![0, 1, 2]));
}

/// A KIP-848 group with one member.
fn modern(state: &str, current: &[i32], target: &[i32]) -> Script {
    let member = consumer_group::Member::default()
        .with_member_id(text("uuid-1"))
        .with_client_id(text("c1"))
        .with_client_host(text("/10.1.2.9"))
        .with_assignment(modern_assignment(current))
        .with_target_assignment(modern_assignment(target));
    let group = consumer_group::DescribedGroup::default()
        .with_group_state(text(state))
        .with_assignor_name(text("uniform"))
        .with_members(vec![member]);
    Script { modern: Some(group), ..script(None, &[LOG; 3]) }
}

#[tokio::test]
async fn a_kip_848_group_rebalances_until_every_member_is_where_it_should_be() {
    for (state, current, target, expected) in [
        ("Stable", [0, 1].as_slice(), [1, 0].as_slice(), GroupState::Stable),
        ("Stable", &[0], &[0, 1], GroupState::Rebalancing),
        ("Reconciling", &[0, 1], &[0, 1], GroupState::Rebalancing),
        ("Assigning", &[0], &[0], GroupState::Rebalancing),
    ] {
        let snapshot = snapshot(modern(state, current, target), Topics::AllAssigned).await;
        assert_eq!(snapshot.state, expected, "{state}: {current:?} -> {target:?}");
        assert_eq!(snapshot.partitions.len(), current.len(), "the current assignment counts");
    }
}

#[tokio::test]
async fn refused_credentials_are_told_from_an_unreachable_cluster() {
    let secret = [("sasl.mechanism", "SCRAM-SHA-256"), ("username", "u"), ("password", "hunter2")];
    let secret: BTreeMap<_, _> =
        secret.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
    let security = Security::from_secret(&secret).expect("valid credentials");
    let script = Script { refuse: true, ..script(None, &[LOG]) };
    let outcome = sample(script, Topics::AllAssigned, Some(security)).await;
    let error = outcome.as_ref().as_ref().expect_err("a refusal");
    assert_eq!(error.name(), "AuthenticationFailed", "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

/// Snapshots of so many groups of one cluster, each polled once; and the requests that they took.
async fn polled(groups: usize, script: Script) -> Vec<GroupSnapshot> {
    let server = crate::broker::start(script).await;
    let cluster = ClusterConfig::new([server], None).expect("a valid address");
    let samplers = Samplers::new(|| NOW);
    let mut subscriptions: Vec<_> = (0..groups)
        .map(|it| {
            let group = format!("{GROUP}-{it}");
            samplers.subscribe(cluster.clone(), &group, listed(TOPIC), Duration::from_secs(10))
        })
        .collect();
    let mut all = vec![];
    for subscription in &mut subscriptions {
        let sample = subscription.changed().await.expect("an outcome");
        all.push(sample.as_ref().clone().expect("a snapshot"));
    }
    all
}

#[tokio::test]
async fn groups_of_one_cluster_share_the_requests_for_log_ends_and_topics() {
    const GROUPS: usize = 100;
    let script = script(Some(two_members()), &[LOG; 3]);
    let asked = script.asked.clone();
    let all = polled(GROUPS, script).await;
    assert_eq!(all.len(), GROUPS);
    for snapshot in all {
        let ends: Vec<_> = snapshot.partitions.iter().map(|it| it.log_end).collect();
        assert_eq!(ends, [Some(90); 3]);
        let starts: Vec<_> = snapshot.partitions.iter().map(|it| it.log_start).collect();
        assert_eq!(starts, [Some(3); 3]);
    }
    // Each would make two; a busy machine makes the rounds more than the three that they are.
    let log_ends = asked.times(ApiKey::ListOffsets);
    assert!(log_ends <= GROUPS, "{log_ends} requests for ends of logs");
    assert_eq!(asked.times(ApiKey::OffsetFetch), GROUPS, "commits are of one group each");
    let found = asked.times(ApiKey::FindCoordinator);
    assert!(found <= GROUPS * 2, "{found} requests for coordinators");
}
