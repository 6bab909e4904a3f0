//! Whole lives of rollouts under the real `decide`, in seeded worlds: whatever the storm brings,
//! the invariants hold at every write, and calm weather brings every world to rest.
//!
//! A failing seed is printed and lived again with every step told. `SISKIN_SEED=n` lives one seed,
//! `SISKIN_WORLDS=n` that many from 0.

mod calm;
mod cluster;
mod deployment;
mod dice;
mod edges;
mod operator;
mod storm;
mod watch;
mod world;
mod writes;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use world::{Tally, World};

/// Worlds of an ordinary run.
const WORLDS: u64 = 100_000;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Lives one seed; one that fails once more, aloud.
fn live(seed: u64) -> Tally {
    let quiet = catch_unwind(AssertUnwindSafe(|| World::new(seed, false).live()));
    quiet.unwrap_or_else(|failure| {
        println!("seed {seed} fails; SISKIN_SEED={seed} lives it again:");
        let _ = catch_unwind(AssertUnwindSafe(|| World::new(seed, true).live()));
        resume_unwind(failure)
    })
}

fn live_all(worlds: u64) -> Tally {
    let threads = std::thread::available_parallelism().map_or(2, usize::from) as u64;
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let lives = |first: u64| {
            move || {
                let mut tally = Tally::default();
                for seed in (first..worlds).step_by(usize::try_from(threads).unwrap()) {
                    tally.add(live(seed));
                }
                tally
            }
        };
        let running: Vec<_> = (0..threads).map(|first| scope.spawn(lives(first))).collect();
        for it in running {
            all.add(it.join().unwrap_or_else(|failure| resume_unwind(failure)));
        }
    });
    all
}

#[test]
fn every_rollout_keeps_its_promises_and_comes_to_rest() {
    if let Some(seed) = from_environment("SISKIN_SEED") {
        World::new(seed, true).live();
        return;
    }
    let worlds = from_environment("SISKIN_WORLDS").unwrap_or(WORLDS);
    let tally = live_all(worlds);
    println!("{worlds} worlds: {tally:#?}");
}
