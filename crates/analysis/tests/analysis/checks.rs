//! Named checks: values computed from what the pods count, against bounds that were set.
//! Outside the error budget, so each rule is deterministic and tested as such.

use std::sync::Arc;

use siskin_analysis::observation::{Millis, Observation, PodMetrics, Role};
use siskin_analysis::{
    Assessment, Bound, Check, Doubt, Effect, Fault, Finding, Judge, Measure, Note, ResumeError,
    Settings, Signal, UserMetric, UserRule, Verdict,
};
use siskin_simulation::Shape;
use siskin_simulation::trial::{Trial, WARM_UP, doubt, fault, judged_by};

const MINUTE: Millis = 60_000;
const POLL: Millis = 2_000;
/// When the first value is there: the window is a minute, and its parts are of three polls.
const FIRST: Millis = WARM_UP + MINUTE;

fn shape() -> Shape {
    Shape { metrics: true, ..Shape::small() }
}

fn less_than(bound: f64) -> Check {
    Check { less_than: Some(bound), greater_than: None, failure_limit: 3 }
}

fn greater_than(bound: f64) -> Check {
    Check { less_than: None, greater_than: Some(bound), failure_limit: 3 }
}

fn settings(measure: Measure, check: Check) -> Settings {
    let name = Arc::from(measure.name());
    judged_by(shape(), &[UserMetric { name, rule: UserRule::Check(check) }])
}

/// Errors as an exact share of what was consumed: 7 % of the canary's messages, 4 % of the
/// primary's, which is nothing to the comparison of errors and much to a bound of 5 %.
fn failing(seen: &mut Observation, canary: f64, primary: f64) {
    for pod in &mut seen.pods {
        let share = if pod.role == Role::Canary { canary } else { primary };
        let Some(metrics) = &mut pod.metrics else { continue };
        metrics.errors = metrics.consumed.map(|consumed| (share * consumed).round());
    }
}

fn of_canary(seen: &mut Observation) -> &mut PodMetrics {
    let pod = seen.pods.iter_mut().find(|pod| pod.role == Role::Canary).expect("one");
    pod.metrics.as_mut().expect("scraped")
}

/// A trial whose canary has fewer errors than the bound, up to where its first value is known.
fn warm(seed: u64, measure: Measure, check: Check) -> Trial {
    let mut trial = Trial::begin_by(&settings(measure, check), shape(), seed);
    trial.run_edited(FIRST + 5 * POLL, |_, seen| failing(seen, 0.04, 0.04));
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    trial
}

fn bounded(assessment: &Assessment, measure: Measure) -> (f64, Option<f64>, u32) {
    let signal = Signal::User(Arc::from(measure.name()));
    let report = assessment.signals.iter().find(|it| it.signal == signal).expect("available");
    let Some(Effect::Bounded { value, primary, failing, .. }) = report.effect else { panic!() };
    assert!(report.weight.abs() < 1e-12, "no part of the error budget");
    (value, primary, failing)
}

fn note(assessment: &Assessment) -> Option<u32> {
    assessment.notes.iter().find_map(|note| {
        if let Note::WithoutValue { readings, .. } = note { Some(*readings) } else { None }
    })
}

#[test]
fn more_failing_readings_than_tolerated_fail_the_canary() {
    let error_rate = settings(Measure::ErrorRate, less_than(0.05));
    let mut trial = Trial::begin_by(&error_rate, shape(), 1);
    trial.run_edited(3 * MINUTE, |_, seen| failing(seen, 0.07, 0.04));
    let failed = trial.first(Verdict::Fail).expect("it fails") * 1_000;
    let expected = FIRST + 3 * POLL;
    assert!((expected..=expected + 3 * POLL).contains(&failed), "{failed}: {}", trial.last());
    let words = trial.last().finding.to_string();
    assert!(words.starts_with("error_rate: 0.0"), "{words}");
    assert!(words.contains("on pod worker-canary-0 is not less than 0.05, "), "{words}");
    assert!(words.contains("(limit 3); the user set this bound"), "{words}");
    let Some(Fault::OutOfBounds { value, bound, .. }) = fault(trial.last()) else {
        panic!("{words}")
    };
    assert!((value - 0.07).abs() < 0.002 && *bound == Bound::LessThan(0.05), "{words}");
    assert!(fault(trial.last()).is_some_and(Fault::is_guard));
}

