//! The pure parts of a snapshot: hosts, and which offsets go where; and what an outage leaves.
//! The answers themselves are tested in `tests/kafka/snapshots.rs`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::ApiKey;
use tokio::net::TcpListener;

use super::{KafkaClient, beyond_stable_end, parse_host, set_offsets};
use crate::config::ClusterConfig;
use crate::error::SampleError;
use crate::ffi::raw::OffsetRow;
use crate::notice::traced;
use crate::pace::{Pace, USUAL};
use crate::snapshot::{Partition, TopicPartition, Topics};
use crate::source::GroupSource;

mod events;

#[allow(dead_code, reason = "written for the tests in `tests/`, of which these need little")]
#[path = "../../tests/kafka/broker.rs"]
mod broker;

const SHORT: Pace = Pace { call: Duration::from_secs(1), ..USUAL };

/// librdkafka aborts the process here if it is left to time out a call to a coordinator.
#[tokio::test]
async fn a_coordinator_that_comes_back_after_the_deadline_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let cluster = ClusterConfig::new([address.to_string()], None).expect("a valid address");
    let client = KafkaClient::with_pace(&cluster, || 0, traced(), SHORT).expect("a client");

    // Alive once, so that the coordinator is known; then gone, for longer than the deadline.
    let classic = broker::Classic { state: "Empty", members: vec![] };
    let script = broker::Script { classic: Some(classic), ..broker::Script::default() };
    let alive = tokio::spawn(broker::serve_on(listener, script.clone()));
    let sample = async || client.sample("g", &Topics::AllAssigned).await;
    sample().await.expect("a snapshot of an empty group");
    alive.abort();
    alive.await.expect_err("stopped");
    for _ in 0..2 {
        let error = sample().await.expect_err("no broker");
        assert_eq!(error.name(), "Unreachable", "{error}");
    }

    let listener = TcpListener::bind(address).await.expect("the same port");
    tokio::spawn(broker::serve_on(listener, script));
    let mut outcome = sample().await;
    for _ in 0..20 {
        if let Err(SampleError::Unreachable { .. } | SampleError::Timeout { .. }) = outcome {
            outcome = sample().await;
        }
    }
    outcome.expect("a snapshot again");
}

/// First and last offsets of a group's partitions, and the requests that were made for all so far.
async fn logs_of(
    client: &KafkaClient,
    asked: &broker::Asked,
) -> (Vec<(Option<i64>, Option<i64>)>, usize) {
    let topics = Topics::List([broker::TOPIC.to_owned()].into());
    let sample = client.sample("g", &topics).await.expect("a snapshot");
    let logs = sample.partitions.iter().map(|it| (it.log_start, it.log_end)).collect();
    (logs, asked.times(ApiKey::ListOffsets))
}

#[tokio::test]
async fn first_offsets_of_a_large_group_are_remembered_until_a_log_ends_earlier() {
    let old = broker::Log { committed: 40, start: 30, stable_end: 90, ..broker::Log::default() };
    let classic = broker::Classic { state: "Empty", members: vec![] };
    for (partitions, is_large) in [(1_000, false), (1_001, true)] {
        let script = broker::Script {
            classic: Some(classic.clone()),
            partitions: (0..partitions).map(|it| (it, old)).collect(),
            ..broker::Script::default()
        };
        let (asked, nodes) = (script.asked.clone(), script.nodes.clone());
        let server = broker::start(script).await;
        let cluster = ClusterConfig::new([server], None).expect("a valid address");
        let client = KafkaClient::connect(&cluster, || 0, traced()).expect("a client");
        let (first, second) = (logs_of(&client, &asked).await, logs_of(&client, &asked).await);
        assert!(first.0.iter().chain(&second.0).all(|it| *it == (Some(30), Some(90))));
        let both = first.1;
        assert_eq!(second.1, both + if is_large { both / 2 } else { both });
        // Made anew, and already longer than it was where it began.
        nodes.layout().logs.insert(1, broker::Log { start: 0, stable_end: 50, ..old });
        let (logs, _) = logs_of(&client, &asked).await;
        assert_eq!(logs[..2], [(Some(30), Some(90)), (Some(0), Some(50))]);
    }
}

#[test]
fn hosts_as_java_writes_them() {
    let ip = |text: &str| text.parse::<IpAddr>().ok();
    for (text, expected) in [
        ("/10.243.0.3", ip("10.243.0.3")),
        ("worker.example/10.243.0.3", ip("10.243.0.3")),
        ("10.243.0.3", ip("10.243.0.3")),
        ("/fd00:0:0:0:0:0:0:5", ip("fd00::5")),
        ("/fe80:0:0:0:0:0:0:1%eth0", ip("fe80::1")),
        ("/0:0:0:0:0:ffff:a00:1", ip("10.0.0.1")),
        ("/worker.example", None),
        ("/", None),
        ("", None),
    ] {
        assert_eq!(parse_host(text), expected, "{text:?}");
    }
}

fn partition(number: i32, committed: Option<i64>, log_end: Option<i64>) -> Partition {
    let id = TopicPartition { topic: Arc::from("t"), partition: number };
    Partition { id, owner: None, committed, log_start: None, log_end, high_watermark: None }
}

#[test]
fn rows_find_their_partition_in_any_order() {
    let mut partitions =
        [partition(0, None, None), partition(1, None, None), partition(2, None, None)];
    let row = |number, offset| OffsetRow { id: partition(number, None, None).id, offset, code: 0 };
    set_offsets(&mut partitions, vec![row(2, Some(7)), row(9, Some(8)), row(0, None)], |p| {
        &mut p.log_end
    });
    assert_eq!(partitions.map(|p| p.log_end), [None, None, Some(7)]);
}

#[test]
fn only_commits_beyond_the_stable_end_need_another_look() {
    let partitions = [
        partition(0, Some(5), Some(5)),
        partition(1, Some(6), Some(5)),
        partition(2, None, Some(5)),
        partition(3, Some(6), None),
    ];
    let found: Vec<i32> = beyond_stable_end(&partitions).iter().map(|id| id.partition).collect();
    assert_eq!(found, [1]);
}
