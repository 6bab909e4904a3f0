//! Which times fit each other.
//! What they do is in the tests of the lease.

use std::time::Duration;

use crate::process::lease::timings::{Timings, TimingsError};

fn timings(seconds: [u64; 3]) -> Result<Timings, TimingsError> {
    let [duration, renew_deadline, retry_period] = seconds.map(Duration::from_secs);
    Timings::new(duration, renew_deadline, retry_period)
}

#[test]
fn the_default_fits() {
    assert_eq!(timings([15, 10, 2]), Ok(Timings::default()));
}

#[test]
fn the_shortest_and_the_longest_fit() {
    assert!(timings([3, 2, 1]).is_ok());
    assert!(timings([300, 299, 149]).is_ok());
}

#[test]
fn what_does_not_fit_is_named() {
    assert_eq!(timings([15, 10, 0]), Err(TimingsError::RetryPeriod));
    assert_eq!(timings([15, 10, 6]), Err(TimingsError::RetryPeriod));
    assert_eq!(timings([10, 10, 2]), Err(TimingsError::RenewDeadline));
    assert_eq!(timings([301, 10, 2]), Err(TimingsError::Duration));
}

#[test]
fn a_part_of_a_second_that_others_can_not_read_does_not_count() {
    let [duration, renew_deadline] = [3900, 3000].map(Duration::from_millis);
    let timings = Timings::new(duration, renew_deadline, Duration::from_secs(1));
    assert_eq!(timings, Err(TimingsError::RenewDeadline));
}
