//! A judge survives a restart: evidence, proofs and margins go on, and nothing is gained by it.

use siskin_analysis::{Doubt, Judge, Note, Record, ResumeError, Verdict};
use siskin_simulation::trial::{ALPHA, Trial, doubt, settings};
use siskin_simulation::{Shape, World};

const MINUTE: i64 = 60_000;

fn resumed(trial: &Trial) -> Trial {
    let judge = Judge::resume(settings(trial.world.shape), &trial.judge.save()).expect("saved");
    Trial { judge, assessments: Vec::new(), ..trial.clone() }
}

#[test]
fn evidence_and_proof_go_on() {
    let mut trial = Trial::begin(Shape { load: 0.85, ..Shape::small() }, 1);
    trial.world.canary().for_each(|pod| pod.health = 0.7);
    trial.run(3 * MINUTE);
    let before = trial.last().clone();
    assert!(before.verdict != Verdict::Fail && before.against.value > 2.0, "{before}");
    let mut again = resumed(&trial);
    again.run(2_000);
    let after = again.last();
    assert!(after.against.value <= before.against.value);
    assert!(after.against.value >= before.against.value * 0.98, "{after:?}");
    assert!((after.proof.value - before.proof.value).abs() <= 0.01 * before.proof.value);
    assert_eq!(
        (after.against.needed, after.windows.length),
        (before.against.needed, before.windows.length)
    );
    assert_eq!(after.stall_wait, before.stall_wait);
    again.run(10 * MINUTE);
    assert!(again.first(Verdict::Fail).is_some(), "{}", again.last());
}

#[test]
fn a_pass_needs_new_data_after_a_restart() {
    let mut trial = Trial::begin(Shape::small(), 2);
    trial.run(3 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass);
    let mut again = resumed(&trial);
    let silent = again.judge.assess(again.world.now, true);
    assert_eq!(doubt(&silent), Some(&Doubt::NoObservation { silent: None }));
    again.run(MINUTE);
    let waited = again.first(Verdict::Pass).expect("passes again") - 3 * 60;
    assert!(waited <= 20, "a proof once given needs only fresh windows, not {waited} s");
}

#[test]
fn saving_loses_a_little_once_and_then_nothing() {
    let mut trial = Trial::begin(Shape::small(), 3);
    trial.run(5 * MINUTE);
    let once = trial.judge.save();
    let judge = Judge::resume(settings(trial.world.shape), &once).expect("saved");
    assert_eq!(judge.save(), once);
}

#[test]
fn two_hundred_partitions_fit_into_sixteen_kibibytes() {
    let shape = Shape { partitions: 400, pods: 2, capacity: 2_000.0, ..Shape::small() };
    let mut world = World::new(shape, 4);
    let mut record = Record::new(600_000);
    world.run(MINUTE, |_, seen| {
        record.push(seen);
    });
    let mut trial = Trial::with_record(world, record);
    trial.world.start_trial(2_000);
    trial.run(3 * MINUTE);
    assert_eq!(trial.world.canary_partitions().len(), 200);
    assert!(trial.last().windows.used > 0);
    let length = trial.judge.save().len();
    println!("{length} bytes");
    assert!(length <= 16 * 1_024, "{length}");
}

#[test]
fn lost_accounts_halve_the_budget() {
    let trial = Trial::begin(Shape::small(), 5);
    let needed = |losses| {
        let judge = Judge::start_over(settings(trial.world.shape), &trial.record, losses);
        let assessment = judge.assess(trial.world.now, true);
        (assessment.against.needed, assessment.notes)
    };
    assert!((needed(0).0 - 2.0 / ALPHA).abs() < 1e-6);
    assert!((needed(1).0 - 4.0 / ALPHA).abs() < 1e-6);
    assert_eq!(needed(0).1, []);
    assert_eq!(needed(1).1, [Note::StartedOver { times: 1 }]);
    // Half of the budget, a quarter, an eighth and so on: together at most all of it.
    let spent: f64 = (0..30).map(|losses| 1.0 / needed(losses).0).sum();
    assert!(spent <= ALPHA, "{spent}");
}

#[test]
fn what_cannot_be_read_is_refused() {
    let settings = settings(Shape::small());
    let refuse = |saved: &str| Judge::resume(settings.clone(), saved).expect_err("not a judge");
    assert!(matches!(refuse(""), ResumeError::Unreadable(_)));
    assert!(matches!(refuse("{}"), ResumeError::Unreadable(_)));
    assert!(matches!(refuse(r#"{"version":9}"#), ResumeError::Version { found: 9 }));
    let mut trial = Trial::begin(Shape::small(), 6);
    trial.run(3 * MINUTE);
    let saved = trial.judge.save();
    let nameless = saved.replace(r#""topics":["orders"]"#, r#""topics":[]"#);
    assert_ne!(nameless, saved);
    assert!(matches!(refuse(&nameless), ResumeError::Inconsistent));
    let impossible = saved.replace(r#""normal":5.0"#, r#""normal":-5.0"#);
    assert_ne!(impossible, saved);
    assert!(matches!(refuse(&impossible), ResumeError::Inconsistent));
    let later = saved.replacen('{', r#"{"addedLater":1,"#, 1);
    assert!(Judge::resume(settings, &later).is_ok(), "unknown fields are ignored");
}

#[test]
fn accounts_that_are_lost_again_have_half_as_much_to_spend_each_time() {
    let mut trial = Trial::begin(Shape::small(), 1);
    trial.run(60_000);
    let needed = |trial: &Trial| trial.judge.assess(trial.world.now, true).against.needed;
    let first = needed(&trial);
    for times in 1..4 {
        // Of another form: what it says of losses is read all the same.
        let saved = trial.judge.save().replacen("\"version\":2", "\"version\":99", 1);
        assert!(Judge::resume(settings(trial.world.shape), &saved).is_err());
        let losses = Judge::times_lost(Some(&saved));
        assert_eq!(losses, times);
        trial.judge = Judge::start_over(settings(trial.world.shape), &trial.record, losses);
        let doubled = first * f64::from(1 << times);
        assert!((needed(&trial) - doubled).abs() < 1e-6 * doubled, "{times}");
    }
    assert_eq!(Judge::times_lost(None), 1, "nothing is left of them");
    assert_eq!(Judge::times_lost(Some("{")), 1, "nothing can be read of them");
}
