//! Random lives by the thousand: nothing that the canary processed lies outside its ranges.
//! `SISKIN_HISTORIES=n` lives that many, `SISKIN_SEED=n` one.

use super::history::History;

/// Lives of an ordinary run.
const HISTORIES: u64 = 3_000;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_that_the_canary_processed_lies_outside_its_ranges() {
    if let Some(seed) = from_environment("SISKIN_SEED") {
        History::of(seed).live().expect("no miss");
        return;
    }
    let count = from_environment("SISKIN_HISTORIES").unwrap_or(HISTORIES);
    let lives = (0..count).map(|seed| (seed, History::of(seed).live()));
    let (mut missed, mut over) = (Vec::new(), 0);
    for (seed, life) in lives {
        match life {
            Ok(offsets) => over += offsets,
            Err(what) => missed.push(format!("seed {seed}: {what}")),
        }
    }
    let shown: Vec<_> = missed.iter().take(5).collect();
    println!(
        "{count} histories, {over} offsets more than processed in certain and possible ranges"
    );
    assert!(missed.is_empty(), "{} of {count} miss offsets: {shown:#?}", missed.len());
}
