//! A test of two proportions on all counts so far, looked at with every poll: what a dashboard
//! with a p-value invites to. Its 1 % holds for one look, not for 180.

use crate::rivals::rival::Rival;
use crate::view::{Tally, View};

/// One-sided 1 %.
const CRITICAL: f64 = 2.326;
/// Events from which the normal approximation is usually allowed.
const ENOUGH: f64 = 10.0;

/// Totals of the trial.
#[derive(Clone, Debug, Default)]
pub struct ZTest {
    canary: Tally,
    primary: Tally,
}

impl Rival for ZTest {
    fn rolls_back(&mut self, view: &View) -> bool {
        self.canary = self.canary.plus(view.canary);
        self.primary = self.primary.plus(view.primary);
        let (n, m) = (self.canary.messages, self.primary.messages);
        [
            (self.canary.errors, self.primary.errors),
            (self.canary.slow, self.primary.slow),
            (self.canary.lost, self.primary.lost),
        ]
        .into_iter()
        .any(|(x, y)| z(x, n, y, m) > CRITICAL)
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
