//! The rate of a worker, over many records and with bad sleeps.
//! Time is a number here.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// The time that this many records take when each sleep lasts `late` longer than asked.
fn time_for(records: u32, cost: Duration, late: Duration) -> Duration {
    let mut debt = Debt::default();
    let mut spent = Duration::ZERO;
    for _ in 0..records {
        let work = debt.add(cost);
        if !work.is_zero() {
            debt.pay(work + late);
            spent += work + late;
        }
    }
    spent
}

#[test]
fn the_rate_is_right_whatever_the_cost_and_however_late_the_sleeps() {
    for cost in [Duration::from_micros(10), Duration::from_micros(300), 2 * MS, 7 * MS, 40 * MS] {
        for late in [Duration::ZERO, Duration::from_micros(70), MS, 3 * MS] {
            let expected = cost * 10_000;
            let difference = time_for(10_000, cost, late).abs_diff(expected);
            assert!(difference < cost + 2 * SHORTEST_SLEEP, "{cost:?} {late:?}: {difference:?}");
        }
    }
}

#[test]
fn tiny_costs_are_saved_up() {
    let mut debt = Debt::default();
    assert_eq!(debt.add(2 * MS), Duration::ZERO);
    assert_eq!(debt.add(2 * MS), Duration::ZERO);
    assert_eq!(debt.add(2 * MS), 6 * MS);
}

#[test]
fn work_that_was_cut_short_is_still_owed() {
    let mut debt = Debt::default();
    assert_eq!(debt.add(1_000 * MS), 1_000 * MS);
    debt.pay(400 * MS);
    assert_eq!(debt.add(Duration::ZERO), 600 * MS);
}

#[test]
fn a_pause_of_the_process_gives_no_burst() {
    let mut debt = Debt::default();
    debt.add(10 * MS);
    debt.pay(Duration::from_secs(60));
    let free = (0..1_000).take_while(|_| debt.add(10 * MS).is_zero()).count();
    assert_eq!(free, 10);
}

#[test]
fn no_work_costs_nothing() {
    assert_eq!(time_for(1_000, Duration::ZERO, MS), Duration::ZERO);
}
