//! The count engine is an e-process: exact likelihoods, mean ≤ 1 wherever one stops, and power.
//! Under overdispersion it is one only with the dispersion it is told.

use statrs::distribution::{Binomial, Discrete, Poisson};

use siskin_simulation::random::Random;

use crate::engines::non_inferiority::NonInferiority;
use crate::engines::ratio_test::{EventCounts, Margin, RatioTest, ln_poisson};
use crate::stopping::assert_e_process;

const EXACT: Margin = Margin { ratio: 1.5, dispersion: 1.0, floor: 0.001 };
const RUNS: u32 = 800;
const WINDOWS: usize = 60;
/// A bound of factors that lowers nothing.
const OPEN: f64 = f64::INFINITY;
/// The evidence that decides where α is 1 %.
const NEEDED: f64 = 200.0;

/// ln of the largest factor of a window there.
fn most() -> f64 {
    (5.0 * NEEDED).ln()
}

/// One window of Poisson counts: `rate` per primary message, `ratio` times as many per canary one.
fn draw(random: &mut Random, rate: f64, ratio: f64) -> EventCounts {
    // The common level is anything, as long as both roles share it.
    let level = 0.5 + random.unit();
    let (n, m) = (200.0 + 400.0 * random.unit(), 2_000.0);
    let x = random.poisson(n * rate * ratio * level, f64::INFINITY);
    EventCounts::new(x, n, random.poisson(m * rate * level, f64::INFINITY), m)
}

#[test]
fn the_likelihoods_are_those_of_a_binomial_and_a_poisson_distribution() {
    let theta = |ratio: f64, n: f64, m: f64| ratio * n / (ratio * n + m);
    for (x, y) in [(0_u32, 0_u32), (3, 0), (0, 40), (7, 12), (300, 20)] {
        let (n, m) = (900.0, 4_100.0);
        let counts = EventCounts::new(f64::from(x), n, f64::from(y), m);
        for (from, to) in [(1.5, 1.875), (1.5, 75.0), (2.4, 0.5)] {
            let mass = |ratio| {
                let binomial = Binomial::new(theta(ratio, n, m), u64::from(x + y)).expect("valid");
                binomial.ln_pmf(u64::from(x))
            };
            let expected = mass(to) - mass(from);
            assert!((counts.ln_likelihood(from, to) - expected).abs() < 1e-6, "{x} {y}");
        }
        let mass = |mean| Poisson::new(mean).expect("valid").ln_pmf(u64::from(x));
        let expected = mass(10.0) - mass(2.5);
        assert!((ln_poisson(f64::from(x), 2.5, 4.0) - expected).abs() < 1e-6);
    }
}

#[test]
fn its_mean_is_at_most_one_wherever_one_stops() {
    // (rate, ratio): at the margin, inside it, next to no events, and rare ones below the floor.
    for (rate, ratio) in [(0.01, 1.5), (0.02, 1.0), (0.0005, 1.5), (0.0001, 9.0)] {
        let paths: Vec<Vec<f64>> = (0..RUNS)
            .map(|seed| {
                let mut random = Random::spread(u64::from(seed));
                let mut engine = RatioTest::fine();
                let mut step = |_| {
                    engine.bet(draw(&mut random, rate, ratio), EXACT, OPEN);
                    engine.ln_value().exp()
                };
                (0..WINDOWS).map(&mut step).collect()
            })
            .collect();
        assert_e_process(&format!("rate {rate}, ratio {ratio}"), &paths);
    }
}

#[test]
fn the_gross_account_spares_what_a_warm_up_may_do() {
    let paths: Vec<Vec<f64>> = (0..RUNS)
        .map(|seed| {
            let mut random = Random::spread(u64::from(seed));
            let mut engine = RatioTest::gross();
            let mut step = |_| {
                engine.bet(draw(&mut random, 0.01, 7.5), EXACT, OPEN);
                engine.ln_value().exp()
            };
            (0..WINDOWS).map(&mut step).collect()
        })
        .collect();
    assert_e_process("gross", &paths);
}

