//! Fixed thresholds, checked every minute, and a counter of failed checks: Flagger, Argo Rollouts,
//! Aviary. They differ in what they count and in what missing data means.

use crate::rivals::rival::Rival;
use crate::view::{Tally, View};

/// Seconds between checks, and the time each looks back: the interval of all three's examples.
const INTERVAL: i64 = 60;
/// Thresholds as somebody sets them who knows the service: three times the usual errors, twice the
/// usual slow messages, twenty seconds of an average partition's messages.
const MOST_ERRORS: f64 = 0.03;
const MOST_SLOW: f64 = 0.20;
const MOST_LAG: f64 = 1_000.0;

/// What a check without data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// A failed one (Flagger).
    Failure,
    /// An error; so many in a row end the analysis (Argo).
    Error(u32),
    /// A good one (Aviary).
    Success,
}

/// A counter of failed checks.
#[derive(Clone, Debug)]
pub struct Thresholds {
    /// Failed checks, over the whole analysis, that roll back.
    failures: u32,
    missing: Missing,
    /// Whether a single restart rolls back.
    strict_on_restarts: bool,
    failed: u32,
    errors: u32,
    tally: Tally,
    heard: bool,
    next: i64,
}

impl Thresholds {
    /// `threshold: 5`, as in Flagger's tutorials; a metric without values is a failed check.
    pub fn flagger() -> Self {
        Self::new(5, Missing::Failure, false)
    }

    /// `failureLimit: 3`, so that the fourth rolls back; `consecutiveErrorLimit: 4` by default.
    pub fn argo() -> Self {
        Self::new(4, Missing::Error(5), false)
    }

    /// Three failed checks or one restart; an error while asking counts as success.
    pub fn aviary() -> Self {
        Self::new(3, Missing::Success, true)
    }

    fn new(failures: u32, missing: Missing, strict_on_restarts: bool) -> Self {
        Self {
            failures,
            missing,
            strict_on_restarts,
            failed: 0,
            errors: 0,
            tally: Tally::default(),
            heard: false,
            next: INTERVAL,
        }
    }

    fn check(&mut self, lag: f64) {
        let Tally { messages, errors, slow, .. } = self.tally;
        if self.heard {
            self.errors = 0;
            let over = errors > MOST_ERRORS * messages || slow > MOST_SLOW * messages;
            self.failed += u32::from(over || lag > MOST_LAG);
            return;
        }
        match self.missing {
            Missing::Failure => self.failed += 1,
            Missing::Error(_) => self.errors += 1,
            Missing::Success => {}
        }
    }
}

impl Rival for Thresholds {
    fn rolls_back(&mut self, view: &View) -> bool {
        self.tally = self.tally.plus(view.canary);
        self.heard |= view.heard;
        if view.second >= self.next {
            self.next += INTERVAL;
            self.check(view.lag());
            self.tally = Tally::default();
            self.heard = false;
        }
        let broken_off = match self.missing {
            Missing::Error(most) => self.errors >= most,
            Missing::Failure | Missing::Success => false,
        };
        self.failed >= self.failures || broken_off || self.strict_on_restarts && view.restarts > 0
    }
}
