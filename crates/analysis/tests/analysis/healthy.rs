//! Healthy canaries are not rolled back: every good scenario that needs no metric but lag.
//! The full count takes minutes:
//! `cargo test --release -p siskin-analysis --test analysis healthy -- --ignored --nocapture`.

use siskin_analysis::Verdict;
use siskin_simulation::trial::Trial;
use siskin_simulation::{Shape, World};
use statrs::distribution::{Beta, ContinuousCDF};

const MINUTE: i64 = 60_000;

struct Scenario {
    name: &'static str,
    shape: Shape,
    begin: fn(&mut World),
    each: fn(&mut World, i64),
    /// Whether it is within the null hypothesis, not beside it on purpose.
    bounded: bool,
}

fn scenarios() -> Vec<Scenario> {
    let base = Shape::default();
    let scenario =
        |name, shape| Scenario { name, shape, begin: |_| {}, each: |_, _| {}, bounded: true };
    vec![
        scenario("identical", base),
        scenario("polls 2 s, commits 1 s", Shape { poll: 2_000, commit: 1_000, ..base }),
        scenario("commits every 40 s", Shape { commit: 40_000, ..base }),
        scenario("load 0.92", Shape { load: 0.92, ..base }),
        scenario("low traffic", Shape { load: 0.002, ..base }),
        Scenario {
            each: |world, at| {
                world.traffic = if (600..720).contains(&(at / 1_000)) { 2.0 } else { 1.0 }
            },
            ..scenario("producer burst x2", base)
        },
        Scenario {
            begin: |world| world.canary().for_each(|pod| pod.slow_start = 180_000),
            ..scenario("slow warm-up", base)
        },
        Scenario {
            begin: |world| world.canary().for_each(|pod| pod.health = 1.5),
            ..scenario("faster canary", base)
        },
        Scenario {
            each: |world, at| {
                if at % 120_000 == 0 {
                    world.rebalance(6_000);
                }
            },
            ..scenario("rolling rebalances", base)
        },
        Scenario {
            bounded: false,
            ..scenario(
                "load 0.92, skew 0.3 (the canary's share is too large)",
                Shape { load: 0.92, skew: 0.3, ..base },
            )
        },
        Scenario {
            bounded: false,
            ..scenario("pods wander by 30 % over 10 min", Shape { wobble: (0.3, 600.0), ..base })
        },
    ]
}

/// Whether it was rolled back, and whether it ever passed.
fn tried(scenario: &Scenario, seed: u64, span: i64) -> (bool, bool) {
    let mut trial = Trial::begin(scenario.shape, seed);
    (scenario.begin)(&mut trial.world);
    let begin = trial.begin;
    trial.run_edited(span, |world, _| (scenario.each)(world, world.now - begin));
    (!trial.never(Verdict::Fail), !trial.never(Verdict::Pass))
}

#[test]
fn healthy_canaries_are_not_rolled_back() {
    for scenario in scenarios().iter().filter(|scenario| scenario.bounded) {
        for seed in 0..2 {
            let (failed, passed) = tried(scenario, seed, 12 * MINUTE);
            assert!(!failed, "{}, seed {seed}", scenario.name);
            assert!(passed, "{}, seed {seed}", scenario.name);
        }
    }
}

#[test]
#[ignore = "the full count takes minutes"]
fn the_rate_of_false_rollbacks() {
    let runs: u32 = 600;
    for scenario in scenarios() {
        let tries = (0..runs).map(|seed| tried(&scenario, 1_000 + u64::from(seed), 30 * MINUTE));
        let (mut failed, mut passed) = (0_u32, 0_u32);
        for (fail, pass) in tries {
            failed += u32::from(fail);
            passed += u32::from(pass);
        }
        let bound = upper_bound(failed, runs);
        println!(
            "{:55} rolled back {failed:2} of {runs} (95 % bound {:.2} %), passed {passed}",
            scenario.name,
            100.0 * bound
        );
        assert!(!scenario.bounded || bound <= 0.03, "{}: {failed} of {runs}", scenario.name);
    }
}

/// Exact upper bound of a probability (Clopper–Pearson), one-sided, 95 %.
fn upper_bound(events: u32, of: u32) -> f64 {
    let beta = Beta::new(f64::from(events) + 1.0, f64::from(of - events)).expect("of > events");
    beta.inverse_cdf(0.95)
}
