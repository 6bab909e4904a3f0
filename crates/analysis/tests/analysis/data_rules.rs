//! The data rules (design: judge, "Data rules"): what must not count as evidence, doesn't.
//! One test per rule, on a small steady group whose observations are bent out of shape.

use siskin_analysis::observation::{GroupState, Millis, Observation, Owner, PartitionObservation};
use siskin_analysis::{Doubt, Note, Verdict};
use siskin_simulation::trial::{Trial, doubt};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;

/// The rows of an observation.
fn rows(seen: &mut Observation) -> &mut Vec<PartitionObservation> {
    &mut seen.group.as_mut().expect("Kafka answered").partitions
}

fn canary_rows(seen: &mut Observation) -> impl Iterator<Item = &mut PartitionObservation> {
    rows(seen)
        .iter_mut()
        .filter(|row| matches!(&row.owner, Owner::Pod { name, .. } if name.contains("canary")))
}

fn passed(seed: u64) -> Trial {
    let mut trial = Trial::begin(Shape::small(), seed);
    trial.run(3 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    trial
}

#[test]
fn a_silent_source_is_no_evidence() {
    let mut trial = passed(1);
    let before = trial.last().signals[0].clone();
    let silent = trial.world.now;
    trial.run_edited(5 * MINUTE, |_, seen| seen.group = None);
    for assessment in trial.assessments.iter().filter(|one| one.at > silent + 3 * 2_000) {
        assert!(matches!(doubt(assessment), Some(Doubt::NoObservation { silent: Some(_) })));
    }
    assert_eq!(trial.last().signals[0], before, "nothing was bet on the lag of silence");
    trial.run(2 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass);
    assert!(trial.never(Verdict::Fail));
}

#[test]
fn without_any_answer_nothing_is_known() {
    let mut trial = Trial::begin(Shape::small(), 2);
    trial.run_edited(MINUTE, |_, seen| seen.group = None);
    assert!(trial.assessments.iter().all(|one| doubt(one).is_some()));
    assert_eq!(doubt(trial.last()), Some(&Doubt::NoObservation { silent: None }));
}

#[test]
fn windows_with_a_rebalance_are_not_bet_on() {
    let mut trial = Trial::begin(Shape::small(), 3);
    let begin = trial.begin;
    trial.run_edited(10 * MINUTE, |world, _| {
        if (world.now - begin) % 20_000 == 0 {
            world.rebalance(8_000);
        }
    });
    assert!(trial.never(Verdict::Fail));
    assert_eq!(trial.last().windows.used, 0);
    assert!(trial.last().windows.without_evidence >= 30);
    let rebalancing =
        trial.assessments.iter().filter(|one| doubt(one) == Some(&Doubt::Rebalancing));
    assert!(rebalancing.count() > 60);
}

#[test]
fn an_unknown_owner_belongs_to_no_role() {
    let mut trial = passed(4);
    trial.run_edited(MINUTE, |_, seen| {
        rows(seen)[0].owner = Owner::Unattributed;
    });
    let expected = Doubt::Unattributed { partitions: 1, of: 12 };
    assert_eq!(doubt(trial.last()), Some(&expected), "one of twelve is more than 5 %");
    trial.run_edited(MINUTE, |_, seen| rows(seen)[0].owner = Owner::External);
    assert_eq!(trial.last().verdict, Verdict::Pass, "external members are somebody else");
}

#[test]
fn a_rewind_is_counted_and_not_judged() {
    let mut trial = passed(5);
    let rewound = trial.world.now + 4_000;
    trial.run_edited(MINUTE, |world, seen| {
        if world.now == rewound {
            canary_rows(seen).for_each(|row| row.committed = row.committed.map(|at| at - 50_000));
        }
    });
    assert!(trial.never(Verdict::Fail));
    assert!(trial.last().notes.contains(&Note::CommitsFell { times: 4 }));
}

#[test]
fn without_traffic_there_is_no_pass() {
    let mut trial = Trial::begin(Shape { load: 0.0, ..Shape::small() }, 6);
    trial.run(10 * MINUTE);
    assert!(trial.never(Verdict::Pass) && trial.never(Verdict::Fail));
    assert_eq!(doubt(trial.last()), Some(&Doubt::LowTraffic { partitions: 4, of: 4 }));
}

#[test]
fn sixty_messages_over_all_partitions_are_enough() {
    let mut trial = Trial::begin(Shape { load: 0.01, ..Shape::small() }, 7);
    trial.run(90_000);
    assert!(trial.never(Verdict::Pass), "{}", trial.last());
    trial.run(5 * MINUTE);
    assert!(!trial.never(Verdict::Pass) && trial.never(Verdict::Fail), "{}", trial.last());
    let said =
        trial.assessments.iter().find(|it| it.verdict == Verdict::Pass).map(ToString::to_string);
    assert!(said.is_some_and(|it| it.starts_with("Pass: canary keeps up: each of the last 50 messages")));
}

#[test]
fn one_idle_partition_holds_nothing_up() {
    let mut trial = Trial::begin(Shape::small(), 8);
    let idle = trial.world.canary_partitions()[0];
    trial.world.partitions[idle].weight = 0.0;
    trial.run(3 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    assert!(trial.last().finding.to_string().contains("1 more"), "{}", trial.last());
}

#[test]
fn records_lost_by_retention_are_reported() {
    let mut trial = passed(9);
    trial.run_edited(MINUTE, |_, seen| {
        let row = canary_rows(seen).next().expect("the canary owns partitions");
        row.log_start = row.committed.map(|committed| committed + 70);
    });
    assert!(trial.never(Verdict::Fail));
    assert!(trial.last().notes.contains(&Note::LostByRetention { records: 70 }));
    assert!(matches!(doubt(trial.last()), Some(Doubt::LagUnknown { .. })));
}

#[test]
fn offsets_that_are_none_are_unknown() {
    for nonsense in [None, Some(-1), Some(i64::MAX), Some(i64::MIN)] {
        let mut trial = Trial::begin(Shape::small(), 10);
        trial.run_edited(5 * MINUTE, |_, seen| {
            canary_rows(seen).for_each(|row| row.committed = nonsense);
        });
        assert!(trial.never(Verdict::Pass), "{nonsense:?}");
        let unknown = matches!(doubt(trial.last()), Some(Doubt::LagUnknown { .. }));
        assert!(unknown || trial.last().verdict == Verdict::Fail, "{}", trial.last());
    }
}

#[test]
fn repeated_and_late_observations_change_nothing() {
    let mut trial = Trial::begin(Shape::small(), 11);
    let mut noisy = trial.judge.clone();
    let mut before: Option<Observation> = None;
    let judge = &mut trial.judge;
    trial.world.run(3 * MINUTE, |world, seen| {
        judge.observe(&seen);
        noisy.observe(&seen);
        noisy.observe(&seen);
        if let Some(before) = before.replace(seen) {
            noisy.observe(&before);
        }
        assert_eq!(judge.assess(world.now, true), noisy.assess(world.now, true));
    });
}

#[test]
fn a_clock_set_back_costs_time_but_no_evidence() {
    let mut trial = passed(12);
    let before = trial.last().against;
    let set_back = |seen: &mut Observation| {
        seen.at -= 60 * MINUTE;
        seen.pods.iter_mut().for_each(|pod| pod.created -= 60 * MINUTE);
    };
    trial.run_edited(2_000, |_, seen| set_back(seen));
    assert_eq!(trial.last().against, before);
    let judge = &mut trial.judge;
    trial.world.run(3 * MINUTE, |_, mut seen| {
        set_back(&mut seen);
        judge.observe(&seen);
    });
    let assessment = judge.assess(trial.world.now - 60 * MINUTE, true);
    assert_eq!(assessment.verdict, Verdict::Pass, "{assessment}");
}

#[test]
fn new_partitions_belong_to_nobody_until_assigned() {
    let mut trial = passed(13);
    trial.world.grow(4);
    trial.run(MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    trial.world.rebalance(4_000);
    trial.run(2 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    assert!(trial.never(Verdict::Fail));
}

#[test]
fn a_topic_made_anew_starts_afresh() {
    let mut trial = passed(14);
    for partition in &mut trial.world.partitions {
        (partition.end, partition.position, partition.committed) = (0, 0, 0);
    }
    trial.run(3 * MINUTE);
    assert!(trial.never(Verdict::Fail));
    assert!(trial.last().notes.iter().any(|note| matches!(note, Note::TopicRecreated { .. })));
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
}

#[test]
fn a_transaction_marker_is_no_lag() {
    let mut trial = passed(15);
    let idle = trial.world.canary_partitions()[0];
    trial.world.partitions[idle].weight = 0.0;
    trial.run(10_000);
    // A last transaction of five records: the marker behind them is visible, never consumed.
    trial.run_edited(10 * MINUTE, |world, seen| {
        let end = world.partitions[idle].end;
        let row = &mut rows(seen)[idle];
        (row.committed, row.log_end) = (Some(end + 5), Some(end + 6));
    });
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
}

#[test]
fn what_everyone_suffers_is_not_the_canarys_fault() {
    for shape in [Shape::small(), Shape { partitions: 4, pods: 2, ..Shape::small() }] {
        let mut trial = Trial::begin(shape, 16);
        trial.world.traffic = 2.0;
        trial.run(15 * MINUTE);
        assert!(trial.never(Verdict::Fail), "{}", trial.last());
        assert!(trial.never(Verdict::Pass), "{}", trial.last());
    }
}

#[test]
fn few_primary_partitions_are_said() {
    let mut trial = Trial::begin(Shape { partitions: 4, pods: 2, ..Shape::small() }, 17);
    trial.run(MINUTE);
    assert!(trial.last().notes.contains(&Note::FewPrimaryPartitions { partitions: 2 }));
}

#[test]
fn a_canary_without_partitions_is_inconclusive() {
    let mut trial = Trial::begin(Shape::small(), 18);
    trial.run_edited(MINUTE, |_, seen| canary_rows(seen).for_each(|row| row.owner = Owner::Nobody));
    assert_eq!(doubt(trial.last()), Some(&Doubt::NoPartition));
    trial.run_edited(MINUTE, |_, seen| {
        let group = seen.group.as_mut().expect("Kafka answered");
        group.state = GroupState::Empty;
    });
    assert_eq!(doubt(trial.last()), Some(&Doubt::NoPartition));
    assert!(trial.never(Verdict::Pass) && trial.never(Verdict::Fail));
}

#[test]
fn young_pods_are_not_compared() {
    let mut trial = Trial::begin(Shape::small(), 19);
    trial.run(24_000);
    assert_eq!(doubt(trial.last()), Some(&Doubt::WarmingUp { remaining: 6_000 }));
    assert_eq!(trial.last().windows.used, 0);
}

#[test]
fn without_a_record_defaults_are_used_and_said() {
    let mut world = World::new(Shape::small(), 20);
    world.start_trial(0);
    let mut trial = Trial::with_record(world, siskin_analysis::Record::new(0));
    trial.run(MINUTE);
    assert!(trial.last().notes.contains(&Note::NoRecord));
    assert!(trial.last().notes.contains(&Note::DefaultStallTime { wait: 60_000 }));
    assert_eq!(trial.last().stall_wait, 60_000);
}
