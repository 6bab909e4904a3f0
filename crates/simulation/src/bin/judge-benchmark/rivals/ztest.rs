//! A test of two proportions on all counts so far. Looked at with every poll, as a dashboard with a
//! p-value invites to: its 1 % holds for one look, not for 180. Or group-sequential, at three looks
//! that are planned, with the bounds of O'Brien and Fleming, Biometrics 35, 1979.

use crate::rivals::rival::Rival;
use crate::view::{Tally, View};

/// One-sided 1 %.
const CRITICAL: f64 = 2.326;
/// Events from which the normal approximation is usually allowed.
const ENOUGH: f64 = 10.0;

/// Seconds of the planned looks, and the bound of each: one-sided 1 % over all looks and three metrics,
/// 2.729·√(3/k).
const PLANNED: [(i64, f64); 3] = [(600, 4.727), (1_200, 3.342), (1_800, 2.729)];

/// Totals of the trial.
#[derive(Clone, Debug)]
pub struct ZTest {
    is_planned: bool,
    canary: Tally,
    primary: Tally,
}

impl ZTest {
    /// Looked at with every poll.
    pub fn at_every_poll() -> Self {
        Self { is_planned: false, canary: Tally::default(), primary: Tally::default() }
    }

    /// Looked at when it is planned.
    pub fn group_sequential() -> Self {
        Self { is_planned: true, ..Self::at_every_poll() }
    }

    /// What is too much at this second; nothing where there is no look.
    fn critical(&self, second: i64) -> f64 {
        if !self.is_planned {
            return CRITICAL;
        }
        let look = PLANNED.iter().find(|(planned, _)| *planned == second);
        look.map_or(f64::INFINITY, |(_, bound)| *bound)
    }
}

impl Rival for ZTest {
    fn rolls_back(&mut self, view: &View) -> bool {
        self.canary = self.canary.plus(view.canary);
        self.primary = self.primary.plus(view.primary);
        let (n, m) = (self.canary.messages, self.primary.messages);
        let critical = self.critical(view.second);
        let mut pairs = self.canary.events().into_iter().zip(self.primary.events());
        pairs.any(|(x, y)| z(x, n, y, m) > critical)
    }
}

fn z(x: f64, n: f64, y: f64, m: f64) -> f64 {
    let pooled = (x + y) / (n + m).max(1.0);
    let variance = pooled * (1.0 - pooled) * (1.0 / n.max(1.0) + 1.0 / m.max(1.0));
    if x + y < ENOUGH || n <= 0.0 || m <= 0.0 || variance <= 0.0 {
        return 0.0;
    }
    (x / n - y / m) / variance.sqrt()
}
