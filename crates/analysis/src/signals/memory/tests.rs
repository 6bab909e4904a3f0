//! Memory's e-process has mean ≤ 1, and what the primary shows is normal. Pods made by hand.

use super::*;
use siskin_simulation::random::Random;

use crate::observation::PodMetrics;
use crate::stopping::assert_e_process;

#[test]
fn a_primary_pod_that_grows_in_the_trial_says_what_is_normal() {
    let pod = |role, name: &str, mebibytes: f64| {
        let metrics = PodMetrics {
            working_set: Some(mebibytes * 1_048_576.0),
            memory_limit: Some(1_073_741_824.0),
            ..PodMetrics::default()
        };
        PodObservation { metrics: Some(metrics), ..PodObservation::healthy(name, role, 0) }
    };
    let seen = |minute: i64, grown: f64| Observation {
        at: GRACE_AGE + minute * WINDOW,
        group: None,
        pods: vec![pod(Role::Primary, "primary", 200.0), pod(Role::Canary, "canary", grown)],
    };
    let quiet = Observation { pods: vec![pod(Role::Primary, "primary", 100.0)], ..seen(0, 0.0) };
    let mut memory = Memory::learn([quiet].into_iter(), 0).expect("memory is shown");
    let grown = [100.0, 120.0, 140.0, 160.0, 180.0, 200.0];
    for (minute, grown) in (1..).zip(grown) {
        memory.observe(&seen(minute, grown));
    }
    assert!(memory.ln_value() <= 1e-6, "{}", memory.ln_value());
}

#[test]
fn its_mean_is_at_most_one_where_the_headroom_lasts_an_hour() {
    // Growth that is 1 on average: steady, by steps, in rare leaps.
    for leap in [1.0, 2.0, 4.0] {
        let path = |seed| {
            let mut random = Random::spread(seed);
            let mut ledger: DriftTest<Arc<str>> = DriftTest::new(WIDEST_SCALE);
            let mut step = |_| {
                let y: f64 = if random.unit() < 1.0 / leap { leap } else { 0.0 };
                let judged = Some((y.min(MOST_GROWTH) - 1.0) * WIDEST_SCALE);
                ledger.bet(&[Drift { id: Arc::from("pod"), judged, seen: y }], 0.0);
                ledger.ln_value().exp()
            };
            (0..60).map(&mut step).collect()
        };
        let paths: Vec<Vec<f64>> = (0..800).map(path).collect();
        assert_e_process(&format!("leaps of {leap}"), &paths);
    }
}
