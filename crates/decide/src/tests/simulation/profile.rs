//! What may happen in a world: few worlds see everything, so that most things have a sequel.
//! Draws the lots once, at the beginning; what happens is for others to say.

use super::shape::Shape;
use super::weather::{Climate, Drain};
use super::world::Nature;
use siskin_simulation::random::Random;

#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent kinds of weather")]
pub(super) struct Profile {
    /// Nothing here is the fault of a version: none may be rejected.
    pub(super) benign: bool,
    /// Counts change: the target's, the `CanaryRollout`'s, the ceiling.
    pub(super) scaling: bool,
    /// Objects are deleted, edited by hand, restored from a backup; pods crash.
    pub(super) vandals: bool,
    /// `CanaryRollout`s are deleted, and made anew.
    pub(super) deletion: bool,
    /// Commands, bypass, suspending.
    pub(super) people: bool,
    /// The operator dies, loses its lease, loses races, sleeps for an hour.
    pub(super) crashes: bool,
    /// `kubectl rollout restart` of the target, and pausing it.
    pub(super) restarts: bool,
    /// Autoscalers come, go and are edited.
    pub(super) autoscaled: bool,
    /// Quotas, dead nodes, finalizers, outages of all pods: what the cluster does to everybody.
    pub(super) troubles: bool,
    /// Policies refuse writes.
    pub(super) refusals: bool,
    /// The clock of the operator's machine is set, forward and back.
    pub(super) clock: bool,
    /// Largest count that anybody asks for.
    pub(super) size: u32,
    pub(super) climate: Climate,
    /// The target's strategy.
    pub(super) shape: Shape,
    /// In percent: Good, Bad, Crashing, Weak; the rest is Stuck.
    mix: [u32; 4],
}

impl Profile {
    pub(super) fn of(dice: &mut Random) -> Self {
        let benign = dice.percent(25);
        let size = match dice.below(100) {
            0..=77 => 6,
            78..=95 => 20,
            96 | 97 => 40,
            _ => 100,
        };
        let mix = dice.pick(&[
            [90, 2, 2, 2],
            [10, 60, 10, 10],
            [10, 10, 60, 10],
            [20, 10, 10, 50],
            [20, 10, 10, 10],
            [40, 20, 15, 15],
        ]);
        Self {
            benign,
            scaling: dice.percent(40),
            vandals: !benign && dice.percent(40),
            deletion: dice.percent(35),
            people: !benign && dice.percent(50),
            crashes: dice.percent(70),
            restarts: dice.percent(25),
            troubles: dice.percent(25),
            refusals: dice.percent(15),
            clock: !benign && dice.percent(10),
            autoscaled: dice.percent(20),
            size,
            climate: Climate::of(dice),
            shape: if 20 < size { Shape::of_fleet(dice) } else { Shape::of(dice) },
            mix: if benign { [100, 0, 0, 0] } else { mix },
        }
    }

    /// What of it a run must have seen.
    pub(super) fn traits(&self) -> impl Iterator<Item = &'static str> {
        let Climate { start, drain, min_ready } = self.climate;
        let all = [
            ("a fleet of a hundred", self.size == 100),
            ("percent of N", self.shape.is_by_percent()),
            ("minReadySeconds", 0 < min_ready),
            ("slow starts", 0 < start),
            ("slow ends", drain == Drain::Slow),
        ];
        all.into_iter().filter_map(|(name, has)| has.then_some(name))
    }

    /// Nothing happens that is not asked for.
    pub(super) const fn calm(size: u32, climate: Climate, shape: Shape) -> Self {
        Self {
            benign: true,
            scaling: false,
            vandals: false,
            deletion: false,
            people: false,
            crashes: false,
            restarts: false,
            autoscaled: false,
            troubles: false,
            refusals: false,
            clock: false,
            size,
            climate,
            shape,
            mix: [100, 0, 0, 0],
        }
    }

    pub(super) fn nature(&self, dice: &mut Random) -> Nature {
        let [good, bad, crashing, weak] = self.mix;
        match dice.below(100) {
            it if it < good => Nature::Good,
            it if it < good + bad => Nature::Bad,
            it if it < good + bad + crashing => Nature::Crashing,
            it if it < good + bad + crashing + weak => Nature::Weak,
            _ => Nature::Stuck,
        }
    }
}
