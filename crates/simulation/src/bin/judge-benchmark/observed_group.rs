//! A simulated group that is looked at every few seconds, with its record before the trial.
//! It shows the same to everybody, and judges nothing.

use siskin_analysis::observation::Observation;
use siskin_analysis::{PrimaryMemory, RECORD_SPAN, Record, Remembered};

use crate::scenario::Scenario;
use crate::show::{POLL, START, ShownNames, observe};
use crate::world::World;

/// A group under observation.
#[derive(Debug)]
pub struct ObservedGroup {
    /// Looks before the trial, with metrics.
    pub record: Record,
    /// What is remembered of the time before that record.
    pub remembered: Remembered,
    /// The group itself.
    pub world: World,
    scenario: Scenario,
    names: ShownNames,
}

impl ObservedGroup {
    /// A group whose trial begins with the next second.
    pub fn before_trial(scenario: &Scenario, seed: u64) -> Self {
        let record = Record::new(scenario.record * 1_000);
        let world = World::new(scenario, seed);
        let (names, remembered) = (ShownNames::new(), Remembered::default());
        let mut group = Self { record, remembered, world, scenario: *scenario, names };
        group.remember();
        while group.now() < 0 {
            let look = group.next_look();
            group.record.push(look);
        }
        group
    }

    /// Lets the time before the record pass, spell by spell.
    fn remember(&mut self) {
        let mut memory = PrimaryMemory::default();
        let mut spell = Record::new(RECORD_SPAN);
        while self.now() < -self.scenario.record {
            let look = self.next_look();
            spell.push(look);
            if (self.now() + self.scenario.record) % (RECORD_SPAN / 1_000) == 0 {
                memory.take(POLL * 1_000, &spell);
            }
        }
        self.remembered = memory.teaches(START);
    }

    /// Seconds of the looks of the record.
    pub fn recorded(&self) -> impl Iterator<Item = i64> {
        (POLL - self.scenario.record..).step_by(POLL as usize)
    }

    /// Seconds into the trial.
    pub const fn now(&self) -> i64 {
        self.world.now
    }

    /// Lets time pass until the next look.
    pub fn next_look(&mut self) -> Observation {
        (0..POLL).for_each(|_| self.world.step());
        observe(&mut self.world, &self.scenario, &mut self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::BASE;
    use crate::scenario::HealthyTrouble;

    #[test]
    fn three_hours_teach_what_pods_did_once_in_them() {
        let trouble = HealthyTrouble::Blocks { every: 3_600.0, seconds: 60 };
        let scenario = Scenario { trouble, remembered: 10_800, ..BASE };
        let taught = |scenario: &Scenario| ObservedGroup::before_trial(scenario, 1).remembered;
        let gap = taught(&scenario).commit_gap;
        assert!(gap.is_some_and(|gap| (50_000..90_000).contains(&gap)), "{gap:?}");
        assert_eq!(taught(&Scenario { remembered: 0, ..scenario }), Remembered::default());
    }
}
