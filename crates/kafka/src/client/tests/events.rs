//! What happens to brokers in the middle of a trial: one is lost, leaders move, partitions come.
//! Two scripted brokers; metadata is asked for every second rather than every ten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::ApiKey;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::broker::{Classic, ClassicMember, Log, Nodes, Script, serve_on};
use crate::client::KafkaClient;
use crate::config::ClusterConfig;
use crate::notice::{Notice, Notices, UnreadReason};
use crate::pace::{Pace, USUAL};
use crate::security::Security;
use crate::snapshot::{GroupSnapshot, Topics};
use crate::source::GroupSource;

/// Ten times the usual speed, but for the calls of a healthy broker.
const FAST: Pace =
    Pace { leader: Duration::from_secs(1), metadata: Duration::from_secs(1), ..USUAL };
/// Three times what librdkafka takes at this pace, on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// A leader's deadline, and two seconds for a busy machine.
const SAMPLE_WITHIN: Duration = Duration::from_secs(3);

const LOG: Log =
    Log { committed: 40, start: 3, stable_end: 90, high_watermark: 100, leader_error: 0 };

/// Two brokers: the first coordinates the group and leads the even partitions.
struct Pair {
    client: KafkaClient,
    nodes: Nodes,
    second: JoinHandle<()>,
    unread: Arc<Mutex<BTreeMap<UnreadReason, usize>>>,
}

async fn pair(partitions: i32) -> Pair {
    let member = ClassicMember {
        id: "m-1",
        instance_id: None,
        client_id: "c",
        host: "/10.1.2.3",
        partitions: (0..partitions).collect(),
    };
    let script = Script {
        classic: Some(Classic { state: "Stable", members: vec![member] }),
        partitions: (0..partitions).map(|it| (it, LOG)).collect(),
        ..Script::default()
    };
    let mut serving = Vec::new();
    for id in [1, 2] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        script.nodes.layout().ports.insert(id, port);
        serving.push((listener, port));
    }
    script.nodes.layout().leaders = (0..partitions).map(|it| (it, 1 + it % 2)).collect();
    let nodes = script.nodes.clone();
    let address = format!("127.0.0.1:{}", serving[0].1);
    let mut tasks: Vec<_> =
        serving.into_iter().map(|(it, _)| tokio::spawn(serve_on(it, script.clone()))).collect();
    let unread = Arc::new(Mutex::new(BTreeMap::new()));
    let counts = Arc::clone(&unread);
    let notices: Notices = Arc::new(move |notice| {
        if let Notice::Unread { reason, partitions } = notice {
            *counts.lock().entry(reason).or_default() += partitions;
        }
    });
    let cluster = ClusterConfig::new([address], None).expect("a valid address");
    let client = KafkaClient::with_pace(&cluster, || 0, notices, FAST).expect("a client");
    Pair { client, nodes, second: tasks.remove(1), unread }
}

impl Pair {
    async fn sample(&self) -> GroupSnapshot {
        let begun = Instant::now();
        let sample = self.client.sample("g", &Topics::AllAssigned).await.expect("a snapshot");
        assert!(begun.elapsed() < SAMPLE_WITHIN, "{:?}", begun.elapsed());
        sample
    }

    /// Samples until all offsets are known; in between, those of the even partitions are.
    async fn sees_all_again(&self) {
        let begun = Instant::now();
        while !unknown(&self.sample().await).is_empty() {
            assert!(begun.elapsed() < SEEN_WITHIN, "still blind");
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Partitions without an end; one that the first broker leads always has one.
fn unknown(snapshot: &GroupSnapshot) -> Vec<i32> {
    let unknown = snapshot.partitions.iter().filter(|it| it.log_end.is_none());
    let unknown: Vec<i32> = unknown.map(|it| it.id.partition).collect();
    assert!(unknown.iter().all(|it| it % 2 == 1), "blind where the leader is well: {unknown:?}");
    unknown
}

#[tokio::test]
async fn a_broker_that_is_lost_blinds_its_own_partitions_alone_and_for_seconds() {
    let pair = pair(4).await;
    assert_eq!(unknown(&pair.sample().await), [0; 0]);
    pair.second.abort();
    assert_eq!(unknown(&pair.sample().await), [1, 3]);
    assert!(2 <= pair.unread.lock()[&UnreadReason::NoAnswer]);
    pair.nodes.layout().leaders.clear();
    pair.nodes.layout().ports.remove(&2);
    pair.sees_all_again().await;
}

#[tokio::test]
async fn a_lost_leader_of_thousands_of_partitions_costs_one_deadline() {
    let pair = pair(12_000).await;
    let sample = async || {
        let begun = Instant::now();
        let sample = pair.client.sample("g", &Topics::AllAssigned).await.expect("a snapshot");
        (unknown(&sample).len(), begun.elapsed())
    };
    assert_eq!(sample().await.0, 0);
    let well = sample().await.1;
    pair.second.abort();
    let (blind, took) = sample().await;
    assert_eq!(blind, 6_000);
    assert!(took < well * 2 + FAST.leader * 2, "{took:?} after {well:?}");
}

#[tokio::test]
async fn a_new_epoch_of_a_leader_is_learnt_and_counted_by_name() {
    let pair = pair(1).await;
    pair.sample().await;
    pair.nodes.layout().epoch = 7;
    let begun = Instant::now();
    while pair.client.sample("g", &Topics::AllAssigned).await.expect("a snapshot").partitions[0]
        .log_end
        .is_none()
    {
        assert!(begun.elapsed() < SEEN_WITHIN, "still fenced");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(1 <= pair.unread.lock()[&UnreadReason::FencedLeaderEpoch], "{:?}", pair.unread);
}

#[tokio::test]
async fn a_partition_that_is_added_is_seen_within_seconds() {
    let pair = pair(2).await;
    pair.nodes.layout().hidden.insert(1);
    assert_eq!(unknown(&pair.sample().await), [1]);
    assert_eq!(*pair.unread.lock(), BTreeMap::from([(UnreadReason::NoLeader, 1)]));
    pair.nodes.layout().hidden.clear();
    pair.sees_all_again().await;
}

#[tokio::test]
async fn refused_credentials_are_shown_once_however_many_groups_there_are() {
    let secret = [("sasl.mechanism", "SCRAM-SHA-256"), ("username", "u"), ("password", "p")];
    let secret = secret.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    let security = Security::from_secret(&secret.into()).expect("valid credentials");
    let script = Script { refuse: true, ..Script::default() };
    let asked = script.asked.clone();
    let server = super::broker::start(script).await;
    let cluster = ClusterConfig::new([server], Some(security)).expect("a valid address");
    let pace = Pace { login: Duration::from_secs(4), ..USUAL };
    let client = KafkaClient::with_pace(&cluster, || 0, crate::notice::traced(), pace);
    let client = client.expect("a client");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let groups: Vec<String> = (0..20).map(|it| format!("g{it}")).collect();
        let samples = groups.iter().map(|it| client.sample(it, &Topics::AllAssigned));
        for outcome in futures::future::join_all(samples).await {
            let error = outcome.expect_err("a refusal");
            assert_eq!(error.name(), "AuthenticationFailed", "{error}");
        }
        sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(asked.times(ApiKey::SaslAuthenticate), 1);
    sleep(Duration::from_secs(2)).await;
    client.sample("g", &Topics::AllAssigned).await.expect_err("a refusal");
    assert_eq!(asked.times(ApiKey::SaslAuthenticate), 2, "and again after a while");
}
