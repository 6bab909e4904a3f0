//! The transfer primitive: one unit at a time, within its limits, to both goals.
//! Knows nothing of roles or states.

use crate::transfer::{Limits, Moved, Side, transfer};

const fn side(spec: u32, available: u32, goal: u32) -> Side {
    Side { spec, ready: available, available, terminating: 0, goal, rolls: false }
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

/// With `minReadySeconds` they are consumers long before they are available.
#[test]
fn pods_that_are_ready_and_not_available_yet_are_given_up_one_by_one() {
    let five = Limits { wanted: 5, min_ready: 5, ceiling: 6, members: None };
    let canary = Side { ready: 3, ..side(3, 0, 0) };
    assert_eq!(transfer(canary, side(2, 2, 5), five), Moved { from: 3, to: 3 });
    let started = Side { ready: 3, ..side(3, 2, 5) };
    assert_eq!(transfer(canary, started, five), Moved { from: 2, to: 4 }, "Ready counts, too");
    let failing = Side { ready: 1, ..side(3, 0, 0) };
    assert_eq!(transfer(failing, side(2, 2, 5), five).from, 1, "two of them serve nobody");
}

/// Which of its pods goes is for its own controller to say, and that keeps `available` of them.
#[test]
fn a_side_that_rolls_gives_up_none_for_free() {
    let one_less = Limits { wanted: 5, min_ready: 4, ceiling: 6, members: None };
    let rolls = Side { rolls: true, ..side(5, 4, 0) };
    assert_eq!(transfer(rolls, side(0, 0, 5), one_less), Moved { from: 5, to: 1 });
    assert_eq!(transfer(rolls, side(1, 1, 5), one_less), Moved { from: 4, to: 2 });
    let broken = Side { rolls: true, ..side(5, 0, 0) };
    assert_eq!(transfer(broken, side(5, 5, 5), one_less), Moved { from: 0, to: 5 });
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