/// A bound by a well-known name judges without a word of a query.
#[test]
fn each_check_is_computed_from_what_the_pods_count() {
    for (measure, check, expected) in [
        (Measure::ErrorRate, less_than(0.05), 0.04),
        (Measure::SuccessRate, greater_than(0.9), 0.96),
        (Measure::LatencyP99, less_than(0.1), 0.1),
        (Measure::MemoryUsage, less_than(0.9), 400.0 / 1_024.0),
    ] {
        let trial = warm(2, measure, check);
        let (value, primary, _) = bounded(trial.last(), measure);
        assert!((value - expected).abs() < 0.005, "{measure:?} {value}");
        assert!((primary.expect("known") - expected).abs() < 0.005, "{measure:?} {primary:?}");
    }
}

/// Both bounds of one check, and each on its own side.
#[test]
fn a_success_rate_fails_below_its_bound() {
    let both = Check { less_than: Some(0.999), ..greater_than(0.945) };
    let mut trial = warm(3, Measure::SuccessRate, both);
    assert_eq!(bounded(trial.last(), Measure::SuccessRate).2, 0);
    trial.run_edited(2 * MINUTE, |_, seen| failing(seen, 0.07, 0.04));
    let Some(Fault::OutOfBounds { bound, metric, .. }) = fault(trial.last()) else {
        panic!("{}", trial.last())
    };
    assert_eq!((&**metric, *bound), ("success_rate", Bound::GreaterThan(0.945)));
}

#[test]
fn what_the_primary_is_beyond_too_is_shared() {
    let mut trial = Trial::begin_by(&settings(Measure::ErrorRate, less_than(0.05)), shape(), 4);
    trial.run_edited(4 * MINUTE, |_, seen| failing(seen, 0.07, 0.06));
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    assert_eq!(bounded(trial.last(), Measure::ErrorRate).2, 0);
    assert!(trial.never(Verdict::Pass));
    trial.run_edited(2 * MINUTE, |_, seen| failing(seen, 0.06, 0.06));
    assert!(matches!(doubt(trial.last()), Some(Doubt::PrimaryOutOfBounds { .. })));
    let words = trial.last().finding.to_string();
    assert!(words.contains("is not less than 0.05, but so is the primary's median"), "{words}");
}

/// A trial passes without a check, and with a bucket that the check's quantile lies in.
#[test]
fn a_pass_needs_a_value() {
    let run = |settings: &Settings, add_bucket: bool| {
        let mut trial = Trial::begin_by(settings, shape(), 5);
        trial.run_edited(8 * MINUTE, |_, seen| {
            for metrics in seen.pods.iter_mut().filter_map(|pod| pod.metrics.as_mut()) {
                let latency = metrics.latency.as_mut().expect("timed");
                if add_bucket {
                    latency.edges = Arc::from([0.01, 0.1, 1.0]);
                    latency.counts.push(latency.total);
                }
            }
        });
        trial
    };
    let check = settings(Measure::LatencyP99, less_than(0.99));
    assert_eq!(run(&judged_by(shape(), &[]), false).last().verdict, Verdict::Pass);
    let with = run(&check, true);
    assert_eq!(with.last().verdict, Verdict::Pass, "{}", with.last());
    assert!(with.first(Verdict::Pass) >= Some(FIRST / 1_000));
    let without = run(&check, false);
    assert!(without.never(Verdict::Pass) && without.never(Verdict::Fail));
}

/// A limit that no container has can't be a share of.
#[test]
fn memory_without_a_limit_says_what_to_do() {
    let mut trial = warm(9, Measure::MemoryUsage, less_than(0.9));
    trial.run_edited(4 * MINUTE, |_, seen| of_canary(seen).memory_limit = None);
    assert_eq!(
        trial.last().finding.to_string(),
        "memory_usage of the canary has had no value for 4 min: a container has no memory limit; give each of them one"
    );
    let text = serde_json::to_string(&trial.last().finding).expect("JSON");
    let read: Finding = serde_json::from_str(&text).expect("what was written");
    assert_eq!(read, trial.last().finding, "{text}");
}

