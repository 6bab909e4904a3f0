//! The record keeps what it is given, bounded, and says what it made of it. No judge is asked.

use siskin_analysis::{Pushed, Record};
use siskin_simulation::{Shape, World};

#[test]
fn observations_come_back_as_they_went_in() {
    let mut world = World::new(Shape::small(), 1);
    let mut record = Record::new(600_000);
    let mut given = Vec::new();
    world.run(120_000, |world, mut seen| {
        match (world.now / 2_000) % 7 {
            0 => seen.group = None,
            1 => world.rebalance(2_000),
            2 => seen.group.as_mut().expect("an answer").partitions[3].committed = None,
            _ => {}
        }
        given.push(seen.clone());
        assert_eq!(record.push(seen), Pushed::Kept);
    });
    assert_eq!(record.observations().collect::<Vec<_>>(), given);
    assert_eq!(record.latest(), given.last());
}

#[test]
fn it_keeps_its_span_and_no_more() {
    let mut world = World::new(Shape::small(), 2);
    let mut record = Record::new(0);
    world.run(1_800_000, |_, seen| {
        record.push(seen);
    });
    assert_eq!(record.len(), 301, "ten minutes, every two seconds");
    let mut fast = Record::new(600_000);
    let mut seen = world.observe();
    for _ in 0..5_000 {
        seen.at += 100;
        fast.push(seen.clone());
    }
    assert_eq!(fast.len(), 1_200);
}

#[test]
fn late_and_repeated_ones_are_ignored_and_a_clock_set_back_starts_anew() {
    let mut world = World::new(Shape::small(), 3);
    let mut record = Record::new(600_000);
    world.run(60_000, |_, seen| {
        record.push(seen);
    });
    let latest = world.observe();
    let at = |shift| siskin_analysis::observation::Observation {
        at: latest.at + shift,
        ..latest.clone()
    };
    assert_eq!(record.push(at(0)), Pushed::Duplicate);
    assert_eq!(record.push(at(-1)), Pushed::OutOfOrder);
    assert_eq!(record.push(at(-60_000)), Pushed::OutOfOrder);
    assert_eq!(record.len(), 30);
    assert_eq!(record.push(at(-60_001)), Pushed::ClockSetBack);
    assert_eq!(record.len(), 1);
}
