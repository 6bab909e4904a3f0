//! Fixed thresholds, checked every minute, and a counter of failed checks: Flagger, Argo Rollouts,
//! Aviary. They differ in what they count and in what missing data means. The fourth ones are
//! Flagger's with thresholds from the record of the same group.

use crate::rivals::rival::Rival;
use crate::view::{Tally, View};

/// Seconds between checks, and the time each looks back: the interval of all three's examples.
const INTERVAL: i64 = 60;
/// Thresholds as somebody sets them who knows the service: three times the usual errors, twice the
/// usual slow messages, twenty seconds of an average partition's messages.
const BY_HAND: CheckLimits = CheckLimits { errors: 0.03, slow: 0.20, lag: 1_000.0, events: 0.0 };
/// Thresholds from the record: so many times its errors, its slow messages, its largest lag; and not
/// less than these.
const TIMES: CheckLimits = CheckLimits { errors: 3.0, slow: 2.0, lag: 3.0, events: 1.0 };
const LEAST: CheckLimits = CheckLimits { errors: 0.003, slow: 0.02, lag: 1_000.0, events: 10.0 };

/// What may be, as a part of the messages, and as messages that wait.
#[derive(Clone, Copy, Debug)]
struct CheckLimits {
    errors: f64,
    slow: f64,
    lag: f64,
    /// Errors, or slow messages, below which there are none too many.
    events: f64,
}

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
    limits: CheckLimits,
    /// Whether limits come from the record, and that so far: counts, and the largest lag.
    learns: bool,
    record: Tally,
    largest_lag: f64,
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

    /// Flagger's counter, with thresholds from the record; a check without data is a good one.
    pub fn from_record() -> Self {
        Self { learns: true, ..Self::new(5, Missing::Success, false) }
    }

    fn new(failures: u32, missing: Missing, strict_on_restarts: bool) -> Self {
        Self {
            failures,
            missing,
            limits: BY_HAND,
            learns: false,
            record: Tally::default(),
            largest_lag: 0.0,
            strict_on_restarts,
            failed: 0,
            errors: 0,
            tally: Tally::default(),
            heard: false,
            next: INTERVAL,
        }
    }

    fn check(&mut self, lag: f64) {
        let (Tally { messages, errors, slow, .. }, limits) = (self.tally, self.limits);
        if self.heard {
            self.errors = 0;
            let over = |events: f64, part: f64| events > limits.events && events > part * messages;
            let over = over(errors, limits.errors) || over(slow, limits.slow);
            self.failed += u32::from(over || lag > limits.lag);
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
    fn learn(&mut self, view: &View) {
        if self.learns {
            self.record = self.record.plus(view.primary);
            self.largest_lag = self.largest_lag.max(view.primary_lag());
            let Tally { messages, errors, slow, .. } = self.record;
            let usual = |events: f64| events / messages.max(1.0);
            self.limits = CheckLimits {
                errors: (TIMES.errors * usual(errors)).max(LEAST.errors),
                slow: (TIMES.slow * usual(slow)).max(LEAST.slow),
                lag: (TIMES.lag * self.largest_lag).max(LEAST.lag),
                events: LEAST.events,
            };
        }
    }

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
