//! The gate on paused time: when it is open, for how long, and who waits for whom.
//! The keeper is driven by hand; who drives it in a process is tested with the lease.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, advance, sleep_until, timeout};

use crate::process::gate::{
    CutOff, Epoch, Gate, MAX_WRITES, NotLeading, UNLED_WRITE, WRITE_MARGIN,
};

const TERM: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(1);

fn epoch() -> Epoch {
    Epoch::new(3, "pod_1")
}

#[tokio::test(start_paused = true)]
async fn is_shut_until_the_keeper_opens_it() {
    let (keeper, gate) = Gate::shut();
    assert_eq!(gate.check().unwrap_err(), NotLeading::Following);
    keeper.open(&epoch(), Instant::now() + TERM);
    let permit = gate.check().unwrap();
    assert_eq!((permit.remaining(), permit.epoch()), (TERM, &epoch()));
    assert!(permit.is_elected());
}

#[tokio::test(start_paused = true)]
async fn gives_no_permit_within_the_margin_of_the_end() {
    let (keeper, gate) = Gate::shut();
    keeper.open(&epoch(), Instant::now() + TERM);
    advance(Duration::from_secs(9)).await;
    assert_eq!(gate.check().unwrap().remaining(), WRITE_MARGIN);
    advance(MOMENT).await;
    assert_eq!(gate.check().unwrap_err(), NotLeading::Ending);
    advance(TERM * 10).await;
    assert_eq!(gate.check().unwrap_err(), NotLeading::Ending);
    keeper.open(&epoch(), Instant::now() + TERM);
    assert!(gate.check().is_ok(), "a renewal opens it again");
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_says_so_to_every_clone() {
    let (keeper, gate) = Gate::shut();
    let other = gate.clone();
    keeper.open(&epoch(), Instant::now() + TERM);
    keeper.close();
    assert_eq!(gate.check().unwrap_err(), NotLeading::Over);
    assert_eq!(other.leading().await, Err(NotLeading::Over));
}

#[tokio::test(start_paused = true)]
async fn waits_for_the_first_opening() {
    let (keeper, gate) = Gate::shut();
    let waiting = tokio::spawn(async move { gate.leading().await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    keeper.open(&epoch(), Instant::now() + TERM);
    assert_eq!(waiting.await.unwrap(), Ok(epoch()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_keeper_that_is_gone() {
    let (keeper, gate) = Gate::shut();
    drop(keeper);
    assert_eq!(gate.leading().await, Err(NotLeading::Over));
}

#[tokio::test(start_paused = true)]
async fn without_an_election_it_is_always_open_and_still_bounds_a_write() {
    let gate = Gate::open("local");
    assert_eq!(gate.leading().await.unwrap().to_string(), "0.local");
    advance(TERM * 100).await;
    let permit = gate.check().unwrap();
    assert_eq!(permit.remaining(), UNLED_WRITE);
    assert!(!permit.is_elected(), "there is no older leader to fence");
    assert_eq!(permit.bound(pending::<()>()).await, Err(CutOff));
}

#[tokio::test(start_paused = true)]
async fn a_write_is_cut_off_when_the_lease_ends() {
    let (keeper, gate) = Gate::shut();
    let began = Instant::now();
    keeper.open(&epoch(), began + TERM);
    let write = gate.check().unwrap().bound(pending::<()>());
    assert_eq!(write.await, Err(CutOff));
    assert_eq!(began.elapsed().as_secs(), TERM.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_takes_longer_than_the_lease_goes_on_while_the_lease_is_renewed() {
    let (keeper, gate) = Gate::shut();
    let begin = Instant::now();
    keeper.open(&epoch(), begin + TERM);
    let permit = gate.check().unwrap();
    let renewals = async {
        for second in (2..=18).step_by(2) {
            sleep_until(begin + Duration::from_secs(second)).await;
            keeper.open(&epoch(), Instant::now() + TERM);
        }
        pending::<()>().await;
    };
    let write = permit.bound(sleep_until(begin + Duration::from_secs(19)));
    let answer = tokio::select! { answer = write => answer, () = renewals => Ok(()) };
    assert_eq!(answer, Ok(()));
    let permit = gate.check().unwrap();
    let last = begin + Duration::from_secs(18) + TERM;
    assert_eq!(permit.bound(pending::<()>()).await, Err(CutOff));
    assert_eq!(Instant::now(), last, "no renewal came after that");
}

#[tokio::test(start_paused = true)]
async fn a_write_of_a_tenure_that_is_over_is_not_extended_by_a_later_one() {
    let (keeper, gate) = Gate::shut();
    let begin = Instant::now();
    keeper.open(&epoch(), begin + TERM);
    let permit = gate.check().unwrap();
    keeper.open(&Epoch::new(5, "pod_1"), begin + TERM * 3);
    assert_eq!(permit.bound(pending::<()>()).await, Err(CutOff));
    assert_eq!(begin.elapsed().as_secs(), TERM.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_write_in_time_gives_its_answer() {
    assert_eq!(Gate::open("local").check().unwrap().bound(async { 7 }).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_after_the_check_sends_nothing() {
    let (keeper, gate) = Gate::shut();
    keeper.open(&epoch(), Instant::now() + TERM);
    let permit = gate.check().unwrap();
    advance(TERM).await;
    let sent = Cell::new(false);
    let answer = permit.bound(async { sent.set(true) }).await;
    assert_eq!((answer, sent.get()), (Err(CutOff), false));
}

#[tokio::test(start_paused = true)]
async fn is_drained_once_the_last_write_is_over() {
    let (keeper, gate) = Gate::shut();
    keeper.open(&epoch(), Instant::now() + TERM);
    let (first, second) = (gate.check().unwrap(), gate.check().unwrap());
    keeper.close();
    drop(first);
    assert!(timeout(TERM, keeper.drained()).await.is_err(), "the second is under way");
    drop(second);
    assert!(timeout(MOMENT, keeper.drained()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_number_of_writes_is_bounded() {
    let gate = Gate::open("local");
    let permits: Vec<_> = (0..MAX_WRITES).map(|_| gate.check().unwrap()).collect();
    assert_eq!(gate.check().unwrap_err(), NotLeading::Crowded);
    drop(permits);
    assert!(gate.check().is_ok());
}

#[test]
fn two_tenures_never_have_the_same_text() {
    // A Lease that was deleted counts from 0 again.
    assert_ne!(Epoch::new(0, "pod_1").to_string(), Epoch::new(0, "pod_2").to_string());
    assert_eq!(epoch().to_string(), "3.pod_1");
    assert_eq!(epoch().transitions, 3);
}
