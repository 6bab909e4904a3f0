//! Snapshots and credentials on their way through a pipe, and reports that lie.
//! No process is started.

use std::net::IpAddr;

use super::*;
use crate::process::frames;

fn snapshot() -> GroupSnapshot {
    let id = |topic: &str, partition| TopicPartition { topic: Arc::from(topic), partition };
    let members = vec![Member {
        member_id: Arc::from("m-1"),
        client_id: "orders-canary-0".to_owned(),
        instance_id: Some("orders-0".to_owned()),
        host: Some(IpAddr::from([10, 1, 2, 3])),
        assignment: vec![id("orders", 0), id("returns", 7)],
    }];
    let partition = |id, owner| Partition {
        id,
        owner,
        committed: Some(40),
        log_start: Some(0),
        log_end: Some(i64::MAX),
        high_watermark: None,
    };
    let partitions = vec![
        partition(id("orders", 0), Some(0)),
        partition(id("orders", 1), None),
        partition(id("returns", 7), Some(0)),
    ];
    let (at, state, assignor) = (1_700_000_000_000, GroupState::Stable, "stream".to_owned());
    GroupSnapshot { at, state, assignor, epoch: fingerprint(&members), members, partitions }
}

/// The snapshot as the operator has it after it went through a pipe.
fn received(columns: &Columns) -> Result<GroupSnapshot, SnapshotError> {
    let frame = frames::frame(columns).expect("short");
    let columns: Option<Columns> = frames::read(&mut frame.as_slice()).expect("a message");
    columns.expect("a message").try_into()
}

#[test]
fn a_snapshot_comes_as_it_went() {
    assert_eq!(received(&snapshot().into()), Ok(snapshot()));
}

#[test]
fn a_report_that_lies_is_refused() {
    let mut lie: Columns = snapshot().into();
    lie.partitions[0].1 = Some(1);
    assert_eq!(received(&lie), Err(SnapshotError::Dangling));
    let mut lie: Columns = snapshot().into();
    lie.topics.clear();
    assert_eq!(received(&lie), Err(SnapshotError::Dangling));
    let mut lie: Columns = snapshot().into();
    lie.partitions.extend((0..=50_000).map(|it| PartitionRow(Id(0, it), None, [None; 4])));
    assert_eq!(received(&lie), Err(SnapshotError::TooLarge(50_004)));
}

#[test]
fn a_client_that_names_itself_after_a_terminal_is_cleaned() {
    let mut strange = snapshot();
    strange.members[0].client_id = format!("\u{1b}]0;{}", "x".repeat(9_000));
    let found = received(&strange.into()).expect("a snapshot");
    let name = &found.members[0].client_id;
    assert!(name.starts_with("\u{fffd}]0;x") && name.chars().count() == 512, "{name}");
}

#[test]
fn credentials_come_as_they_went() {
    let secret = [("sasl.mechanism", "SCRAM-SHA-512"), ("username", "u"), ("password", "p w=;\"")];
    let pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
    let key = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n";
    let tls = [("ca.crt", pem), ("tls.crt", pem), ("tls.key", key)];
    let data = secret.iter().chain(&tls);
    let data = data.map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
    let security = Security::from_secret(&data).expect("credentials");
    let servers = ["b:1".to_owned(), "[fd00::1]:2".to_owned()];
    for security in [None, Some(security)] {
        let cluster = ClusterConfig::new(servers.clone(), security).expect("addresses");
        let frame = frames::frame(&Order::Connect(Cluster::from(&cluster))).expect("short");
        let order: Option<Order> = frames::read(&mut frame.as_slice()).expect("a message");
        let Some(Order::Connect(received)) = order else { panic!("another order") };
        assert_eq!(ClusterConfig::try_from(received).expect("a cluster"), cluster);
    }
}
