//! The drift engine is an e-process: its mean stays at or below 1 wherever one stops, while the
//! null hypothesis is true, and it grows fast where it is not.

use std::sync::Arc;

use siskin_simulation::random::Random;

use crate::engines::drift_test::{Drift, DriftTest};
use crate::observation::PartitionId;

/// The drift that is tolerated here, in seconds per second.
const TOLERATED: f64 = 0.03;
const PARTITIONS: i32 = 4;
const WINDOWS: usize = 60;
const RUNS: u32 = 600;

fn id(partition: i32) -> PartitionId {
    PartitionId { topic: Arc::from("orders"), partition }
}

fn window(drift: impl FnMut(i32) -> f64) -> Vec<Drift<PartitionId>> {
    let mut drift = drift;
    let one = |partition| {
        let judged = drift(partition);
        Drift { id: id(partition), judged: Some(judged), seen: judged }
    };
    (0..PARTITIONS).map(one).collect()
}

/// Drifts with mean δ exactly, none below the clip: a null hypothesis that is barely true.
fn barely_true(kind: usize, random: &mut Random, common: f64) -> f64 {
    match kind {
        0 => TOLERATED,
        // Independent coins.
        1 => coin(random.unit()),
        // All partitions move together.
        2 => coin(common),
        // Rare and large.
        _ if random.unit() < 0.03 => 1.0,
        _ => 0.0,
    }
}

fn coin(unit: f64) -> f64 {
    if unit < 0.5 { 0.08 } else { -0.02 }
}

#[test]
fn accounts_that_are_held_back_are_worth_no_more_than_that_together_and_others_are_untouched() {
    let mut ledger: DriftTest<PartitionId> = DriftTest::new(0.02);
    for _ in 0..12 {
        ledger.bet(&window(|_| 0.3), TOLERATED);
    }
    let free = |ledger: &DriftTest<PartitionId>| {
        ledger.accounts().find(|it| *it.0 == id(0)).map(|it| it.1.ln_value())
    };
    let (before, alone) = (ledger.ln_value(), free(&ledger));
    assert!(before > 8.0, "{before}");
    ledger.hold_back(|it| *it != id(0), 2.0);
    assert_eq!(free(&ledger), alone);
    let rest = (ledger.ln_value().exp() - alone.expect("an account").exp()).ln();
    assert!((2.0..2.1).contains(&rest), "the pool is all there is beside them: {rest}");
    let held = ledger.ln_value();
    ledger.hold_back(|it| *it != id(0), 3.0);
    assert!((ledger.ln_value() - held).abs() < 1e-12, "it only lowers");
}

/// The evidence after each window, while partitions come and go at times that depend on no bet.
fn path(kind: usize, seed: u32) -> Vec<f64> {
    let mut random = Random::new(seed.into());
    let mut ledger: DriftTest<PartitionId> = DriftTest::new([0.02, 0.02, 0.1, 0.25][kind]);
    let window = |_| {
        let common = random.unit();
        let drifts = window(|_| barely_true(kind, &mut random, common));
        let lost = id(if random.unit() < 0.05 { 1 } else { -1 });
        let owned: Vec<PartitionId> = (0..PARTITIONS).map(id).filter(|one| *one != lost).collect();
        ledger.keep_only(&owned.iter().collect::<Vec<_>>());
        ledger.bet(&drifts, TOLERATED);
        ledger.ln_value().exp()
    };
    (0..WINDOWS).map(window).collect()
}

/// Where three ways of peeking stop: never, once there is some evidence, after three rises.
fn stops(path: &[f64]) -> [f64; 3] {
    let last = path[path.len() - 1];
    let large = path.iter().copied().find(|value| *value >= 3.0);
    let rises =
        path.windows(4).find(|part| part[0] < part[1] && part[1] < part[2] && part[2] < part[3]);
    [last, large.unwrap_or(last), rises.map_or(last, |part| part[3])]
}

