//! A level around 1 that wanders: the exponential of an AR(1) process, step by step.
//! Knows no time: how long a step is, its maker knows.

use crate::random::Random;

/// A level that forgets where it was.
#[derive(Clone, Debug)]
pub struct Wander {
    /// Part of the logarithm that is left after a step.
    keep: f64,
    /// Standard deviation of what a step adds to it.
    jump: f64,
    /// Whether a step draws a number although it changes nothing.
    draws: bool,
    ln: f64,
    level: f64,
}

impl Wander {
    /// A level that begins anywhere: `deviation` is the standard deviation of its logarithm, `memory`
    /// the steps in which it forgets. Draws two numbers; and none in a step if it stands still.
    pub fn new(deviation: f64, memory: f64, random: &mut Random) -> Self {
        let ln = deviation * random.normal();
        let begun = Self::from_one(deviation, memory);
        Self { draws: deviation > 0.0, ln, level: ln.exp(), ..begun }
    }

    /// A level that begins at 1. Draws in each step, even if it stands still: groups that differ in
    /// `deviation` alone draw the same numbers for everything else.
    #[must_use]
    pub fn from_one(deviation: f64, memory: f64) -> Self {
        let keep = (-1.0 / memory).exp();
        let jump = deviation * (1.0 - keep * keep).sqrt();
        Self { keep, jump, draws: true, ln: 0.0, level: 1.0 }
    }

    /// A level that stays at 1. Draws nothing.
    #[must_use]
    pub const fn still() -> Self {
        Self { keep: 0.0, jump: 0.0, draws: false, ln: 0.0, level: 1.0 }
    }

    /// One step; answers the level after it.
    pub fn step(&mut self, random: &mut Random) -> f64 {
        if self.draws {
            self.ln = self.keep * self.ln + self.jump * random.normal();
            self.level = self.ln.exp();
        }
        self.level
    }

    /// The level now.
    #[must_use]
    pub const fn level(&self) -> f64 {
        self.level
    }
}
