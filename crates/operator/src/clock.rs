//! The only place that reads the wall clock: everything else gets `now` as a parameter.
//! Computes nothing; lengths of time that must not jump are measured on tokio's monotonic clock.

use jiff::Timestamp;

/// The time of day, as this machine believes it; it may jump in either direction.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// [`now`] in milliseconds since the Unix epoch, the unit of observations.
#[must_use]
pub fn now_millis() -> i64 {
    now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::{now, now_millis};

    #[test]
    fn milliseconds_are_those_of_the_same_clock() {
        let before = now().as_millisecond();
        let between = now_millis();
        let after = now().as_millisecond();
        assert!((before..=after).contains(&between), "{between} not in {before}..={after}");
    }
}
