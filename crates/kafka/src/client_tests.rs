//! The pure parts of a snapshot: states, hosts, and which offsets go where.
//! The calls themselves are tested against the scripted broker.

use std::net::IpAddr;
use std::sync::Arc;

use super::{beyond_stable_end, fill, parse_host};
use crate::ffi::OffsetRow;
use crate::snapshot::{Partition, TopicPartition};

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
    fill(&mut partitions, vec![row(2, Some(7)), row(9, Some(8)), row(0, None)], |p| &mut p.log_end);
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
