//! Fates: the same each time, in the shares that were asked for, and as poison says.
//! No clock and no randomness: a failure here repeats.

use super::*;

fn shares() -> Faults {
    Faults {
        error_share: 0.1,
        drop_share: 0.2,
        commit_without_processing: 0.3,
        stall_share: 0.05,
        ..Faults::default()
    }
}

#[test]
fn the_hash_is_the_same_in_every_build() {
    // Computed by another program: a worker of another version must decide alike.
    let found = uniform("orders", 3, 42);
    assert!((found - 0.117_633_393_267_169_6).abs() < 1e-12, "{found}");
}

#[test]
fn shares_are_kept() {
    let faults = shares();
    let fates: Vec<_> =
        (0..20_000).map(|offset| faults.fate("orders", 3, offset, b"order")).collect();
    let count = |fate| fates.iter().filter(|it| **it == fate).count();
    for (fate, expected) in [
        (Fate::Failed, 2_000),
        (Fate::Dropped, 4_000),
        (Fate::Skipped, 6_000),
        (Fate::Stalled, 1_000),
        (Fate::Processed, 7_000),
    ] {
        assert!(count(fate).abs_diff(expected) < 300, "{fate:?}: {}", count(fate));
    }
}

#[test]
fn partitions_and_topics_differ() {
    let faults = shares();
    let fates = |topic, partition| -> Vec<_> {
        (0..100).map(|offset| faults.fate(topic, partition, offset, b"")).collect()
    };
    assert_ne!(fates("orders", 1), fates("orders", 2));
    assert_ne!(fates("orders", 1), fates("payments", 1));
}

#[test]
fn no_fault_means_none() {
    let faults = Faults::default();
    assert!((0..1_000).all(|it| faults.fate("t", 0, it, b"poison-1") == Fate::Processed));
}

#[test]
fn poison_hangs_whatever_the_shares_say() {
    let faults = Faults { error_share: 1.0, stall_on: "poison".to_owned(), ..Faults::default() };
    assert_eq!(faults.fate("t", 0, 1, b"poison-1"), Fate::Stalled);
    assert_eq!(faults.fate("t", 0, 1, b"order-1"), Fate::Failed);
    assert_eq!(faults.fate("t", 0, 1, b""), Fate::Failed);
}

#[test]
fn a_partition_can_be_named() {
    let faults = Faults { stall_partition: Some(3), ..Faults::default() };
    assert_eq!(faults.fate("t", 3, 1, b""), Fate::Stalled);
    assert_eq!(faults.fate("t", 2, 1, b""), Fate::Processed);
}
