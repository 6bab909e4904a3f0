//! What judging costs in memory, counted by the allocator: deterministic, so that it can be
//! asserted. Times are the benchmark's business (`benches/judging.rs`).

#![allow(unsafe_code, reason = "an allocator that counts can't be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use siskin_analysis::observation::{Observation, UserReading};
use siskin_analysis::{RECORD_SPAN, Record};
use siskin_simulation::large::Large;

/// Pods of each group: at every size all of them own partitions.
const PODS: usize = 50;

/// Hands everything to the system, and counts what this thread asks for.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, size(layout));
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, -size(layout));
        // SAFETY: `place` came from `System` with this layout.
        unsafe { System.dealloc(place, layout) }
    }
}

fn count(allocations: u64, bytes: i64) {
    ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
    LIVE.set(LIVE.get() + bytes);
}

fn size(layout: Layout) -> i64 {
    i64::try_from(layout.size()).expect("no allocation is that large")
}

/// What a judge of that many partitions costs.
#[derive(Debug)]
struct Cost {
    /// Most allocations of one pass over as many as hold windows of every kind.
    allocations: u64,
    /// Bytes that live as long as the judge does.
    bytes: i64,
}

fn cost(partitions: usize) -> Cost {
    let (mut group, mut judge) = Large::warm(partitions, PODS);
    let mut allocations = 0;
    for _ in 0..24 {
        let seen = group.observe();
        let before = ALLOCATIONS.get();
        judge.observe(&seen);
        let assessment = judge.assess(seen.at, true);
        allocations = allocations.max(ALLOCATIONS.get() - before);
        drop(assessment);
    }
    let before = LIVE.get();
    drop(judge);
    Cost { allocations, bytes: before - LIVE.get() }
}

#[test]
fn no_pass_allocates_per_partition_and_state_grows_by_what_is_told() {
    let (few, many) = (cost(200), cost(600));
    println!("200 partitions: {few:?}\n600 partitions: {many:?}");
    // The tree of the canary's accounts and the lists of doubt may grow by a node or a doubling.
    assert!(many.allocations <= few.allocations + 16, "{few:?} {many:?}");
    let state = (many.bytes - few.bytes) / 400 - LOG_ENDS;
    println!("{state} bytes per partition beside {LOG_ENDS} of log ends");
    assert!(state <= MOST_STATE + MOST_SAVED, "{state}");
}

/// The 256 log ends of 8 bytes that turn offsets into seconds.
const LOG_ENDS: i64 = 256 * 8;
/// Accounts and proofs, which `status` holds, with their names: 260 bytes of a canary's partition,
/// which one in ten is.
const MOST_SAVED: i64 = 26;
/// Everything else that a judge keeps of a partition, the counts of its open window among it, also where only whether there
/// were any is asked.
const MOST_STATE: i64 = 72;

/// Bytes of a record of twenty minutes at a poll in 10 s, of 12 partitions and 6 pods.
fn recorded(seen_as: impl Fn(Observation) -> Observation) -> i64 {
    let mut group = Large::new(12, 6);
    let before = LIVE.get();
    let mut record = Record::new(RECORD_SPAN);
    for _ in 0..120 {
        drop(group.observe());
        record.push(seen_as(group.observe()));
    }
    assert_eq!(record.len(), 120);
    LIVE.get() - before
}

/// With three metrics of the user besides, two counters and a gauge each.
fn with_metrics_of_the_user(mut seen: Observation) -> Observation {
    for (number, pod) in (0_u32..).zip(&mut seen.pods) {
        let Some(metrics) = &mut pod.metrics else { continue };
        let consumed = metrics.consumed.unwrap_or_default();
        for name in ["orders_failed", "payments_late", "retries"] {
            let value = Some((consumed + f64::from(number)).sqrt());
            let reading = UserReading { events: Some(consumed), total: Some(consumed), value };
            metrics.user.insert(name.into(), reading);
        }
    }
    seen
}

fn without_metrics(mut seen: Observation) -> Observation {
    seen.pods.iter_mut().for_each(|it| it.metrics = None);
    seen
}

#[test]
fn a_record_of_twenty_minutes_is_bounded_with_metrics_on() {
    let [bare, usual, all] =
        [recorded(without_metrics), recorded(|it| it), recorded(with_metrics_of_the_user)];
    println!("bytes of a record: {bare} without metrics, {usual} with, {all} with the user's too");
    assert!(bare <= 32_000, "{bare}");
    assert!(usual <= 100_000, "{usual}");
    assert!(all <= 160_000, "{all}");
}

#[test]
fn a_record_of_a_huge_group_is_shorter_and_not_larger() {
    let mut group = Large::new(50_000, 50);
    let before = LIVE.get();
    let mut record = Record::new(RECORD_SPAN);
    for _ in 0..120 {
        record.push(group.observe());
    }
    let bytes = LIVE.get() - before;
    println!("{bytes} bytes, {} samples of 50,000 partitions", record.len());
    assert!(bytes <= 40_000_000, "with the names of all partitions, twice: {bytes}");
    assert!(40 <= record.len(), "{}", record.len());
}