/// A service that has not failed since it started may not have the series yet: 0, and said.
#[test]
fn a_missing_series_of_errors_is_read_as_zero_and_told() {
    let check = settings(Measure::ErrorRate, less_than(0.05));
    let mut trial = Trial::begin_by(&check, shape(), 6);
    let hide = |_: &mut siskin_simulation::World, seen: &mut Observation| {
        seen.pods.iter_mut().flat_map(|pod| &mut pod.metrics).for_each(|it| it.errors = None);
    };
    trial.run_edited(FIRST + 5 * POLL, hide);
    let told = |trial: &Trial| {
        let name =
            |note: &Note| matches!(note, Note::NoEvents { metric } if &**metric == "error_rate");
        trial.last().notes.iter().any(name)
    };
    assert!(bounded(trial.last(), Measure::ErrorRate).0.abs() < 1e-12);
    assert!(!told(&trial), "the primary exported some before");
    let judge = Judge::resume(check, &trial.judge.save()).expect("saved");
    let mut trial = Trial { judge, ..trial };
    trial.run_edited(FIRST + 5 * POLL, hide);
    assert!(told(&trial), "nobody has since: {:?}", trial.last().notes);
}

/// Prometheus scrapes at a pace of its own: the same numbers again are no reading.
#[test]
fn a_reading_takes_a_scrape_of_its_own() {
    let mut trial = Trial::begin_by(&settings(Measure::ErrorRate, less_than(0.05)), shape(), 7);
    let begin = trial.begin;
    let mut scraped = 0;
    trial.run_edited(FIRST + MINUTE, |world, seen| {
        failing(seen, 0.07, 0.04);
        let age = world.now - begin;
        if age % 4_000 != 0 {
            seen.pods.iter_mut().for_each(|pod| pod.metrics = None);
        } else if age >= FIRST + 8_000 {
            scraped += 1;
        }
        if scraped == 2 {
            seen.pods.iter_mut().for_each(|pod| pod.metrics = None);
        }
    });
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    let (_, _, failing) = bounded(trial.last(), Measure::ErrorRate);
    assert!((1..=3).contains(&failing), "{failing}");
}

/// Evidence from before is neither lost nor gained.
#[test]
fn the_count_survives_a_restart() {
    let check = settings(Measure::ErrorRate, less_than(0.05));
    let mut trial = Trial::begin_by(&check, shape(), 8);
    while trial.assessments.is_empty() || failing_so_far(&trial) < 2 {
        trial.run_edited(POLL, |_, seen| failing(seen, 0.07, 0.04));
    }
    let judge = Judge::resume(check, &trial.judge.save()).expect("saved");
    let mut resumed = Trial { judge, assessments: Vec::new(), ..trial };
    resumed.run_edited(MINUTE - POLL, |_, seen| failing(seen, 0.07, 0.04));
    assert!(resumed.never(Verdict::Fail), "a window is watched as a whole: {}", resumed.last());
    resumed.run_edited(6 * POLL, |_, seen| failing(seen, 0.07, 0.04));
    assert_eq!(resumed.last().verdict, Verdict::Fail, "two and two are four: {}", resumed.last());
    let saved = resumed.judge.save();
    let error = Judge::resume(judged_by(shape(), &[]), &saved).expect_err("another trial");
    assert!(matches!(error, ResumeError::UserMetric(name) if &*name == "error_rate"));
}

fn failing_so_far(trial: &Trial) -> u32 {
    let signal = Signal::User(Arc::from("error_rate"));
    let report = trial.last().signals.iter().find(|it| it.signal == signal).expect("available");
    match report.effect {
        Some(Effect::Bounded { failing, .. }) => failing,
        Some(_) | None => 0,
    }
}

/// What can't be computed is neither a failure nor a pass, is counted, and says why.
mod without_a_value {
    use super::*;

    /// Four minutes in which the canary's metrics are bent like this, after a value was known.
    fn bent(seed: u64, measure: Measure, edit: impl Fn(&mut PodMetrics)) -> Trial {
        let check = match measure {
            Measure::SuccessRate => greater_than(0.9),
            Measure::ErrorRate | Measure::LatencyP99 | Measure::MemoryUsage => less_than(0.9),
        };
        let mut trial = warm(seed, measure, check);
        trial.run_edited(4 * MINUTE, |_, seen| {
            failing(seen, 0.04, 0.04);
            edit(of_canary(seen));
        });
        assert!(trial.never(Verdict::Fail), "{}", trial.last());
        trial
    }

