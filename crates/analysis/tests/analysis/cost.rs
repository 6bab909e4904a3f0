//! What judging costs in memory, counted by the allocator: deterministic, so that it can be
//! asserted. Times are the benchmark's business (`benches/judging.rs`).

#![allow(unsafe_code, reason = "an allocator that counts can't be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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
/// Everything else that a judge keeps of a partition.
const MOST_STATE: i64 = 64;
