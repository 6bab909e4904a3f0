//! Accounts with user metrics survive a restart, stay small, and older ones are still read.
//! The golden accounts were saved by a build that knew no user metric.

use std::collections::BTreeMap;
use std::sync::Arc;

use siskin_analysis::observation::{Millis, Observation, UserReading};
use siskin_analysis::{
    Against, Judge, MOST_USER_METRICS, Record, ResumeError, Scope, Settings, Signal, Threshold,
    UserMetric, UserRule, Verdict,
};
use siskin_simulation::pod::{USER, Work};
use siskin_simulation::trial::{Trial, judged_by, settings};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;
const FORM_2: &str = include_str!("../golden/accounts-form-2.json");
const VALUE: Threshold = Threshold {
    min: None,
    max: Some(0.5),
    failure_limit: 3,
    against: Against::Absolute,
    scope: Scope::Pods,
};

fn shape() -> Shape {
    Shape { metrics: true, pauses: false, user: [Some(0.01), None], ..Shape::default() }
}

fn metric(name: &str, rule: UserRule) -> UserMetric {
    UserMetric { name: Arc::from(name), rule }
}

fn with_user() -> Settings {
    let both = [metric(USER[0], UserRule::Ratio), metric("p99", UserRule::Threshold(VALUE))];
    judged_by(shape(), &both)
}

fn suspected() -> Trial {
    let mut trial = Trial::begin_by(&with_user(), shape(), 1);
    let work = Work { user: [Some(0.016), None], ..Work::default() };
    trial.world.canary().for_each(|pod| pod.work = work);
    trial.run(6 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    trial
}

#[test]
fn evidence_by_a_user_ratio_goes_on() {
    let trial = suspected();
    let saved = trial.judge.save();
    assert!(saved.starts_with(r#"{"version":3,"#), "no build without user metrics may read it");
    let again = Judge::resume(with_user(), &saved).expect("saved");
    let user = |saved: &str| {
        let form: serde_json::Value = serde_json::from_str(saved).expect("JSON");
        (form["signals"]["user"].clone(), form["signals"]["bounds"].clone())
    };
    assert_eq!(user(&again.save()), user(&saved));
    let after = again.assess(trial.world.now, true);
    assert_eq!(after.blind, trial.last().blind);
    let of = |assessment: &siskin_analysis::Assessment| {
        let signal = Signal::User(Arc::from(USER[0]));
        let found = assessment.signals.iter().find(|it| it.signal == signal).expect("available");
        (found.evidence, found.weight)
    };
    let ((before, weight), (after, same)) = (of(trial.last()), of(&after));
    assert!(after <= before && before * 0.97 <= after, "{before} {after}");
    assert!((weight - same).abs() < 1e-12);
}

/// Without its accounts the weights of the others would be larger than while they were gathered.
#[test]
fn accounts_of_a_metric_that_is_not_defined_any_more_are_refused() {
    let saved = suspected().judge.save();
    let refused = |user: &[UserMetric]| {
        let error = Judge::resume(judged_by(shape(), user), &saved).expect_err("another trial");
        let ResumeError::UserMetric(name) = error else { panic!("{error}") };
        name.to_string()
    };
    let ratio = metric(USER[0], UserRule::Ratio);
    let value = metric("p99", UserRule::Threshold(VALUE));
    assert_eq!(refused(std::slice::from_ref(&value)), USER[0]);
    assert_eq!(refused(std::slice::from_ref(&ratio)), "p99");
    let renamed = metric("checkout", UserRule::Ratio);
    assert_eq!(refused(&[renamed, value]), USER[0]);
    let now_a_ratio = metric("p99", UserRule::Ratio);
    assert_eq!(refused(&[ratio, now_a_ratio]), "p99");
}

#[test]
fn accounts_of_form_two_resume_without_user_metrics_and_with_them() {
    let plain = settings(Shape { user: [None; 2], ..shape() });
    let again = Judge::resume(plain, FORM_2).expect("form 2");
    assert_eq!(again.save(), FORM_2, "and are written as they were");
    let before = again.assess(0, true);
    let again = Judge::resume(with_user(), FORM_2).expect("form 2");
    let after = again.assess(0, true);
    assert_eq!(after.against, before.against, "no weight moves");
    let user = [USER[0], "p99"].map(|name| Signal::User(Arc::from(name)));
    let blind: Vec<Signal> = [Signal::Cpu, Signal::Duplicates].into_iter().chain(user).collect();
    assert_eq!(after.blind, blind, "the ratio has no accounts, the threshold no reading yet");
}

/// Two hundred partitions on ten pods, all signals, ten ratios with names of 63 bytes.
#[test]
fn ten_user_metrics_fit_into_sixteen_kibibytes_too() {
    let long = |place: usize| format!("{place:0>63}");
    let user: Vec<UserMetric> =
        (0..MOST_USER_METRICS).map(|place| metric(&long(place), UserRule::Ratio)).collect();
    let show = |seen: &mut Observation| {
        for metrics in seen.pods.iter_mut().filter_map(|pod| pod.metrics.as_mut()) {
            let (events, total) = (metrics.errors, metrics.consumed);
            let reading = UserReading { events, total, value: None };
            let all = (0..MOST_USER_METRICS).map(|place| (Arc::from(long(place)), reading));
            metrics.user = all.collect::<BTreeMap<_, _>>();
        }
    };
    let big = Shape { partitions: 400, pods: 20, ..shape() };
    let mut world = World::new(big, 20);
    let mut record = Record::new(600_000);
    world.run(2 * MINUTE, |_, mut seen| {
        show(&mut seen);
        record.push(seen);
    });
    for index in 10..20 {
        let now = world.now;
        let pod = &mut world.pods[index];
        (pod.role, pod.created) = (siskin_analysis::observation::Role::Canary, now);
        pod.name = Arc::from(format!("a-service-canary-7d9f8b6c5-{index:05}"));
    }
    world.rebalance(2_000);
    let judge = Judge::new(judged_by(big, &user), &record);
    let mut trial = Trial { judge, ..Trial::with_record(world, record) };
    trial.run_edited(7 * MINUTE, |_, seen| show(seen));
    assert_eq!(trial.last().blind, [Signal::Cpu]);
    let length = trial.judge.save().len();
    println!("{length} bytes");
    assert!(length <= 16 * 1_024, "{length}");
}
