//! Durations and probabilities: what is read, how it prints, and that patterns and parser agree.
//! Bounds of fields are tested with the rules.

use jiff::SignedDuration;
use proptest::prelude::*;
use siskin_api::{Duration, Probability};

#[test]
fn durations_are_read_and_printed_in_the_shortest_form() -> Result<(), Box<dyn std::error::Error>> {
    for (text, secs, printed) in [
        ("0s", 0, "0s"),
        ("0h0m0s", 0, "0s"),
        ("45s", 45, "45s"),
        ("10m", 600, "10m"),
        ("60s", 60, "1m"),
        ("90m", 5400, "1h30m"),
        ("1h30m", 5400, "1h30m"),
        ("1h1s", 3601, "1h1s"),
        ("168h", 604_800, "168h"),
        ("999999h59m59s", 3_599_999_999, "999999h59m59s"),
    ] {
        let duration: Duration = text.parse()?;
        assert_eq!(duration.as_secs(), secs, "{text}");
        assert_eq!(duration.to_string(), printed, "{text}");
    }
    Ok(())
}

#[test]
fn other_notations_are_no_durations() {
    for text in [
        "",
        "10",
        "s",
        "h",
        "1d",
        "1w",
        "1.5h",
        "-1s",
        "+1s",
        " 1s",
        "1s ",
        "1S",
        "1ms",
        "30m1h",
        "1h1h",
        "1s1m",
        "PT1H",
        "1000000s",
        "999999h60m",
        "١s",
    ] {
        assert!(text.parse::<Duration>().is_err(), "{text:?}");
    }
}

#[test]
fn durations_convert_without_loss() {
    let day = Duration::from_hours(24);
    assert_eq!(day.as_millis(), 86_400_000);
    assert_eq!(SignedDuration::from(day), SignedDuration::from_hours(24));
    assert_eq!(day, Duration::from_mins(1440));
    assert_eq!(Duration::MAX.saturating_mul(3), Duration::MAX);
}

#[test]
fn probabilities_are_exact() -> Result<(), Box<dyn std::error::Error>> {
    for (text, millionths, printed) in [
        ("0.01", 10_000, "0.01"),
        ("0.010", 10_000, "0.01"),
        ("0.2", 200_000, "0.2"),
        ("0.000001", 1, "0.000001"),
    ] {
        let probability: Probability = text.parse()?;
        assert_eq!(Some(probability), Probability::from_millionths(millionths));
        assert_eq!(probability.to_string(), printed);
    }
    assert!(("0.01".parse::<Probability>()?.as_f64() - 0.01).abs() < f64::EPSILON);
    Ok(())
}

#[test]
fn other_notations_are_no_probabilities() {
    for text in ["", "0", "0.", "0.0", "1", "1.0", ".5", "-0.1", "0.1%", "1e-2", "0.0000001", "NaN"]
    {
        assert!(text.parse::<Probability>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_printed_duration_reads_back(secs: u32) {
        let duration = Duration::from_secs(secs);
        prop_assert_eq!(duration.to_string().parse::<Duration>().ok(), Some(duration));
    }

    #[test]
    fn the_parser_takes_what_the_pattern_takes(text in "[0-9hms]{0,12}") {
        let matched = regex::Regex::new(Duration::PATTERN).is_ok_and(|it| it.is_match(&text));
        prop_assert_eq!(text.parse::<Duration>().is_ok(), matched && !text.is_empty());
    }

    #[test]
    fn a_printed_probability_reads_back(millionths in 1_u32..1_000_000) {
        let probability = Probability::from_millionths(millionths);
        let read = probability.and_then(|it| it.to_string().parse().ok());
        prop_assert_eq!(read, probability);
    }
}
