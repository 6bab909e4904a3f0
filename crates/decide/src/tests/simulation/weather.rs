//! What the cluster makes of time: how long pods take to start and to leave, whether there is room.
//! The same in storm and calm; only promptness differs.

use siskin_simulation::random::Random;

/// How pods of a world come and go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Climate {
    /// Seconds that the slowest pod takes to start.
    pub(super) start: u32,
    /// Seconds that a pod takes to leave.
    pub(super) drain: Drain,
    /// `minReadySeconds` of the target.
    pub(super) min_ready: u32,
}

/// How long a pod takes to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drain {
    /// A tick or two.
    Quick,
    /// One in four works off what it has taken: a quarter of an hour.
    Slow,
}

/// One tick of one Deployment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) climate: Climate,
    pub(super) seconds: u32,
    /// Controllers are not behind.
    pub(super) prompt: bool,
    /// No pod can be made: a quota is full, a webhook is down.
    pub(super) blocked: bool,
}

impl Climate {
    pub(super) fn of(dice: &mut Random) -> Self {
        Self {
            start: dice.pick(&[0, 0, 0, 30, 60]),
            drain: if dice.one_in(6) { Drain::Slow } else { Drain::Quick },
            min_ready: dice.pick(&[0, 0, 0, 0, 10, 30]),
        }
    }
}

impl Weather {
    /// Seconds until a new pod may be Ready.
    pub(super) const fn start(&self, dice: &mut Random) -> u32 {
        match self.climate.start {
            0 => 0,
            most => most / 2 + dice.below(most / 2 + 1),
        }
    }

    /// Seconds until a pod that was asked to leave is gone.
    pub(super) const fn drain(&self, dice: &mut Random) -> u32 {
        match self.climate.drain {
            Drain::Slow if dice.one_in(4) => 300 + dice.below(600),
            Drain::Slow | Drain::Quick => 1 + dice.below(30),
        }
    }
}
