//! The only place of this program that reads the wall clock.
//! Computes nothing; time-outs are measured on tokio's monotonic clock.

use jiff::Timestamp;

/// The time of day, as this machine believes it.
#[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
