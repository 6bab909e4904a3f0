//! Summaries and the preflight's question, on groups whose figures are known. No judge is asked.

use siskin_analysis::observation::{GroupState, Observation, Owner};
use siskin_analysis::{Record, Unsteady, primary_steady, summarize};
use siskin_simulation::trial::Trial;
use siskin_simulation::{Shape, World};

fn recorded(world: &mut World, span: i64, edit: impl Fn(&mut Observation)) -> Record {
    let mut record = Record::new(600_000);
    world.run(span, |_, mut seen| {
        edit(&mut seen);
        record.push(seen);
    });
    record
}

#[test]
fn shares_throughput_and_lag_per_role() {
    let shape = Shape { load: 0.5, ..Shape::small() };
    let mut trial = Trial::begin(shape, 1);
    let record = recorded(&mut trial.world, 120_000, |_| {});
    let summary = summarize(&record);
    assert_eq!((summary.primary.members, summary.canary.members), (2, 1));
    assert_eq!((summary.primary.partitions, summary.canary.partitions), (8, 4));
    assert!((summary.canary.partition_share - 1.0 / 3.0).abs() < 1e-9);
    let messages = summary.canary.message_share.expect("messages flow");
    assert!((messages - 0.33).abs() < 0.1, "{messages}");
    let throughput = summary.primary.throughput.expect("a minute was seen");
    assert!((throughput - 60.0).abs() < 15.0, "two thirds of 90 msg/s, not {throughput}");
    assert!(summary.canary.lag_seconds.expect("known") < 3.0);
    assert!(!summary.canary.lag_is_lower_bound);
    let waiting: i64 = trial.world.partitions.iter().map(|one| one.end - one.committed).sum();
    let sum = summary.primary.lag_messages.zip(summary.canary.lag_messages);
    assert_eq!(sum.map(|(a, b)| a + b), Some(waiting));
}

#[test]
fn a_backlog_is_as_old_as_it_is_or_at_least_as_old_as_was_watched() {
    let mut trial = Trial::begin(Shape::small(), 2);
    trial.run(60_000);
    trial.world.canary().for_each(|pod| pod.health = 0.0);
    let mut record = Record::new(600_000);
    trial.world.run(120_000, |_, seen| {
        record.push(seen);
    });
    let canary = summarize(&record).canary;
    assert!(canary.lag_is_lower_bound, "the last commit was before the record");
    assert!((116.0..=120.0).contains(&canary.lag_seconds.expect("known")), "{canary:?}");
    trial.world.canary().for_each(|pod| pod.health = 1.0);
    trial.world.run(40_000, |_, seen| {
        record.push(seen);
    });
    let canary = summarize(&record).canary;
    assert!(!canary.lag_is_lower_bound, "{canary:?}");
}

#[test]
fn unattributed_and_external_members_are_counted_apart() {
    let mut world = World::new(Shape::small(), 3);
    let record = recorded(&mut world, 10_000, |seen| {
        let group = seen.group.as_mut().expect("an answer");
        (group.members.external, group.members.unattributed) = (2, 1);
        group.partitions[0].owner = Owner::Unattributed;
        group.partitions[1].owner = Owner::External;
        group.partitions[2].owner = Owner::Nobody;
    });
    let summary = summarize(&record);
    assert_eq!((summary.external_members, summary.unattributed_members), (2, 1));
    assert!((summary.unattributed_share - 1.0 / 11.0).abs() < 1e-9);
}

#[test]
fn nothing_is_made_up_for_an_empty_record() {
    let summary = summarize(&Record::new(0));
    assert_eq!(
        (summary.at, summary.canary.throughput, summary.canary.lag_seconds),
        (None, None, None)
    );
}

#[test]
fn a_steady_primary_may_be_compared_with() {
    let mut world = World::new(Shape::small(), 4);
    let record = recorded(&mut world, 300_000, |_| {});
    assert_eq!(primary_steady(&record, world.now), Ok(()));
    assert_eq!(primary_steady(&record, world.now + 59_000), Ok(()));
    assert_eq!(primary_steady(&record, world.now + 61_000), Err(Unsteady::NoObservation));
}

#[test]
fn an_unsteady_primary_says_why() {
    let mut world = World::new(Shape::small(), 5);
    let now = world.now + 60_000;
    let silent = recorded(&mut world.clone(), 60_000, |seen| seen.group = None);
    assert_eq!(primary_steady(&silent, now), Err(Unsteady::NoObservation));
    let moving = recorded(&mut world.clone(), 60_000, |seen| {
        seen.group.as_mut().expect("an answer").state = GroupState::Rebalancing;
    });
    assert_eq!(primary_steady(&moving, now), Err(Unsteady::NotStable));
    let absent = recorded(&mut world, 60_000, |seen| {
        seen.group.as_mut().expect("an answer").members.primary = 0;
    });
    assert_eq!(primary_steady(&absent, now), Err(Unsteady::PrimaryNotInGroup));
}

#[test]
fn a_primary_with_a_growing_backlog_is_not_steady() {
    let mut world = World::new(Shape::small(), 6);
    let mut record = recorded(&mut world, 300_000, |_| {});
    world.pods[0].health = 0.2;
    world.run(120_000, |_, seen| {
        record.push(seen);
    });
    let unsteady = primary_steady(&record, world.now).expect_err("a pod is far behind");
    assert!(matches!(unsteady, Unsteady::Behind { lag_seconds, .. } if lag_seconds > 30.0));
    assert!(unsteady.to_string().starts_with("the primary is up to 2 min behind"), "{unsteady}");
}
