//! Whatever order, doubles and gaps an observation comes with: places, owners and names are those
//! of a map.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lag::column::Place;
use crate::lag::roster::{Roster, SPARE_NAMES};
use crate::observation::{
    GroupObservation, GroupState, MemberCount, Owner, PartitionId, PartitionObservation, Role,
};
use siskin_simulation::random::Random;

fn group(state: GroupState, partitions: Vec<PartitionObservation>) -> GroupObservation {
    GroupObservation { state, epoch: 1, members: MemberCount::default(), partitions }
}

fn row(topic: &str, partition: i32, owner: Owner) -> PartitionObservation {
    let (committed, log_start, log_end) = (None, None, None);
    PartitionObservation { topic: topic.into(), partition, owner, committed, log_start, log_end }
}

fn pod(name: &str, role: Role) -> Owner {
    Owner::Pod { name: name.into(), role }
}

/// Rows of some of the partitions, in any order, some twice.
fn rows(random: &mut Random) -> Vec<PartitionObservation> {
    let mut rows = Vec::new();
    let keep = random.unit();
    for topic in ["a", "b", "c"] {
        for partition in 0..6 {
            let owner = match random.unit() {
                unit if unit < 0.3 => pod("x", Role::Primary),
                unit if unit < 0.6 => pod("y", Role::Primary),
                unit if unit < 0.7 => pod("y", Role::Canary),
                unit if unit < 0.8 => Owner::Nobody,
                _ => Owner::External,
            };
            if random.unit() < keep {
                rows.push(row(topic, partition, owner));
            }
        }
    }
    if random.unit() < 0.5 && !rows.is_empty() {
        rows.push(row("b", 3, Owner::Nobody));
        let half = rows.len() / 2;
        rows.rotate_left(half);
    }
    rows
}

#[test]
fn places_and_owners_are_those_of_a_map() {
    let mut random = Random::spread(3);
    for _ in 0..100 {
        let mut roster = Roster::default();
        // The owner under the last stable assignment.
        let mut model: BTreeMap<PartitionId, Option<(Arc<str>, Role)>> = BTreeMap::new();
        for _ in 0..30 {
            let stable = random.unit() < 0.7;
            let state = if stable { GroupState::Stable } else { GroupState::Rebalancing };
            let seen = group(state, rows(&mut random));
            let before: Vec<PartitionId> = model.keys().cloned().collect();
            let mut shown: BTreeMap<PartitionId, Owner> = BTreeMap::new();
            for row in &seen.partitions {
                let id = PartitionId { topic: row.topic.clone(), partition: row.partition };
                shown.entry(id).or_insert_with(|| row.owner.clone());
            }
            if stable {
                model.retain(|id, _| shown.contains_key(id));
            }
            for id in shown.keys() {
                model.entry(id.clone()).or_default();
            }
            let (listed, moves) = roster.follow(&seen);
            let mut warmth = roster.warmth(&[], 0);
            assert_eq!(roster.len(), model.len());
            for (index, (id, owner)) in model.iter_mut().enumerate() {
                let place = Place::at(index);
                assert_eq!((roster.id(place), roster.place(id)), (id.clone(), Some(place)));
                assert_eq!(
                    moves.before(index).map(|earlier| &before[earlier]),
                    before.iter().find(|it| *it == id)
                );
                assert_eq!(listed.at(place).map(|row| &row.owner), shown.get(id));
                let Some(row) = listed.at(place) else { continue };
                let consumer = roster.consumer(place, &row.owner, &mut warmth);
                let named = consumer.map(|it| (roster.name(it).clone(), it.role));
                let expected = match &shown[id] {
                    Owner::Pod { name, role } => Some((name.clone(), *role)),
                    Owner::External | Owner::Unattributed | Owner::Nobody => None,
                };
                assert_eq!(named, expected);
                if stable {
                    assert_eq!(roster.seat(place, consumer), *owner != expected);
                    *owner = expected;
                }
                let seated = roster.owner(place).cloned().zip(roster.role(place));
                assert_eq!(seated, *owner);
            }
        }
    }
}

#[test]
fn a_pod_is_warm_by_its_age_and_an_unknown_one_is_not() {
    let mut roster = Roster::default();
    let seen = group(GroupState::Stable, vec![row("a", 0, pod("x", Role::Canary))]);
    roster.follow(&seen);
    let mut warmth = roster.warmth(&[], 0);
    let cold = roster.consumer(Place::at(0), &pod("x", Role::Canary), &mut warmth).expect("a pod");
    assert!(!cold.warm);
}

#[test]
fn names_of_pods_that_are_gone_are_dropped() {
    let mut roster = Roster::default();
    for generation in 0..1_000 {
        let name = format!("x-{generation}");
        let seen = group(GroupState::Stable, vec![row("a", 0, pod(&name, Role::Primary))]);
        roster.follow(&seen);
        let mut warmth = roster.warmth(&[], 0);
        let consumer = roster.consumer(Place::at(0), &seen.partitions[0].owner, &mut warmth);
        assert!(roster.seat(Place::at(0), consumer));
        assert_eq!(roster.owner(Place::at(0)).map(|name| &**name), Some(&*name));
    }
    assert!(roster.numbers() <= SPARE_NAMES + 4, "{}", roster.numbers());
}
