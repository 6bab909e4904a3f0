//! Times and figures as people read them. Rounding never shows less time than has passed.

use super::*;

#[test]
fn a_time_that_goes_on_is_told_in_steps() {
    for (seconds, text) in [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 min"),
        (119, "1 min"),
        (599, "9 min"),
        (600, "10 min"),
        (4_799, "1 h 10 min"),
        (4_800, "1 h 20 min"),
    ] {
        assert_eq!(Elapsed(seconds * 1_000).to_string(), text);
    }
}

#[test]
fn a_time_that_is_left_is_never_told_shorter_than_it_is() {
    for (seconds, text) in [
        (-1, "1 min"),
        (0, "1 min"),
        (60, "1 min"),
        (61, "2 min"),
        (600, "10 min"),
        (601, "20 min"),
        (3_601, "1 h 10 min"),
    ] {
        assert_eq!(Remaining(seconds * 1_000).to_string(), text);
    }
    assert!(!Remaining(Millis::MAX).to_string().is_empty());
}

#[test]
fn a_time_that_wavers_is_never_told_smaller_than_it_is() {
    for (seconds, text) in [
        (-1.0, "10 s"),
        (0.0, "10 s"),
        (0.1, "10 s"),
        (10.0, "10 s"),
        (10.1, "30 s"),
        (60.0, "1 min"),
        (61.0, "2 min"),
        (600.0, "10 min"),
        (601.0, "20 min"),
        (1_801.0, "1 h 0 min"),
        (3_601.0, "2 h 0 min"),
        (f64::NAN, "10 s"),
    ] {
        assert_eq!(RoundedUpSeconds(seconds).to_string(), text, "{seconds}");
    }
    assert!(!RoundedUpSeconds(f64::INFINITY).to_string().is_empty());
}

#[test]
fn a_size_is_told_by_its_nearest_step() {
    for (size, text) in [
        (1.0, "1"),
        (1.4, "1"),
        (1.5, "2"),
        (3.0, "2"),
        (4.0, "5"),
        (8.0, "10"),
        (36_912.0, "50000"),
        (0.3, "0.2"),
        (0.04, "0.05"),
    ] {
        assert_eq!(Rounded(size).to_string(), text, "{size}");
    }
    for odd in [0.0, -1.0, f64::INFINITY] {
        assert!(!Rounded(odd).to_string().is_empty());
    }
}

#[test]
fn figures_of_any_size_are_short() {
    for (value, text) in [
        (0.0, "0"),
        (0.5, "0.5"),
        (0.82, "0.82"),
        (0.001_25, "0.00125"),
        (-7.0, "-7"),
        (12.345_6, "12.35"),
        (120.0, "120"),
        (1_234.6, "1235"),
        (2e9, "2.000e9"),
        (-1.5e-7, "-1.500e-7"),
        (1e300, "1.000e300"),
    ] {
        assert_eq!(ShortNumber(value).to_string(), text);
    }
}

#[test]
fn what_is_said_of_at_least_and_at_most_is_true() {
    for (number, least, most) in [
        (1.0, "1", "1"),
        (20.0, "20", "20"),
        (82.0, "50", "100"),
        (900.0, "500", "1000"),
        (0.33, "0.2", "0.5"),
        (4.7, "2", "5"),
    ] {
        assert_eq!(AtLeast(number).to_string(), least, "{number}");
        assert_eq!(AtMost(number).to_string(), most, "{number}");
    }
    assert_eq!(AtLeast(0.0).to_string(), "0");
}
