//! Lengths of time for people: two units at most, `4m10s`, `3h5m`, `12d`.
//! Reads no clock.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length of time; one below zero counts as none.
pub(crate) fn length(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (first, second) = match seconds {
        0..MINUTE => return format!("{seconds}s"),
        MINUTE..HOUR => ((seconds / MINUTE, "m"), (seconds % MINUTE, "s")),
        HOUR..DAY => ((seconds / HOUR, "h"), (seconds % HOUR / MINUTE, "m")),
        _ => ((seconds / DAY, "d"), (seconds % DAY / HOUR, "h")),
    };
    if second.0 == 0 {
        format!("{}{}", first.0, first.1)
    } else {
        format!("{}{}{}{}", first.0, first.1, second.0, second.1)
    }
}

/// Time that has passed since then.
pub(crate) fn since(then: Timestamp, now: Timestamp) -> String {
    length(now.duration_since(then).as_secs())
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_length_has_two_units_at_most() {
        let said = [-5, 0, 59, 60, 250, 3_600, 11_100, 90_000, 864_000].map(length);
        assert_eq!(said, ["0s", "0s", "59s", "1m", "4m10s", "1h", "3h5m", "1d1h", "10d"]);
    }
}
