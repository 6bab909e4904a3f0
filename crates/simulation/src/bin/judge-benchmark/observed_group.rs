//! A simulated group that is looked at every few seconds, with its record before the trial.
//! It shows the same to everybody, and judges nothing.

use siskin_analysis::Record;
use siskin_analysis::observation::Observation;

use crate::scenario::Scenario;
use crate::show::{POLL, ShownNames, observe};
use crate::world::World;

/// A group under observation.
#[derive(Debug)]
pub struct ObservedGroup {
    /// Looks before the trial, with metrics.
    pub record: Record,
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
        let mut group = Self { record, world, scenario: *scenario, names: ShownNames::new() };
        while group.now() < 0 {
            let look = group.next_look();
            group.record.push(look);
        }
        group
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
