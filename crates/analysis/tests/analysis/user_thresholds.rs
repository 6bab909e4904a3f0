//! Thresholds that the user set: readings are counted, and bounds are the user's word.
//! Outside the error budget, so each rule is deterministic and tested as such.

use std::sync::Arc;

use siskin_analysis::observation::{Millis, Observation, PodObservation, Role, UserReading};
use siskin_analysis::{
    Against, Assessment, Bound, Doubt, Effect, Fault, Judge, Note, Scope, Settings, Signal,
    SignalReport, Threshold, UserMetric, UserRule, Verdict,
};
use siskin_simulation::Shape;
use siskin_simulation::trial::{Trial, doubt, fault, judged_by};

const MINUTE: Millis = 60_000;
const POLL: Millis = 2_000;
const NAME: &str = "p99";

fn at_most(max: f64) -> Threshold {
    Threshold {
        min: None,
        max: Some(max),
        failure_limit: 3,
        against: Against::Absolute,
        scope: Scope::Pods,
    }
}

fn settings(threshold: Threshold) -> Settings {
    let metric = UserMetric { name: Arc::from(NAME), rule: UserRule::Threshold(threshold) };
    judged_by(Shape::small(), &[metric])
}

fn set(pod: &mut PodObservation, value: Option<f64>) {
    let reading = UserReading { value, ..UserReading::default() };
    let metrics = pod.metrics.get_or_insert_default();
    metrics.user.insert(Arc::from(NAME), reading);
}

/// Shows these values of the canary and of each primary pod.
fn show(seen: &mut Observation, canary: Option<f64>, primary: Option<f64>) {
    for pod in &mut seen.pods {
        let value = if pod.role == Role::Canary { canary } else { primary };
        set(pod, value);
    }
}

/// A trial that has warmed up for a minute with values within bounds.
fn warm(seed: u64, threshold: Threshold) -> Trial {
    let mut trial = Trial::begin_by(&settings(threshold), Shape::small(), seed);
    trial.run_edited(MINUTE, |_, seen| show(seen, Some(0.2), Some(0.2)));
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    trial
}

/// Shows this many readings.
fn readings(trial: &mut Trial, count: i64, canary: Option<f64>, primary: Option<f64>) {
    trial.run_edited(count * POLL, |_, seen| show(seen, canary, primary));
}

fn report(assessment: &Assessment) -> &SignalReport {
    let signal = Signal::User(Arc::from(NAME));
    assessment.signals.iter().find(|report| report.signal == signal).expect("available")
}

fn failing(assessment: &Assessment) -> u32 {
    let Some(Effect::Bounded { failing, .. }) = report(assessment).effect else { panic!() };
    failing
}

#[test]
fn the_reading_after_the_tolerated_ones_fails() {
    let mut trial = warm(1, at_most(0.5));
    readings(&mut trial, 3, Some(0.82), Some(0.2));
    assert!(trial.never(Verdict::Fail), "three are tolerated");
    readings(&mut trial, 10, Some(0.3), Some(0.2));
    assert_eq!(failing(trial.last()), 3, "and stay counted");
    readings(&mut trial, 1, Some(0.82), Some(0.2));
    let last = trial.last();
    assert_eq!(last.verdict, Verdict::Fail, "{last}");
    assert_eq!(
        last.finding.to_string(),
        "p99: 0.82 on pod worker-canary-0 is above max 0.5, 4 readings (limit 3); the user set this bound, it is outside the budget of false rollbacks"
    );
    assert_eq!(last.finding.name(), "OutOfBounds");
    assert!(fault(last).expect("a fault").is_guard());
    let report = report(last);
    assert!(report.weight.abs() < 1e-12 && report.proven.is_none());
    let weights: f64 = last.signals.iter().map(|it| it.weight).sum();
    assert!((weights - 1.0).abs() < 1e-9, "no part of the budget");
}

