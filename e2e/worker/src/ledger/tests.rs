//! What may be committed, and what may not, in any order of acknowledgements and of ownership.
//! Uses the public face of the ledger only.

use super::*;

fn orders(number: i32) -> Partition {
    Partition { topic: "orders".to_owned(), number }
}

fn owning(number: i32) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.assigned(orders(number));
    ledger
}

fn take(ledger: &mut Ledger, offset: i64) -> Ticket {
    ledger.take(&orders(0), offset).unwrap()
}

/// All orders of these numbers.
fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for &first in items {
        let rest: Vec<_> = items.iter().copied().filter(|it| *it != first).collect();
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![first], tail].concat()));
    }
    all
}

#[test]
fn nothing_is_due_before_the_first_record_is_done() {
    let mut ledger = owning(0);
    take(&mut ledger, 7);
    assert_eq!(ledger.due(), []);
}

#[test]
fn in_any_order_the_commit_ends_before_the_first_open_record() {
    // Transactions and compaction leave holes between offsets.
    let offsets = [3, 4, 6, 9, 10];
    for order in permutations(&[0, 1, 2, 3, 4]) {
        let mut ledger = owning(0);
        let tickets = offsets.map(|offset| take(&mut ledger, offset));
        let mut done = [false; 5];
        for index in order.clone() {
            ledger.done(&tickets[index]);
            done[index] = true;
            let prefix = done.iter().take_while(|it| **it).count();
            let expected = prefix.checked_sub(1).map(|last| (orders(0), offsets[last] + 1));
            assert_eq!(ledger.due(), Vec::from_iter(expected), "{order:?} at {index}");
        }
        assert_eq!(ledger.open(), 0);
    }
}

#[test]
fn a_partition_does_not_wait_for_another() {
    let mut ledger = owning(0);
    ledger.assigned(orders(1));
    take(&mut ledger, 1);
    let other = ledger.take(&orders(1), 5).unwrap();
    ledger.done(&other);
    assert_eq!(ledger.due(), [(orders(1), 6)]);
}

#[test]
fn a_confirmed_position_is_due_no_more_and_a_refused_one_stays_due() {
    let mut ledger = owning(0);
    let ticket = take(&mut ledger, 1);
    ledger.done(&ticket);
    assert_eq!(ledger.due(), [(orders(0), 2)]);
    assert_eq!(ledger.due(), [(orders(0), 2)]);
    ledger.committed(&orders(0), 2);
    assert_eq!(ledger.due(), []);
}

#[test]
fn a_stalled_partition_takes_nothing_and_commits_what_was_before() {
    let mut ledger = owning(0);
    let before = take(&mut ledger, 1);
    take(&mut ledger, 2);
    ledger.stall(&orders(0));
    assert_eq!(ledger.take(&orders(0), 3), None);
    ledger.done(&before);
    assert_eq!(ledger.due(), [(orders(0), 2)]);
    assert_eq!(ledger.stalled(), [orders(0)]);
}

#[test]
fn a_new_ownership_forgets_the_stall_and_the_old_tickets() {
    let mut ledger = owning(0);
    let old = take(&mut ledger, 1);
    ledger.stall(&orders(0));
    ledger.revoked(&orders(0));
    assert_eq!(ledger.open(), 0);
    ledger.assigned(orders(0));
    let again = take(&mut ledger, 1);
    ledger.done(&old);
    assert_eq!(ledger.due(), []);
    ledger.done(&again);
    assert_eq!(ledger.due(), [(orders(0), 2)]);
}

#[test]
fn a_ticket_counts_once() {
    let mut ledger = owning(0);
    let first = take(&mut ledger, 1);
    let second = take(&mut ledger, 2);
    ledger.done(&second);
    ledger.done(&second);
    assert_eq!(ledger.open(), 1);
    ledger.done(&first);
    ledger.done(&first);
    assert_eq!(ledger.open(), 0);
}

#[test]
fn a_log_that_was_truncated_is_read_as_a_new_one() {
    let mut ledger = owning(0);
    let ticket = take(&mut ledger, 100);
    ledger.done(&ticket);
    let after = take(&mut ledger, 3);
    assert_eq!(ledger.due(), []);
    ledger.done(&after);
    assert_eq!(ledger.due(), [(orders(0), 4)]);
}
