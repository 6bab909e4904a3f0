//! What is estimated for a plan against the whole judge on a simulated group, whose pods and
//! arrivals vary as no estimate assumes. Few seeds: this finds an estimate that is far off.

mod world;

use siskin_analysis::observation::Millis;
use siskin_analysis::power::{BaseRates, PlannedStep, Traffic, estimate};
use siskin_analysis::{Signal, Verdict};
use world::Shape;
use world::pod::Work;
use world::trial::{Trial, settings};

const HOLD: Millis = 600_000;
const SEEDS: u64 = 10;

fn shape() -> Shape {
    Shape { metrics: true, pauses: false, skew: 0.0, wobble: (0.0, 1.0), ..Shape::default() }
}

/// The smallest effect that one canary of six is estimated to show in ten minutes.
fn promised(signal: Signal) -> f64 {
    let shape = shape();
    let traffic = Traffic {
        consumers: 6,
        partitions: 24,
        rate: 6.0 * shape.capacity * shape.load,
        commit_interval: shape.commit,
        metrics: Some(BaseRates { errors: 0.01, slow: 0.1 }),
    };
    let step = PlannedStep { canary: 1, hold: HOLD, max_hold: 3 * HOLD };
    let estimate = estimate(&settings(shape), &traffic, &[step]);
    let of = estimate.steps[0].smallest.iter().find(|it| it.signal == signal);
    of.and_then(|it| it.effect).expect("found")
}

/// Of [`SEEDS`] rollouts, those that are rolled back within the hold.
fn rolled_back(change: impl Fn(&mut Trial)) -> usize {
    let failed = |seed: &u64| {
        let mut trial = Trial::begin(shape(), *seed);
        change(&mut trial);
        trial.run(HOLD);
        trial.first(Verdict::Fail).is_some()
    };
    (0..SEEDS).filter(failed).count()
}

#[test]
fn twice_as_many_errors_or_so_are_found_and_half_of_the_effect_is_not() {
    let rate = promised(Signal::Errors);
    let errors = |rate: f64| {
        rolled_back(|trial| {
            trial.world.canary().for_each(|pod| pod.work = Work { errors: rate, ..pod.work });
        })
    };
    let (at, half) = (errors(rate), errors(0.01 + (rate - 0.01) / 2.0));
    println!("errors 1 % to {rate:.4}: {at} of {SEEDS}, half of the effect: {half}");
    assert!(at >= 7 && half <= 3, "{rate}: {at}, {half}");
}

#[test]
fn a_deficit_is_found_and_half_of_it_is_not() {
    let deficit = promised(Signal::Lag);
    let shape = shape();
    // Pods differ in speed: at this share of its own a canary does all but the deficit of its work.
    let slow = |deficit: f64| {
        rolled_back(|trial| {
            let work = shape.capacity * shape.load * (1.0 - deficit);
            trial.world.canary().for_each(|pod| pod.health = work / pod.speed);
        })
    };
    let (at, half) = (slow(deficit), slow(deficit / 2.0));
    println!("deficit {deficit:.3}: {at} of {SEEDS}, half of it: {half}");
    assert!(at >= 7 && half <= 3, "{deficit}: {at}, {half}");
}
