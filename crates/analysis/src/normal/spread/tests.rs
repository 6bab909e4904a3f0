//! Noise and difference of simulated pods; what of both is healthy.
//! Whole trials are judged in the tests of the crate.

use super::*;
use siskin_simulation::random::Random;

/// Ten minutes of five pods with these rates, counted in batches.
fn record(rates: [f64; 5], batch: f64, seed: u32) -> Vec<BTreeMap<Arc<str>, Count>> {
    let mut random = Random::spread(u64::from(seed));
    let window = |_| {
        let pod = |(i, rate): (usize, &f64)| {
            let events = batch * random.poisson(1_000.0 * rate / batch, f64::INFINITY);
            (Arc::from(format!("pod-{i}")), Count { events, of: 1_000.0 })
        };
        rates.iter().enumerate().map(pod).collect()
    };
    (0..60).map(window).collect()
}

#[test]
fn poisson_counts_have_almost_no_excess_and_batches_have_theirs() {
    let mean = |rates: [f64; 5], batch: f64| {
        let sum: f64 =
            (0..100).map(|seed| tempered(Kind::Errors, &record(rates, batch, seed))).sum();
        sum / 100.0
    };
    let (plain, unequal) = (mean([0.01; 5], 1.0), mean([0.01, 0.02, 0.01, 0.03, 0.01], 1.0));
    assert!((1.0..1.4).contains(&plain), "{plain}");
    assert!((1.0..1.4).contains(&unequal), "pods with rates of their own: {unequal}");
    let batches = mean([0.01; 5], 4.0);
    assert!((4.0..7.5).contains(&batches), "{batches}");
}

#[test]
fn without_events_noise_is_assumed() {
    assert!((tempered(Kind::Errors, &record([0.0; 5], 1.0, 1)) - 2.5).abs() < 1e-9);
    assert!((tempered(Kind::Loss, &record([0.0; 5], 1.0, 1)) - 1.0).abs() < 1e-9);
    assert!(tempered(Kind::Errors, &record([0.000_1; 5], 1.0, 1)) >= 1.5, "few events");
}

/// One block of five minutes of pods with these rates.
fn block(rates: &[f64]) -> BTreeMap<Arc<str>, Count> {
    let pod = |(i, rate): (usize, &f64)| {
        (Arc::from(format!("pod-{i}")), Count { events: 60_000.0 * rate, of: 60_000.0 })
    };
    rates.iter().enumerate().map(pod).collect()
}

#[test]
fn one_pod_more_is_expected_to_differ_as_the_others_do_and_more_so_if_they_are_few() {
    let limit = |rates: &[f64]| ratio_limit(&block(rates)).expect("events");
    let (many, few) = (limit(&[0.01; 20]), limit(&[0.01; 2]));
    assert!((1.1..1.35).contains(&many) && (1.6..1.9).contains(&few), "{many}, {few}");
    let unequal = limit(&[0.01, 0.01, 0.03, 0.01, 0.01]);
    assert!((3.0..6.0).contains(&unequal), "{unequal}");
    assert_eq!(ratio_limit(&block(&[0.01])), None, "one pod differs from nobody");
    assert_eq!(ratio_limit(&block(&[0.0; 5])), None);
}

#[test]
fn the_ratio_never_falls_and_is_never_below_the_least() {
    let margin = Margin { ratio: 1.0, dispersion: 0.0, floor: 0.001 };
    let mut spread = Spread::restored(Kind::Errors, margin);
    let least = Margin { ratio: least_ratio(Kind::Errors), dispersion: 1.0, floor: 0.001 };
    assert_eq!(spread.margin(), least);
    spread.block = block(&[0.01, 0.01, 0.03, 0.01, 0.01]);
    spread.close(Kind::Errors);
    let ratio = spread.margin().ratio;
    assert!(ratio > 3.0, "{ratio}");
    spread.block = block(&[0.01; 5]);
    spread.close(Kind::Errors);
    assert!((spread.margin().ratio - ratio).abs() < 1e-12);
}

#[test]
fn the_rate_that_is_nobodys_fault_is_a_tenth_where_the_record_is_clean_and_long() {
    let of = |events, of| floor(Count { events, of });
    let near = |rate: f64, expected: f64| assert!((rate / expected - 1.0).abs() < 1e-9, "{rate}");
    near(of(0.0, 0.0), 0.001);
    near(of(0.0, 10_000.0), 0.001);
    near(of(0.0, 10_000_000.0), 0.000_1);
    near(of(100_000.0, 10_000_000.0), 0.001);
    let between = of(0.0, 200_000.0);
    assert!((0.000_1..0.001).contains(&between), "{between}");
}
