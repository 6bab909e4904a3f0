//! How many records are due by when: a rate, and bursts of it.
//! Arithmetic only; time is a parameter.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// After a pause of the process or of the broker at most this much is made up for: more would be a
/// burst that nobody asked for.
const MOST_ARREARS: Duration = Duration::from_secs(1);

/// A rate over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pattern {
    /// Records per second outside of bursts.
    pub rate: f64,
    /// What a burst multiplies it by.
    pub factor: f64,
    /// Time from the end of one burst to that of the next, not zero.
    pub every: Duration,
    /// Length of a burst, at most `every`.
    pub length: Duration,
}

/// Which records are due now.
#[derive(Clone, Debug)]
pub struct Schedule {
    pattern: Pattern,
    /// Records that were due and were given out, or were given up.
    settled: f64,
}

impl Pattern {
    /// Records due from the start until now: the integral of the rate.
    pub fn total(&self, elapsed: Duration) -> f64 {
        let calm = (self.every.saturating_sub(self.length)).as_secs_f64();
        let (seconds, every) = (elapsed.as_secs_f64(), self.every.as_secs_f64());
        let in_whole_cycles = (seconds / every).floor() * self.length.as_secs_f64();
        let in_this_cycle = (seconds % every - calm).max(0.0);
        self.rate * (seconds + (self.factor - 1.0) * (in_whole_cycles + in_this_cycle))
    }

    fn rate_at(&self, elapsed: Duration) -> f64 {
        let calm = (self.every.saturating_sub(self.length)).as_secs_f64();
        let burst = calm <= elapsed.as_secs_f64() % self.every.as_secs_f64();
        self.rate * if burst { self.factor } else { 1.0 }
    }
}

impl Schedule {
    /// Nothing is settled.
    pub const fn new(pattern: Pattern) -> Self {
        Self { pattern, settled: 0.0 }
    }

    /// Records to send now; they count as sent.
    pub fn due(&mut self, elapsed: Duration) -> u64 {
        let total = self.pattern.total(elapsed);
        // A low rate is never cut: one record may always be due.
        let most = (self.pattern.rate_at(elapsed) * MOST_ARREARS.as_secs_f64()).max(1.0);
        self.settled = self.settled.max(total - most);
        let due = (total - self.settled).max(0.0).floor();
        self.settled += due;
        // Far below 2^52, and not negative.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let count = due as u64;
        count
    }
}
