//! The transfer primitive: one unit at a time, within its limits, to both goals.
//! Knows nothing of roles or states.

use crate::transfer::{Limits, Moved, Side, transfer};

const fn side(spec: u32, available: u32, goal: u32) -> Side {
    Side { spec, available, terminating: 0, goal }
}
const SURGE: Limits = Limits { min_ready: 6, ceiling: 7, members: None };

#[test]
fn surge_first_adds_a_unit_before_it_takes_one() {
    assert_eq!(transfer(side(6, 6, 5), side(0, 0, 1), SURGE), Moved { from: 6, to: 1 });
    assert_eq!(
        transfer(side(6, 6, 5), side(1, 0, 1), SURGE),
        Moved { from: 6, to: 1 },
        "waits for ready"
    );
    assert_eq!(transfer(side(6, 6, 5), side(1, 1, 1), SURGE), Moved { from: 5, to: 1 });
}

#[test]
fn drain_first_takes_a_unit_and_waits_until_it_has_left_the_group() {
    let limits = Limits { min_ready: 5, ceiling: 6, members: Some(6) };
    assert_eq!(transfer(side(6, 6, 5), side(0, 0, 1), limits), Moved { from: 5, to: 0 });
    let leaving = Side { terminating: 1, ..side(5, 5, 5) };
    assert_eq!(transfer(leaving, side(0, 0, 1), limits), Moved { from: 5, to: 0 });
    assert_eq!(transfer(side(5, 5, 5), side(0, 0, 1), limits), Moved { from: 5, to: 1 });
}

#[test]
fn a_broken_side_is_given_up_at_once() {
    assert_eq!(transfer(side(3, 0, 0), side(3, 3, 6), SURGE), Moved { from: 0, to: 6 });
}

#[test]
fn the_only_pod_is_replaced_by_surge() {
    let one = Limits { min_ready: 1, ceiling: 2, members: None };
    assert_eq!(transfer(side(1, 1, 0), side(0, 0, 1), one), Moved { from: 1, to: 1 });
    assert_eq!(transfer(side(1, 1, 0), side(1, 1, 1), one), Moved { from: 0, to: 1 });
}

#[test]
fn every_transfer_of_healthy_pods_ends_at_its_goals_within_the_limits() {
    for total in 1..12_u32 {
        for moved in 0..=total {
            for (surge, slack) in [(1, 0), (0, 1), (1, 2)] {
                let limits = Limits {
                    min_ready: total.saturating_sub(slack),
                    ceiling: total + surge,
                    members: None,
                };
                let (mut from, mut to) = (side(total, total, total - moved), side(0, 0, moved));
                for _ in 0..=2 * total {
                    let Moved { from: a, to: b } = transfer(from, to, limits);
                    assert!(a + b <= limits.ceiling);
                    assert!(limits.min_ready <= a.min(from.available) + b.min(to.available));
                    (from, to) = (side(a, a, from.goal), side(b, b, to.goal));
                }
                assert_eq!((from.spec, to.spec), (total - moved, moved));
            }
        }
    }
}
