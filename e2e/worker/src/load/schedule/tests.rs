//! Rates over time, and what happens after a pause.
//! Time is a number here.

use super::*;

fn steady(rate: f64) -> Pattern {
    Pattern { rate, factor: 1.0, every: Duration::from_secs(60), length: Duration::from_secs(10) }
}

/// Records given out by then when asked every 10 ms.
fn sent_by(pattern: Pattern, end: Duration) -> u64 {
    let mut schedule = Schedule::new(pattern);
    let ticks = end.as_millis() / 10;
    (0..=ticks)
        .map(|tick| schedule.due(Duration::from_millis(10) * u32::try_from(tick).unwrap()))
        .sum()
}

#[test]
fn a_steady_rate_is_exact() {
    for (rate, seconds, expected) in [(300.0, 60, 18_000), (0.5, 60, 30), (7.0, 13, 91)] {
        let sent = sent_by(steady(rate), Duration::from_secs(seconds));
        assert!(sent.abs_diff(expected) <= 1, "{rate}/s: {sent}");
    }
}

#[test]
fn a_cycle_ends_with_its_burst() {
    let pattern = Pattern { factor: 3.0, ..steady(100.0) };
    for (seconds, expected) in [(50, 5_000.0), (55, 6_500.0), (60, 8_000.0), (120, 16_000.0)] {
        let total = pattern.total(Duration::from_secs(seconds));
        assert!((total - expected).abs() < 1e-6, "{seconds} s: {total}");
    }
    let sent = sent_by(pattern, Duration::from_secs(120));
    assert!(sent.abs_diff(16_000) <= 1, "{sent}");
}

#[test]
fn a_burst_may_also_be_a_lull() {
    let pattern = Pattern { factor: 0.0, ..steady(100.0) };
    assert!(sent_by(pattern, Duration::from_secs(60)).abs_diff(5_000) <= 1);
}

#[test]
fn a_long_pause_is_made_up_for_by_a_second_at_most() {
    let mut schedule = Schedule::new(steady(100.0));
    assert_eq!(schedule.due(Duration::from_secs(1)), 100);
    assert_eq!(schedule.due(Duration::from_secs(61)), 100);
    assert_eq!(schedule.due(Duration::from_secs(62)), 100);
}

#[test]
fn a_short_pause_is_made_up_for_completely() {
    let mut schedule = Schedule::new(steady(100.0));
    assert_eq!(schedule.due(Duration::from_millis(100)), 10);
    assert_eq!(schedule.due(Duration::from_millis(900)), 80);
}
