//! The hand-over guard: a canary that goes back by far more than a minute of traffic fails, whenever
//! that is; what looks like it and is nobody's fault, or everybody's, doesn't.

use siskin_analysis::observation::{GroupState, Millis, Observation, Owner, PartitionObservation};
use siskin_analysis::{Doubt, Fault, Judge, Record, Verdict};
use siskin_simulation::trial::{Trial, doubt, fault, settings};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;
/// Records of one partition in an hour, about: 60 messages a second per pod, 0.7 of it, 4 partitions.
const AN_HOUR: i64 = 37_800;

fn go_back(world: &mut World, records: i64) {
    for index in world.canary_partitions() {
        let partition = &mut world.partitions[index];
        partition.position -= records;
        partition.committed = partition.position;
    }
}

fn rows(seen: &mut Observation) -> impl Iterator<Item = &mut PartitionObservation> {
    seen.group.as_mut().expect("Kafka answered").partitions.iter_mut()
}

fn rewound(trial: &Trial) -> i64 {
    let found = trial.assessments.iter().find_map(fault).expect("found");
    let Fault::Rewound { partition, pod, records } = found else { panic!("{found}") };
    let mine = trial.world.canary_partitions();
    assert!(mine.contains(&usize::try_from(partition.partition).expect("small")), "{found}");
    assert_eq!((&**pod, found.is_guard()), ("worker-canary-0", true));
    *records
}

#[test]
fn an_hour_done_again_is_found_at_the_hand_over() {
    for shape in [Shape::small(), Shape { commit: 5_000, poll: 10_000, ..Shape::small() }] {
        let mut trial = Trial::begin(shape, 1);
        go_back(&mut trial.world, AN_HOUR);
        trial.run(2 * MINUTE);
        let records = rewound(&trial);
        assert!((AN_HOUR / 2..=AN_HOUR + 1_000).contains(&records), "{records}");
        let found = trial.first(Verdict::Fail).expect("found");
        assert!(found <= 75, "{found} s");
    }
}

#[test]
fn it_is_found_later_too_and_at_the_next_hand_over() {
    for hand_over in [false, true] {
        let mut trial = Trial::begin(Shape::small(), 2);
        trial.run(5 * MINUTE);
        assert!(trial.never(Verdict::Fail), "{}", trial.last());
        if hand_over {
            trial.world.rebalance(4_000);
        }
        go_back(&mut trial.world, AN_HOUR);
        trial.run(2 * MINUTE);
        rewound(&trial);
    }
}

#[test]
fn less_than_a_minute_of_traffic_is_a_batch_done_again() {
    let busy = Shape { capacity: 600.0, ..Shape::small() };
    for (shape, records) in [(Shape::small(), 950), (busy, 5_500)] {
        let mut trial = Trial::begin(shape, 3);
        go_back(&mut trial.world, records);
        trial.run(5 * MINUTE);
        let guard = trial.assessments.iter().filter_map(fault).any(Fault::is_guard);
        assert!(!guard, "{records}: {}", trial.last());
    }
}

#[test]
fn an_unhealthy_primary_is_not_compared_with() {
    let mut trial = Trial::begin(Shape::small(), 4);
    trial.healthy = false;
    go_back(&mut trial.world, AN_HOUR);
    trial.run(2 * MINUTE);
    assert!(trial.never(Verdict::Fail) && trial.never(Verdict::Pass));
    let Some(Doubt::PrimaryUnhealthy { suspicion: Some(fault) }) = doubt(trial.last()) else {
        panic!("{}", trial.last());
    };
    assert!(matches!(**fault, Fault::Rewound { .. }), "{fault}");
}

/// A broker that lost commits shows old ones, of every partition, until the next commits.
#[test]
fn what_a_broker_forgot_is_nobodys_rewind() {
    let mut trial = Trial::begin(Shape::small(), 5);
    trial.run(3 * MINUTE);
    let mut looks = 0;
    trial.run_edited(3 * MINUTE, |_, seen| {
        looks += 1;
        if (5..20).contains(&looks) {
            rows(seen).for_each(|row| row.committed = row.committed.map(|it| it - AN_HOUR));
        }
    });
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
}

/// Nobody consumes, somebody sets the offsets back, everybody starts again.
#[test]
fn offsets_that_were_set_back_in_an_empty_group_are_no_rewind() {
    let mut trial = Trial::begin(Shape::small(), 7);
    trial.run(3 * MINUTE);
    trial.run_edited(20_000, |_, seen| {
        rows(seen).for_each(|row| row.owner = Owner::Nobody);
        seen.group.as_mut().expect("Kafka answered").state = GroupState::Empty;
    });
    for partition in &mut trial.world.partitions {
        partition.position -= AN_HOUR;
        partition.committed = partition.position;
    }
    trial.run(3 * MINUTE);
    let guard = trial.assessments.iter().filter_map(fault).any(Fault::is_guard);
    assert!(!guard, "{}", trial.last());
}

/// As a cooperative rebalance does it: taken from one, and given to the other some polls later.
#[test]
fn a_partition_that_nobody_had_for_a_while_is_remembered() {
    let mut trial = Trial::begin(Shape::small(), 8);
    trial.run(3 * MINUTE);
    let mine = trial.world.canary_partitions()[0];
    let mut looks = 0;
    trial.run_edited(2 * MINUTE, |world, seen| {
        looks += 1;
        let group = seen.group.as_mut().expect("Kafka answered");
        group.epoch += u64::from(looks >= 4) + u64::from(looks >= 8);
        if (4..8).contains(&looks) {
            group.partitions[mine].owner = Owner::Nobody;
        }
        if looks == 6 {
            go_back(world, AN_HOUR);
        }
    });
    rewound(&trial);
}

/// An application that rebuilds its state goes back with every assignment, in each version.
#[test]
fn what_the_primary_does_too_is_how_it_works() {
    let mut world = World::new(Shape::small(), 6);
    let mut record = Record::new(600_000);
    world.run(5 * MINUTE, |_, seen| {
        record.push(seen);
    });
    let partition = &mut world.partitions[0];
    (partition.position, partition.committed) =
        (partition.position - 2_000, partition.committed - 2_000);
    world.run(5 * MINUTE, |_, seen| {
        record.push(seen);
    });
    let mut trial = Trial::with_record(world, record);
    let restarted = Judge::resume(settings(Shape::small()), &trial.judge.save()).expect("saved");
    trial.world.start_trial(6_000);
    let mut again = Trial { judge: restarted, ..trial.clone() };
    for trial in [&mut trial, &mut again] {
        trial.run(20_000);
        go_back(&mut trial.world, AN_HOUR);
        trial.run(2 * MINUTE);
        let guard = trial.assessments.iter().filter_map(fault).any(Fault::is_guard);
        assert!(!guard, "{}", trial.last());
    }
}
