//! Names of files: what Kubernetes can name, and what only looks alike.
//! No file is made here.

use siskin_decide::{Revision, RolloutId};

use crate::name::Name;

use super::*;

fn recorded(namespace: &str, name: &str) -> Recorded {
    let id = RolloutId { revision: Revision(0xab), attempt: 3 };
    Recorded { name: Name::new(namespace, name), id, began: 1_780_000_000_123 }
}

#[test]
fn a_file_is_named_by_rollout_time_and_attempt() {
    let path = path(&recorded("shop", "orders"));
    assert_eq!(path.to_str(), Some("shop/orders/20260528T202640.123Z-00000000ab-3.jsonl.gz"));
}

#[test]
fn every_name_of_kubernetes_is_its_own_path() {
    let longest = ["a.b-c0d"; 40].concat()[..253].to_owned();
    for name in ["0", "orders", "a..b", "x.jsonl.gz", &longest] {
        let path = path(&recorded(&longest[..63], name));
        let parts: Vec<_> = path.iter().map(|it| it.to_str().unwrap()).collect();
        assert_eq!(parts[..2], [&longest[..63], name]);
        assert!(is_folder(parts[0]) && is_folder(parts[1]) && is_trace(parts[2]), "{parts:?}");
        assert!(parts.iter().all(|it| it.len() <= 255), "{parts:?}");
    }
}

#[test]
fn no_other_name_leaves_the_directory() {
    for name in ["..", ".", "", "/etc", "a/b", "A", ".partial-1", "a\0"] {
        assert!(!is_folder(name), "{name}");
        let path = path(&recorded("shop", name));
        assert!(path.starts_with("shop") && path.iter().count() <= 3, "{path:?}");
    }
}

#[test]
fn a_time_that_no_clock_shows_still_makes_a_name() {
    for began in [i64::MIN, -1, 0, i64::MAX] {
        let path = path(&Recorded { began, ..recorded("shop", "orders") });
        assert!(is_trace(path.file_name().unwrap().to_str().unwrap()), "{path:?}");
    }
}

#[test]
fn only_names_of_traces_are_taken_for_them() {
    assert!(is_trace("20260528T202640.123Z-00000000ab-3.jsonl.gz"));
    for other in [
        "orders.jsonl.gz",
        "20260528T202640.123Z-00000000ab-3.jsonl",
        "20260528T202640Z-00000000ab-3.jsonl.gz",
        "20260528T202640.123Z-../b.jsonl.gz",
        "T.Z-a.jsonl.gz",
        "20260528T.123Z-a.jsonl.gz",
    ] {
        assert!(!is_trace(other), "{other}");
    }
}