/// Counts that come in batches: a window's level is drawn per role from a gamma-like mixture, so
/// that the variance is about three times that of a Poisson distribution.
fn clustered(random: &mut Random, ratio: f64) -> EventCounts {
    let batch = 3.0;
    let (n, m) = (400.0, 2_000.0);
    let x = batch * random.poisson(n * 0.01 * ratio / batch, f64::INFINITY);
    EventCounts::new(x, n, batch * random.poisson(m * 0.01 / batch, f64::INFINITY), m)
}

#[test]
fn told_the_dispersion_it_bears_batches() {
    let margin = Margin { dispersion: 3.0, ..EXACT };
    let paths: Vec<Vec<f64>> = (0..RUNS)
        .map(|seed| {
            let mut random = Random::spread(u64::from(seed));
            let mut engine = RatioTest::fine();
            let mut step = |_| {
                engine.bet(clustered(&mut random, 1.5), margin, OPEN);
                engine.ln_value().exp()
            };
            (0..WINDOWS).map(&mut step).collect()
        })
        .collect();
    assert_e_process("batches", &paths);
}

#[test]
fn a_consumer_that_fails_whole_batches_is_found_however_large_they_are() {
    // A batch of 90 s, 27,000 messages, is counted in one window of ten; so is the primary's noise.
    let margin = Margin { ratio: 1.35, dispersion: 600.0, floor: 0.001 };
    let mut engine = RatioTest::gross();
    let batches = (1..=20).find(|_| {
        for x in [27_000.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] {
            engine.bet(EventCounts::new(x, 3_000.0, 150.0, 15_000.0), margin, most());
        }
        engine.ln_value() >= (NEEDED / 0.05).ln()
    });
    assert!(batches.is_some_and(|batches| batches <= 3), "{batches:?}");
}

/// Windows of 10 s at 200 messages a second until 1/α·2·(1/w) is reached.
fn windows_until(ratio: f64, healthy: u32) -> Option<u32> {
    let mut engine = RatioTest::fine();
    let window = |ratio: f64| EventCounts::new(20.0 * ratio, 2_000.0, 100.0, 10_000.0);
    (0..healthy).for_each(|_| engine.bet(window(1.0), EXACT, most()));
    (1..=400).find(|_| {
        engine.bet(window(ratio), EXACT, most());
        engine.ln_value() >= (NEEDED / 0.25).ln()
    })
}

#[test]
fn what_is_worse_is_found_soon_also_late() {
    let times =
        [2.0, 4.0, 10.0, 100.0].map(|ratio| (windows_until(ratio, 0), windows_until(ratio, 360)));
    println!("windows for ratios 2, 4, 10, 100, at once and after an hour: {times:?}");
    assert!(times[0].0.is_some_and(|windows| windows <= 9), "{times:?}");
    assert!(times[0].1.is_some_and(|windows| windows <= 16), "{times:?}");
    assert!(times[2].0 == Some(2) && times[3].0 == Some(2), "{times:?}");
    assert_eq!(windows_until(1.4, 0), None, "within the margin nothing is found, ever");
}

#[test]
fn one_batch_of_errors_is_no_fault() {
    let mut engine = RatioTest::fine();
    let mut gross = RatioTest::gross();
    let batch = EventCounts::new(500.0, 2_000.0, 0.0, 10_000.0);
    engine.bet(batch, EXACT, most());
    gross.bet(batch, EXACT, most());
    // The heaviest that errors can weigh, with the gross account's fifth.
    let evidence = 0.39 * (0.8 * engine.ln_value().exp() + 0.2 * gross.ln_value().exp());
    assert!(evidence < NEEDED, "{evidence}");
}

#[test]
fn total_failure_takes_two_windows_of_the_gross_account() {
    let mut engine = RatioTest::gross();
    let failure = EventCounts::new(2_000.0, 2_000.0, 100.0, 10_000.0);
    engine.bet(failure, EXACT, most());
    assert!(engine.ln_value() < (NEEDED / 0.05).ln());
    engine.bet(failure, EXACT, most());
    assert!(engine.ln_value() >= (NEEDED / 0.05).ln(), "{}", engine.ln_value());
    assert!(RatioTest::is_blind(0.2, EXACT) && !RatioTest::is_blind(0.01, EXACT));
}

