//! The three times of the election and the relations that make it safe.
//! Values only; who waits for what is in `candidate`.

use std::time::Duration;

/// Times of the election, known to fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    duration: Duration,
    renew_deadline: Duration,
    retry_period: Duration,
}

/// Why three times make no election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingsError {
    /// One attempt a deadline is none: a single lost packet would change the leader.
    #[error("the renew deadline must be at least twice the retry period, which must not be 0")]
    RetryPeriod,
    /// The holder must have stopped before another one may begin.
    #[error("the lease duration must be longer than the renew deadline, by 1 s or more")]
    RenewDeadline,
    /// After a crash nobody leads for so long.
    #[error("the lease duration must be at most 5m: after a crash nobody leads for so long")]
    Duration,
}

impl Timings {
    const LONGEST: Duration = Duration::from_secs(300);

    /// `duration` > `renew_deadline` > `retry_period`, with room between them. The duration is cut
    /// to whole seconds, because that is what the others can read.
    pub(crate) fn new(
        duration: Duration,
        renew_deadline: Duration,
        retry_period: Duration,
    ) -> Result<Self, TimingsError> {
        let duration = Duration::from_secs(duration.as_secs());
        if retry_period.is_zero() || renew_deadline < retry_period * 2 {
            return Err(TimingsError::RetryPeriod);
        }
        if duration < renew_deadline + Duration::from_secs(1) {
            return Err(TimingsError::RenewDeadline);
        }
        if duration > Self::LONGEST {
            return Err(TimingsError::Duration);
        }
        Ok(Self { duration, renew_deadline, retry_period })
    }

    /// How long others wait for a holder that says nothing.
    pub(crate) const fn duration(&self) -> Duration {
        self.duration
    }

    /// When a holder that could not renew stops, counted from sending its last renewal.
    pub(crate) const fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// How often the holder renews and the others look.
    pub(crate) const fn retry_period(&self) -> Duration {
        self.retry_period
    }

    /// Longest time for one request: a quarter of the deadline, so that two connections that hang,
    /// one after the other, leave room for another look and another renewal.
    pub(crate) fn request(&self) -> Duration {
        self.renew_deadline / 4
    }
}

/// 15 s, 10 s and 2 s, as every controller of Kubernetes itself has them: five attempts until the
/// deadline, one small write in 2 s, and at most 15 s without a leader after a crash.
impl Default for Timings {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests;