#[test]
fn values_on_the_bounds_are_within_and_a_limit_of_zero_tolerates_none() {
    let both = Threshold { min: Some(0.1), failure_limit: 0, ..at_most(0.5) };
    let mut trial = warm(2, both);
    readings(&mut trial, 3, Some(0.5), Some(0.2));
    readings(&mut trial, 3, Some(0.1), Some(0.2));
    assert!(trial.never(Verdict::Fail));
    readings(&mut trial, 1, Some(0.09), Some(0.2));
    let Some(Fault::OutOfBounds { bound, readings, .. }) = fault(trial.last()) else {
        panic!("{}", trial.last())
    };
    assert_eq!((*bound, *readings), (Bound::Min(0.1), 1));
}

/// The worst of several pods counts, and is named.
#[test]
fn the_worst_pod_is_named_and_others_do_not_count() {
    let mut trial = warm(3, at_most(0.5));
    let second = |seen: &mut Observation, edit: &dyn Fn(&mut PodObservation)| {
        show(seen, Some(0.3), Some(0.2));
        let canary = seen.pods.iter().find(|pod| pod.role == Role::Canary).expect("one");
        let mut other = PodObservation { name: Arc::from("worker-canary-1"), ..canary.clone() };
        set(&mut other, Some(0.9));
        edit(&mut other);
        seen.pods.push(other);
    };
    let run = |trial: &mut Trial, edit: &dyn Fn(&mut PodObservation)| {
        trial.run_edited(5 * POLL, |_, seen| second(seen, edit));
    };
    let now = trial.world.now;
    run(&mut trial, &|pod| pod.ready = false);
    run(&mut trial, &|pod| pod.terminating = true);
    run(&mut trial, &|pod| pod.created = now);
    assert!(trial.never(Verdict::Fail), "not ready, leaving, or not warm: {}", trial.last());
    run(&mut trial, &|_| {});
    let Some(Fault::OutOfBounds { pod, .. }) = fault(trial.last()) else {
        panic!("{}", trial.last())
    };
    assert_eq!(&**pod, "worker-canary-1");
}

/// The primary's median is beyond the same bound: no evidence, and no Pass.
#[test]
fn what_the_primary_violates_too_is_a_shared_outage() {
    let mut trial = warm(4, at_most(0.5));
    trial.run_edited(3 * MINUTE, |_, seen| show(seen, Some(0.2), Some(0.2)));
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    readings(&mut trial, 20, Some(0.9), Some(0.7));
    assert!(trial.never(Verdict::Fail));
    assert_eq!(failing(trial.last()), 0);
    assert!(matches!(doubt(trial.last()), Some(Doubt::PrimaryOutOfBounds { .. })));
    assert_eq!(
        trial.last().finding.to_string(),
        "p99 of the canary is above max 0.5, but so is the primary's median: the cause is shared"
    );
    readings(&mut trial, 4, Some(0.9), Some(0.5));
    assert_eq!(trial.last().verdict, Verdict::Fail, "the primary has recovered");
}

/// The other bound is the canary's alone.
#[test]
fn a_shared_bound_does_not_hide_one_that_only_the_canary_is_beyond() {
    let mut trial = warm(12, Threshold { min: Some(0.1), ..at_most(0.5) });
    trial.run_edited(4 * POLL, |_, seen| {
        show(seen, Some(0.9), Some(0.7));
        let canary = seen.pods.iter().find(|pod| pod.role == Role::Canary).expect("one");
        let mut low = PodObservation { name: Arc::from("worker-canary-1"), ..canary.clone() };
        set(&mut low, Some(0.05));
        seen.pods.push(low);
    });
    let words = trial.last().finding.to_string();
    assert!(words.starts_with("p99: 0.05 on pod worker-canary-1 is below min 0.1"), "{words}");
}

/// A bound that the user set needs no healthy primary; a comparison does.
#[test]
fn an_absolute_bound_fails_beside_an_unhealthy_primary_and_a_relative_one_does_not() {
    let mut trial = warm(5, at_most(0.5));
    trial.healthy = false;
    readings(&mut trial, 4, Some(0.9), None);
    assert_eq!(trial.last().verdict, Verdict::Fail, "{}", trial.last());
    let mut trial = warm(5, Threshold { against: Against::Primary, ..at_most(1.5) });
    trial.healthy = false;
    readings(&mut trial, 4, Some(0.9), Some(0.3));
    let Some(Doubt::PrimaryUnhealthy { suspicion: Some(fault) }) = doubt(trial.last()) else {
        panic!("{}", trial.last())
    };
    assert!(fault.to_string().starts_with("p99: 3 times the primary's on pod worker-canary-0"));
}