    /// Says why, and that it was counted.
    fn says(trial: &Trial, words: &str) {
        let told = trial.last().finding.to_string();
        assert!(matches!(doubt(trial.last()), Some(Doubt::WithoutValue { .. })), "{told}");
        assert!(told.contains(words), "{told}");
        let counted = note(trial.last());
        assert!(counted.is_some_and(|it| it >= 110), "{counted:?}");
    }

    #[test]
    fn a_missing_series_is_named() {
        let trial = bent(20, Measure::LatencyP99, |it| it.latency = None);
        let words = ": a pod shows no usable latency; is series.latency what it exports?";
        says(&trial, words);
        let trial = bent(21, Measure::SuccessRate, |it| it.processed = None);
        says(&trial, "a pod shows no usable processed");
        let trial = bent(22, Measure::MemoryUsage, |it| it.working_set = Some(f64::NAN));
        says(&trial, "a pod shows no usable workingSet");
    }

    #[test]
    fn a_value_that_is_no_number_is_none() {
        for wild in [f64::NAN, f64::INFINITY, -1.0] {
            let trial = bent(23, Measure::ErrorRate, |it| it.errors = Some(wild));
            says(&trial, "a pod shows no usable errors");
        }
    }

    #[test]
    fn a_counter_that_falls_again_and_again_is_none() {
        let mut trial = warm(24, Measure::ErrorRate, less_than(0.9));
        let mut errors = 100.0;
        trial.run_edited(4 * MINUTE, |_, seen| {
            errors -= 0.1;
            // Without the count of what was processed it is no loss either.
            let metrics = of_canary(seen);
            (metrics.errors, metrics.processed) = (Some(errors), None);
        });
        assert!(trial.never(Verdict::Fail), "{}", trial.last());
        says(&trial, "a counter fell without a restart");
    }

    #[test]
    fn without_messages_there_is_no_rate() {
        let mut trial = warm(25, Measure::ErrorRate, less_than(0.05));
        trial.world.traffic = 0.0;
        trial.run(4 * MINUTE);
        assert!(trial.never(Verdict::Fail), "{}", trial.last());
        assert_eq!(trial.last().verdict, Verdict::Inconclusive);
        assert!(note(trial.last()).is_some_and(|it| it >= 85), "{:?}", trial.last().notes);
    }

    /// A tenth of the messages is slower than the largest edge, 0.1 s; the bound is above it.
    #[test]
    fn a_quantile_beyond_the_edges_says_so() {
        let trial = bent(26, Measure::LatencyP99, |it| {
            let latency = it.latency.as_mut().expect("timed");
            latency.counts[1] = (0.9 * latency.total).round();
        });
        says(
            &trial,
            "it lies above the largest bucket edge, 0.1, and so does the bound, 0.9; add a bucket at the bound",
        );
    }

    #[test]
    fn a_quantile_beyond_the_edges_fails_a_bound_below_them() {
        let mut trial =
            Trial::begin_by(&settings(Measure::LatencyP99, less_than(0.05)), shape(), 27);
        trial.run_edited(3 * MINUTE, |_, seen| {
            for pod in &mut seen.pods {
                let Some(metrics) = &mut pod.metrics else { continue };
                let latency = metrics.latency.as_mut().expect("timed");
                if pod.role == Role::Primary {
                    latency.counts = vec![latency.total; 2];
                }
            }
        });
        let Some(Fault::OutOfBounds { value, .. }) = fault(trial.last()) else {
            panic!("{}", trial.last())
        };
        assert!((value - 0.1).abs() < 1e-12, "the largest edge is what is known: {value}");
    }

    /// A source that is silent has no reading at all.
    #[test]
    fn without_a_scrape_nothing_is_known() {
        for (measure, words) in [
            (Measure::ErrorRate, "no scrape of a warm pod was read"),
            (Measure::MemoryUsage, "a pod shows no usable workingSet"),
        ] {
            let mut trial = warm(28, measure, less_than(0.9));
            trial.run_edited(2 * MINUTE, |_, seen| {
                seen.pods.iter_mut().for_each(|pod| pod.metrics = None);
            });
            assert!(trial.never(Verdict::Fail), "{}", trial.last());
            assert_eq!(trial.last().verdict, Verdict::Inconclusive);
            assert_eq!(note(trial.last()), None, "there was no reading to be made");
            let told = trial.last().finding.to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}