#[test]
fn without_exposure_of_both_roles_nothing_is_bet() {
    let mut engine = RatioTest::fine();
    engine.bet(EventCounts::new(9.0, 0.0, 0.0, 100.0), EXACT, OPEN);
    engine.bet(EventCounts::new(9.0, 100.0, 0.0, 0.0), EXACT, OPEN);
    assert_eq!(engine, RatioTest::fine());
}

#[test]
fn a_lone_canary_is_only_failed_by_the_gross_account() {
    let mut engine = RatioTest::gross();
    // Twice of what is expected at most, as after a common change of the messages.
    (0..50).for_each(|_| engine.bet_alone(100.0, 50.0, 1.0, most()));
    assert!(engine.ln_value() < 0.0);
    (0..2).for_each(|_| engine.bet_alone(2_000.0, 50.0, 1.0, most()));
    assert!(engine.ln_value() >= 0.0);
}

#[test]
fn nothing_but_finite_numbers_leaves_the_engine() {
    let wild = [0.0, 1e-300, 1.0, 1e15, 1e300];
    let mut engine = RatioTest::fine();
    let mut proof = NonInferiority::new();
    for x in wild {
        for n in wild {
            for (y, m) in [(0.0, 1.0), (1e300, 1e-300), (1e15, 1e300)] {
                let counts = EventCounts::new(x, n, y, m);
                let margin = Margin { ratio: 1e6, dispersion: 1e9, floor: 0.001 };
                engine.bet(counts, margin, OPEN);
                engine.bet(counts, EXACT, 0.0);
                proof.bet(counts, EXACT);
                assert!(engine.ln_value().is_finite() && proof.ln_value().is_finite());
            }
        }
    }
}

#[test]
fn a_ratio_at_the_effect_is_rarely_proven_away() {
    let passes = |rate: f64, ratio: f64| {
        let proven = |seed: &u32| {
            let mut random = Random::spread(u64::from(*seed));
            let mut proof = NonInferiority::new();
            (0..WINDOWS).any(|_| {
                proof.bet(draw(&mut random, rate, ratio), EXACT);
                proof.is_proven()
            })
        };
        (0..RUNS).filter(proven).count()
    };
    let effect = NonInferiority::effect(EXACT);
    // At most 1/20 for each of the two, with four standard errors of 800 runs.
    assert!(passes(0.01, effect) <= 65, "{}", passes(0.01, effect));
    assert!(passes(0.001 / effect, effect) <= 2 * 40 + 30, "{}", passes(0.001 / effect, effect));
    assert_eq!(passes(0.01, 1.0), 800, "a healthy canary is proven soon");
}

#[test]
fn without_events_three_thousand_messages_prove() {
    let mut proof = NonInferiority::new();
    let quiet = |n| EventCounts::new(0.0, n, 0.0, 5.0 * n);
    proof.bet(quiet(3_200.0), EXACT);
    assert!(!proof.is_proven());
    proof.bet(quiet(200.0), EXACT);
    assert!(proof.is_proven());
}

#[test]
fn saving_never_creates_evidence() {
    let mut engine = RatioTest::fine();
    let mut proof = NonInferiority::new();
    for seed in 0..40 {
        let counts = draw(&mut Random::spread(seed), 0.01, 2.0);
        engine.bet(counts, EXACT, OPEN);
        proof.bet(counts, EXACT);
        let again = RatioTest::fine().restored(&engine.save()).expect("its own");
        assert!(again.ln_value() <= engine.ln_value());
        assert!(again.ln_value() > engine.ln_value() - 0.01);
        assert_eq!(
            again.save(),
            RatioTest::fine().restored(&again.save()).expect("its own").save()
        );
        assert!(NonInferiority::restore(proof.save()).ln_value() <= proof.ln_value());
    }
    assert_eq!(RatioTest::fine().restored(&(vec![0, 0], vec![])), None);
}
