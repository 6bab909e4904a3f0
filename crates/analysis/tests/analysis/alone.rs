//! A canary that takes the place of the only primary pod is compared with what was before: lag that
//! grows for minutes is its fault, unless it works as fast as the pod before it did.

use siskin_analysis::observation::Millis;
use siskin_analysis::{Fault, Verdict};
use siskin_simulation::Shape;
use siskin_simulation::trial::{Trial, fault};

const MINUTE: Millis = 60_000;

/// One pod, of which Kafka alone is seen.
fn begin(load: f64, seed: u64) -> Trial {
    Trial::begin(Shape { pods: 1, partitions: 4, load, ..Shape::small() }, seed)
}

#[test]
fn half_the_speed_is_found_within_ten_minutes() {
    for seed in 0..5 {
        let mut trial = begin(0.7, seed);
        trial.world.canary().for_each(|pod| pod.health = 0.5);
        trial.run(12 * MINUTE);
        let at = trial.first(Verdict::Fail).unwrap_or_else(|| panic!("{}", trial.last()));
        let found = trial.assessments.iter().find_map(fault).expect("failed");
        let Fault::BehindAlone { lag_seconds, normal_seconds, growing, .. } = *found else {
            panic!("{found}")
        };
        assert!((480..=600).contains(&at), "seed {seed}: {at} s");
        assert!(lag_seconds > 3.0 * normal_seconds && growing >= 5 * MINUTE, "{found}");
        assert!(found.is_guard() && found.to_string().contains("growing for 5 min"), "{found}");
    }
}

#[test]
fn a_fault_that_comes_late_is_found_after_five_minutes() {
    let mut trial = begin(0.7, 9);
    trial.run(10 * MINUTE);
    trial.world.canary().for_each(|pod| pod.health = 0.5);
    trial.run(8 * MINUTE);
    let at = trial.first(Verdict::Fail).unwrap_or_else(|| panic!("{}", trial.last()));
    assert!((900..=990).contains(&at), "{at} s");
}

#[test]
fn a_burst_that_no_pod_keeps_up_with_is_not_the_canary() {
    for (minutes, traffic) in [(2, 3.0), (4, 2.0), (12, 1.7)] {
        for seed in 0..5 {
            let mut trial = begin(0.7, seed);
            trial.run(5 * MINUTE);
            trial.world.traffic = traffic;
            trial.run(minutes * MINUTE);
            trial.world.traffic = 1.0;
            trial.run(10 * MINUTE);
            assert!(trial.never(Verdict::Fail), "{minutes} min, seed {seed}: {}", trial.last());
        }
    }
}

#[test]
fn a_pod_that_recovers_or_lags_evenly_has_not_grown() {
    let mut trial = begin(0.7, 4);
    trial.run(5 * MINUTE);
    trial.world.canary().for_each(|pod| pod.health = 0.5);
    trial.run(4 * MINUTE);
    trial.world.canary().for_each(|pod| pod.health = 0.72);
    trial.run(15 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
}
