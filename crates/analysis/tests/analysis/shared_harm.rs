//! A group that falls behind after the canary grew holds the trial; it never fails the canary, since
//! a burst of producers looks the same.

use siskin_analysis::observation::Millis;
use siskin_analysis::{Assessment, Doubt, Judge, Verdict};
use siskin_simulation::Shape;
use siskin_simulation::trial::{Trial, doubt, settings};

const MINUTE: Millis = 60_000;

fn falls_behind(assessment: &Assessment) -> bool {
    matches!(doubt(assessment), Some(Doubt::GroupFallsBehind { .. }))
}

/// All pods become slower when the canary joins: it may exhaust a database that all of them use.
fn slow(trial: &mut Trial, health: f64) {
    trial.world.pods.iter_mut().for_each(|pod| pod.health = health);
}

fn harmed(seed: u64) -> Trial {
    let mut trial = Trial::begin(Shape::small(), seed);
    slow(&mut trial, 0.55);
    trial
}

#[test]
fn growth_after_the_canary_came_holds_until_it_is_caught_up_with() {
    let mut trial = harmed(1);
    trial.run(12 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    let found = trial.assessments.iter().find(|one| falls_behind(one)).expect("found");
    assert!((found.at - trial.begin) <= 6 * MINUTE, "{found}");
    let text = found.to_string();
    assert!(
        text.contains("canary and primary alike") && text.contains("since the canary"),
        "{text}"
    );
    let after = trial.assessments.iter().filter(|one| one.at >= found.at);
    assert!(after.clone().all(|one| one.verdict == Verdict::Inconclusive), "{}", trial.last());
    slow(&mut trial, 1.2);
    trial.run(15 * MINUTE);
    assert!(!falls_behind(trial.last()), "{}", trial.last());
}

#[test]
fn it_is_not_forgotten_by_a_restart() {
    let mut trial = harmed(2);
    trial.run(8 * MINUTE);
    assert!(falls_behind(trial.last()), "{}", trial.last());
    slow(&mut trial, 0.7);
    let judge = Judge::resume(settings(trial.world.shape), &trial.judge.save()).expect("saved");
    let mut again = Trial { judge, assessments: Vec::new(), ..trial };
    again.run(3 * MINUTE);
    assert!(again.never(Verdict::Pass), "{}", again.last());
}

#[test]
fn growth_long_after_the_canary_grew_is_not_its_doing() {
    let mut trial = Trial::begin(Shape::small(), 3);
    trial.run(10 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    slow(&mut trial, 0.55);
    trial.run(10 * MINUTE);
    assert!(!trial.assessments.iter().any(falls_behind), "{}", trial.last());
}

#[test]
fn a_short_burst_holds_nothing_up() {
    let mut trial = Trial::begin(Shape::small(), 4);
    trial.world.traffic = 1.55;
    trial.run(2 * MINUTE);
    trial.world.traffic = 1.0;
    trial.run(8 * MINUTE);
    assert!(!trial.assessments.iter().any(falls_behind), "{}", trial.last());
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
}