/// It needs no answer of Kafka, as crashes need none.
#[test]
fn a_bound_is_judged_without_kafka() {
    let mut trial = warm(6, at_most(0.5));
    trial.run_edited(4 * POLL, |_, seen| {
        show(seen, Some(0.9), Some(0.2));
        seen.group = None;
    });
    assert_eq!(trial.last().verdict, Verdict::Fail, "{}", trial.last());
}

#[test]
fn against_the_primary_medians_are_compared() {
    let relative = Threshold { against: Against::Primary, ..at_most(1.5) };
    let mut trial = warm(7, relative);
    readings(&mut trial, 10, Some(1.5), Some(1.0));
    assert!(trial.never(Verdict::Fail));
    for unknown in [None, Some(0.0)] {
        readings(&mut trial, 10, Some(9.0), unknown);
        assert!(trial.never(Verdict::Fail), "no reference, no reading: {}", trial.last());
        assert_eq!(failing(trial.last()), 0);
    }
    readings(&mut trial, 4, Some(1.6), Some(1.0));
    let words = trial.last().finding.to_string();
    assert!(words.starts_with("p99: 1.6 times the primary's on pod worker-canary-0"), "{words}");
}

/// Readings without a value count as nothing; without a recent one there is no Pass.
#[test]
fn missing_readings_neither_fail_nor_pass() {
    let mut trial = warm(8, at_most(0.5));
    readings(&mut trial, 3, Some(0.9), Some(0.2));
    trial.run_edited(3 * MINUTE, |_, seen| show(seen, Some(0.2), Some(0.2)));
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    for missing in [None, Some(f64::NAN), Some(f64::INFINITY)] {
        readings(&mut trial, 15, missing, Some(0.2));
        assert_eq!(trial.last().verdict, Verdict::Pass, "30 s are recent: {}", trial.last());
        readings(&mut trial, 1, missing, Some(0.2));
        let silent = Doubt::SignalSilent { signal: Signal::User(Arc::from(NAME)), silent: 32_000 };
        assert_eq!(doubt(trial.last()), Some(&silent));
        readings(&mut trial, 1, Some(0.2), Some(0.2));
        assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    }
    assert_eq!(failing(trial.last()), 3);
    let counted = |note: &Note| matches!(note, Note::UnreadableMetrics { values: 32 });
    assert!(trial.last().notes.iter().any(counted), "{:?}", trial.last().notes);
}

#[test]
fn a_metric_that_nobody_exports_is_blind_and_holds() {
    let mut trial = Trial::begin_by(&settings(at_most(0.5)), Shape::small(), 9);
    trial.run(4 * MINUTE);
    let signal = Signal::User(Arc::from(NAME));
    assert!(trial.last().blind.contains(&signal));
    assert!(matches!(doubt(trial.last()), Some(Doubt::SignalSilent { .. })), "{}", trial.last());
    readings(&mut trial, 1, Some(0.2), None);
    assert!(!trial.last().blind.contains(&signal));
}

/// A tolerated reading is no reason to fail, and none to pass on.
#[test]
fn while_the_latest_reading_fails_there_is_no_pass() {
    let mut trial = warm(10, at_most(0.5));
    trial.run_edited(3 * MINUTE, |_, seen| show(seen, Some(0.2), Some(0.2)));
    readings(&mut trial, 1, Some(0.82), Some(0.2));
    let words = trial.last().finding.to_string();
    assert!(matches!(doubt(trial.last()), Some(Doubt::SignalSuspected { .. })), "{words}");
    assert!(words.contains("failing readings: 1 (limit 3)"), "{words}");
}

