//! The transfer primitive: one unit at a time, within its limits, to both goals.
//! Knows nothing of roles or states.

use crate::transfer::{Limits, Moved, Side, transfer};

const fn side(spec: u32, available: u32, goal: u32) -> Side {
    Side { spec, available, terminating: 0, goal }
}
const SURGE: Limits = Limits { wanted: 6, min_ready: 6, ceiling: 7, members: None };

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
    let limits = Limits { wanted: 6, min_ready: 5, ceiling: 6, members: Some(6) };
    assert_eq!(transfer(side(6, 6, 5), side(0, 0, 1), limits), Moved { from: 5, to: 0 });
    let leaving = Side { terminating: 1, ..side(5, 5, 5) };
    assert_eq!(transfer(leaving, side(0, 0, 1), limits), Moved { from: 5, to: 0 });
    assert_eq!(transfer(side(5, 5, 5), side(0, 0, 1), limits), Moved { from: 5, to: 1 });
}

#[test]
fn what_may_be_missing_is_taken_only_where_surge_finds_no_room() {
    let quarter = Limits { wanted: 100, min_ready: 75, ceiling: 125, members: None };
    let few = transfer(side(100, 100, 90), side(0, 0, 10), quarter);
    assert_eq!(few, Moved { from: 100, to: 10 }, "there is room for ten more");
    let many = transfer(side(90, 90, 50), side(10, 10, 50), quarter);
    assert_eq!(many, Moved { from: 75, to: 50 }, "the step is one start");
    let full = Limits { ceiling: 100, members: Some(100), ..quarter };
    let first = transfer(side(90, 90, 50), side(10, 10, 50), full);
    assert_eq!(first, Moved { from: 65, to: 10 }, "they have to leave first");
    let left = transfer(side(65, 65, 50), side(10, 10, 50), full);
    assert_eq!(left, Moved { from: 65, to: 35 });
}

#[test]
fn a_broken_side_is_given_up_at_once() {
    assert_eq!(transfer(side(3, 0, 0), side(3, 3, 6), SURGE), Moved { from: 0, to: 6 });
}

#[test]
fn the_only_pod_is_replaced_by_surge() {
    let one = Limits { wanted: 1, min_ready: 1, ceiling: 2, members: None };
    assert_eq!(transfer(side(1, 1, 0), side(0, 0, 1), one), Moved { from: 1, to: 1 });
    assert_eq!(transfer(side(1, 1, 0), side(1, 1, 1), one), Moved { from: 0, to: 1 });
}

#[test]
fn every_transfer_of_healthy_pods_ends_at_its_goals_within_the_limits() {
    for total in 1..12_u32 {
        for moved in 0..=total {
            for (surge, slack) in [(1, 0), (0, 1), (1, 2)] {
                let limits = Limits {
                    wanted: total,
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
