//! The order of rows, doubles and new strings for old names mean nothing, whatever happens to the
//! group: partitions that come and go, owners that change, rebalances that show no partition.

use std::sync::Arc;

use siskin_analysis::observation::{GroupState, Observation, Owner};
use siskin_analysis::{Judge, Record};
use siskin_simulation::large::{Large, settings};

/// Numbers that look random (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).expect("small")).expect("small")
    }
}

/// Something happens to the group.
fn bend(seen: &mut Observation, numbers: &mut Numbers, gone: &mut usize) {
    let group = seen.group.as_mut().expect("a group");
    match numbers.below(40) {
        0 => *gone = numbers.below(12),
        1 => group.state = GroupState::Rebalancing,
        2 => {
            group.state = GroupState::Rebalancing;
            group.partitions.truncate(numbers.below(20));
        }
        3 => group.epoch += 1,
        4 => group.partitions.iter_mut().step_by(7).for_each(|row| row.owner = Owner::Unattributed),
        5 => group.partitions.iter_mut().step_by(5).for_each(|row| row.committed = None),
        6 => group.partitions.iter_mut().step_by(9).for_each(|row| row.log_end = None),
        7 => group.partitions.rotate_left(3),
        8 => group.partitions.iter_mut().step_by(3).for_each(|row| row.log_end = Some(5)),
        _ => {}
    }
    let left = group.partitions.len().saturating_sub(*gone);
    group.partitions.truncate(left);
}

/// The same, as another source might tell it. Of doubles the first one counts.
fn told_otherwise(seen: &Observation, numbers: &mut Numbers) -> Observation {
    let mut seen = seen.clone();
    let group = seen.group.as_mut().expect("a group");
    for _ in 0..group.partitions.len() {
        let (a, b) = (numbers.below(group.partitions.len()), numbers.below(group.partitions.len()));
        group.partitions.swap(a, b);
    }
    if let Some(double) = group.partitions.first().cloned() {
        group.partitions.push(double);
    }
    for row in &mut group.partitions {
        row.topic = Arc::from(&*row.topic);
    }
    seen
}

#[test]
fn a_judge_is_told_the_same_in_any_order() {
    for seed in 1..=6 {
        let mut numbers = Numbers(seed);
        let mut group = Large::new(60, 12);
        let mut record = Record::new(600_000);
        for _ in 0..60 {
            record.push(group.observe());
        }
        let mut judge = Judge::new(settings(), &record);
        let mut other = judge.clone();
        let mut gone = 0;
        for poll in 0..150 {
            let mut seen = group.observe();
            bend(&mut seen, &mut numbers, &mut gone);
            judge.observe(&seen);
            other.observe(&told_otherwise(&seen, &mut numbers));
            let (told, otherwise) = (judge.assess(seen.at, true), other.assess(seen.at, true));
            assert_eq!(told, otherwise, "seed {seed}, poll {poll}");
            assert_eq!(judge.save(), other.save(), "seed {seed}, poll {poll}");
        }
    }
}
