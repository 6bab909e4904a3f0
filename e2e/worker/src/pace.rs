//! Rates that are right over many records, however coarse a sleep is.
//! Arithmetic only: whoever asks sleeps, and reads the clock.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// Sleeps shorter than this are saved up: each costs some 0.1 ms of its own.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);

/// Sleeping too long is made up for, but a process that stood still for longer than this has lost
/// that time as any worker would.
const MOST_CREDIT: Duration = Duration::from_millis(100);

/// What a worker owes in time for the records it has taken.
#[derive(Debug, Default)]
pub struct Debt {
    owed: Duration,
    credit: Duration,
}

impl Debt {
    /// One more record costs this much. Says how long to work now; zero while it is not worth it.
    pub fn add(&mut self, cost: Duration) -> Duration {
        self.owed += cost;
        let settled = self.owed.min(self.credit);
        self.owed -= settled;
        self.credit -= settled;
        if self.owed < SHORTEST_SLEEP { Duration::ZERO } else { self.owed }
    }

    /// Pays for the time that was worked.
    pub fn pay(&mut self, worked: Duration) {
        let excess = worked.saturating_sub(self.owed);
        self.owed = self.owed.saturating_sub(worked);
        self.credit = (self.credit + excess).min(MOST_CREDIT);
    }
}