#[test]
fn its_mean_is_at_most_one_wherever_one_stops_and_it_rarely_gets_large() {
    let runs = f64::from(RUNS);
    for kind in 0..4 {
        let paths: Vec<Vec<f64>> = (0..RUNS).map(|seed| path(kind, seed)).collect();
        let values: Vec<[f64; 3]> = paths.iter().map(|path| stops(path)).collect();
        for rule in 0..3 {
            let mean = values.iter().map(|one| one[rule]).sum::<f64>() / runs;
            let squares: f64 = values.iter().map(|one| (one[rule] - mean).powi(2)).sum();
            let error = squares.sqrt() / runs;
            println!("kind {kind}, rule {rule}: mean {mean:.3} ± {error:.3}");
            assert!(mean <= 1.0 + 4.0 * error + 1e-9, "kind {kind}, rule {rule}: {mean} ± {error}");
        }
        let large = paths.iter().filter(|path| path.iter().any(|value| *value >= 20.0)).count();
        println!("kind {kind}: 20 or more in {large} of {RUNS}");
        // Ville: at most 5 %, here with four standard errors of 600 runs.
        assert!(large <= 51, "kind {kind}: {large}");
    }
}

#[test]
fn one_window_multiplies_by_little() {
    let mut ledger: DriftTest<PartitionId> = DriftTest::new(0.05);
    ledger.bet(&window(|_| 0.0), TOLERATED);
    let before = ledger.ln_value();
    ledger.bet(&window(|_| 1.0), TOLERATED);
    let factor = (ledger.ln_value() - before).exp();
    assert!(factor < 4.2, "{factor}");
}

#[test]
fn a_drift_of_one_partition_is_found_and_named() {
    let mut ledger: DriftTest<PartitionId> = DriftTest::new(0.05);
    for _ in 0..30 {
        ledger.bet(&window(|partition| if partition == 2 { 0.3 } else { -0.01 }), TOLERATED);
    }
    let (leading, drift) = ledger.leading().expect("accounts");
    assert_eq!((leading, drift), (&id(2), 0.3));
    assert!(ledger.ln_value() > 200.0_f64.ln());
}

#[test]
fn a_late_fault_is_found_almost_as_fast() {
    let windows_until = |healthy: u32| {
        let mut ledger: DriftTest<PartitionId> = DriftTest::new(0.05);
        (0..healthy).for_each(|_| ledger.bet(&window(|_| 0.0), TOLERATED));
        let mut windows = 0;
        while ledger.ln_value() < 200.0_f64.ln() {
            ledger.bet(&window(|partition| if partition == 0 { 0.3 } else { 0.0 }), TOLERATED);
            windows += 1;
        }
        windows
    };
    let times = [0, 20, 120, 2_880].map(windows_until);
    println!("windows to 200 after 0, 20, 120, 2,880 healthy ones: {times:?}");
    assert!(times[0] <= 10 && times[2] <= 16 && times[3] <= 24, "{times:?}");
}

#[test]
fn changes_of_ownership_conserve_capital() {
    let mut ledger: DriftTest<PartitionId> = DriftTest::new(0.05);
    (0..20).for_each(|_| ledger.bet(&window(|_| 0.1), TOLERATED));
    let before = ledger.ln_value();
    let kept = [id(1), id(9)];
    ledger.keep_only(&kept.iter().collect::<Vec<_>>());
    assert!((ledger.ln_value() - before).abs() < 1e-9);
    assert_eq!(ledger.accounts().count(), 1);
}

#[test]
fn the_smallest_drift_seen_would_have_been_seen() {
    let needed = 200.0_f64.ln();
    let mut ledger: DriftTest<PartitionId> = DriftTest::new(0.05);
    assert_eq!(ledger.smallest_drift_seen(needed, TOLERATED, 0.0), None);
    let mut before = 1.0;
    for windows in [12, 30, 100] {
        (ledger.windows()..windows).for_each(|_| ledger.bet(&window(|_| 0.0), TOLERATED));
        let seen = ledger.smallest_drift_seen(needed, TOLERATED, 0.0).expect("enough windows");
        assert!(seen < before, "{seen} after {windows}");
        before = seen;
        let mut other = DriftTest::new(0.05);
        (0..windows).for_each(|_| {
            other.bet(&window(|partition| if partition == 0 { seen } else { 0.0 }), TOLERATED);
        });
        assert!(other.ln_value() >= needed, "{seen} over {windows}: {}", other.ln_value());
    }
}