#[test]
fn the_count_survives_a_restart() {
    let mut trial = warm(11, at_most(0.5));
    readings(&mut trial, 2, Some(0.9), Some(0.2));
    let saved = trial.judge.save();
    let again = Judge::resume(settings(at_most(0.5)), &saved).expect("saved");
    let mut resumed = Trial { judge: again, assessments: Vec::new(), ..trial.clone() };
    readings(&mut resumed, 1, Some(0.9), Some(0.2));
    assert!(resumed.never(Verdict::Fail));
    readings(&mut resumed, 1, Some(0.9), Some(0.2));
    assert_eq!(resumed.last().verdict, Verdict::Fail, "{}", resumed.last());
    let failed = Judge::resume(settings(at_most(0.5)), &resumed.judge.save()).expect("saved");
    let known = failed.assess(resumed.world.now, true);
    assert_eq!(known.finding, resumed.last().finding, "at once, without another reading");
}

/// A query without pod and role has one answer: both roles show it.
fn global(threshold: Threshold) -> Threshold {
    Threshold { scope: Scope::Global, ..threshold }
}

#[test]
fn a_value_of_the_whole_counts_for_the_canary_where_the_user_says_so() {
    let mut trial = warm(9, at_most(0.5));
    readings(&mut trial, 10, Some(0.9), Some(0.9));
    assert!(trial.never(Verdict::Fail), "of pods it is shared");
    let mut trial = warm(9, global(at_most(0.5)));
    readings(&mut trial, 3, Some(0.9), Some(0.9));
    assert!(trial.never(Verdict::Fail), "three are tolerated");
    readings(&mut trial, 1, Some(0.9), Some(0.9));
    let words = trial.last().finding.to_string();
    assert!(words.starts_with("p99: 0.9 is above max 0.5, 4 readings (limit 3)"), "{words}");
}

/// A trial whose record has this value for both roles.
fn with_a_record(threshold: Threshold, before: Option<f64>) -> Trial {
    let mut world = siskin_simulation::World::new(Shape::small(), 11);
    let mut record = siskin_analysis::Record::new(600_000);
    world.run(10 * MINUTE, |_, mut seen| {
        show(&mut seen, before, before);
        record.push(seen);
    });
    let judge = Judge::new(settings(threshold), &record);
    let mut trial = Trial { judge, ..Trial::with_record(world, record) };
    trial.world.start_trial(siskin_simulation::trial::HAND_OVER);
    trial.run_edited(MINUTE, |_, seen| show(seen, before, before));
    trial
}

#[test]
fn a_value_is_compared_with_what_it_was_before_the_trial() {
    let before = Threshold { against: Against::Before, ..at_most(1.5) };
    let mut trial = with_a_record(global(before), Some(40.0));
    readings(&mut trial, 20, Some(56.0), Some(56.0));
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    // What was normal outlives the process.
    trial.judge = Judge::resume(settings(global(before)), &trial.judge.save()).expect("saved");
    readings(&mut trial, 4, Some(80.0), Some(80.0));
    let words = trial.last().finding.to_string();
    let told = "p99: 2 times what it was before the trial is above max 1.5, 4 readings";
    assert!(words.starts_with(told), "{words}");
    // Of pods, a rise that the primary has as well is nobody's.
    let mut trial = with_a_record(before, Some(40.0));
    readings(&mut trial, 10, Some(80.0), Some(80.0));
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    readings(&mut trial, 4, Some(80.0), Some(44.0));
    assert_eq!(trial.last().verdict, Verdict::Fail, "{}", trial.last());
}

#[test]
fn without_a_value_before_the_trial_nothing_is_compared_and_nothing_passes() {
    let before = Threshold { against: Against::Before, ..global(at_most(1.5)) };
    let mut trial = with_a_record(before, None);
    readings(&mut trial, 300, Some(80.0), Some(80.0));
    assert!(trial.never(Verdict::Fail) && trial.never(Verdict::Pass), "{}", trial.last());
    assert!(trial.last().notes.contains(&Note::NothingBefore { metric: Arc::from(NAME) }));
}
