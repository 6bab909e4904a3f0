//! Figures as the cells of tables: percentages with their intervals, times of a fault.
//! Knows no table.

use crate::figures::{Score, interval, share};

/// Percent with its interval.
pub fn rate(events: usize, runs: usize) -> String {
    let (low, high) = interval(events, runs);
    format!("{} ({}–{})", percent(share(events, runs)), percent(low), percent(high))
}

/// Two figures of a percentage, so far as they say something.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 || percent >= 9.95 {
        format!("{percent:.0}")
    } else if percent >= 0.995 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.2}")
    }
}

/// Median, 95th percentile and percentage of a fault.
pub fn times(score: &Score, runs: usize) -> String {
    let seconds =
        |part: f64| score.quantile(part, runs).map_or("–".to_owned(), |s| s.to_string());
    let early = if share(score.early, runs) > 0.01 { " !" } else { "" };
    let found = percent(share(score.rolled_back, runs));
    format!("{} / {} ({found} %){early}", seconds(0.5), seconds(0.95))
}
