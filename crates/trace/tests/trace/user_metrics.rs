//! User metrics in traces: definitions in the header, readings of pods, and what is refused.
//! The golden file is the example that `docs/trace.md` explains.

use std::io::Cursor;
use std::sync::Arc;

use siskin_analysis::observation::{Observation, UserReading};
use siskin_analysis::{Against, Check, Scope, Threshold, UserMetric, UserRule};
use siskin_trace::{Header, Line, Reader, Writer};

use crate::schema::in_schema;

const EXAMPLE: &str = include_str!("golden/user-metrics.jsonl");
const DOC: &str = include_str!("../../../../docs/trace.md");

fn read(text: &str) -> Result<(Header, Vec<Line>), String> {
    let mut reader = Reader::new(Cursor::new(text)).map_err(|it| it.to_string())?;
    let lines = reader.by_ref().collect::<Result<_, _>>().map_err(|it| it.to_string())?;
    Ok((reader.header().clone(), lines))
}

fn written(header: &Header, lines: &[Line]) -> String {
    let mut writer = Writer::new(Vec::new(), header).expect("memory");
    for line in lines {
        writer.write(line).expect("memory");
    }
    String::from_utf8(writer.into_inner()).expect("text")
}

fn seen(lines: &[Line]) -> Observation {
    let [Line::Seen(seen)] = lines else { panic!("{lines:?}") };
    seen.observation.clone()
}

#[test]
fn the_example_is_in_the_doc_and_in_the_schema_and_survives_reading_and_writing() {
    for line in EXAMPLE.lines() {
        assert!(DOC.contains(line), "not in docs/trace.md: {line}");
        assert!(in_schema(line), "{line}");
    }
    let (header, lines) = read(EXAMPLE).expect("readable");
    let threshold = Threshold {
        min: None,
        max: Some(0.5),
        failure_limit: 3,
        against: Against::Absolute,
        scope: Scope::Pods,
    };
    let check = Check { less_than: Some(0.05), greater_than: None, failure_limit: 3 };
    let metric = |name, rule| UserMetric { name: Arc::from(name), rule };
    let defined = [
        metric("checkout-failures", UserRule::Ratio),
        metric("p99", UserRule::Threshold(threshold)),
        metric("error_rate", UserRule::Check(check)),
    ];
    assert_eq!(*header.settings.user, defined);
    let again = written(&header, &lines);
    assert!(again.lines().all(in_schema), "{again}");
    assert_eq!(again.lines().next(), EXAMPLE.lines().next());
    assert_eq!(read(&again), Ok((header, lines.clone())));
    let pods = seen(&lines).pods;
    let user = &pods[0].metrics.as_ref().expect("scraped").user;
    let counted = UserReading { events: Some(10.0), total: Some(1_000.0), value: None };
    assert_eq!(user["checkout-failures"], counted);
    assert_eq!(user["p99"].value, Some(0.31));
}

#[test]
fn definitions_that_cannot_be_judged_by_are_refused_with_their_name() {
    for (from, to, problem) in [
        ("\"p99\",\"kind\"", "\"p 99\",\"kind\"", "user metric \"p 99\": want 1 to 63 of"),
        ("p99\",\"kind\"", "checkout-failures\",\"kind\"", "two user metrics have the name"),
        ("\"max\":0.5,", "", "user metric p99: a threshold needs min, max or both"),
        ("\"max\":0.5", "\"max\":0.5,\"min\":0.6", "user metric p99: want finite bounds"),
        (
            "error_rate",
            "error-rate",
            "user metric error-rate: no check of this name, want error_rate,",
        ),
        (
            "\"lessThan\":0.05,",
            "",
            "user metric error_rate: a check needs lessThan, greaterThan or",
        ),
        (
            "0.05",
            "0.05,\"greaterThan\":0.05",
            "user metric error_rate: want finite bounds, greaterThan",
        ),
    ] {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "{from}");
        let error = read(&text).expect_err(to);
        let begin = format!("line 1: settings.userMetrics: {problem}");
        assert!(error.starts_with(&begin), "{error}");
    }
    let eleven: Vec<String> =
        (0..11).map(|place| format!("{{\"name\":\"m{place}\",\"kind\":\"ratio\"}}")).collect();
    let text = EXAMPLE.replacen(
        "{\"name\":\"checkout-failures\",\"kind\":\"ratio\"}",
        &eleven.join(","),
        1,
    );
    let error = read(&text).expect_err("too many");
    assert!(error.contains("settings.userMetrics: 12 user metrics, want at most 10"), "{error}");
}

#[test]
fn counters_below_zero_are_refused_and_values_are_not() {
    let error = read(&EXAMPLE.replace("10.0", "-10.0")).expect_err("negative");
    assert_eq!(
        error,
        "line 2: `user.checkout-failures.events` of pod orders-primary-0 is -10, want a number not below 0"
    );
    assert!(!in_schema(EXAMPLE.replace("10.0", "-10.0").lines().last().expect("a line")));
    let (_, lines) = read(&EXAMPLE.replace("0.31", "-0.31")).expect("any number");
    assert_eq!(
        seen(&lines).pods[0].metrics.as_ref().expect("scraped").user["p99"].value,
        Some(-0.31)
    );
}

#[test]
fn readings_that_json_cannot_say_are_written_as_unknown() {
    let (header, lines) = read(EXAMPLE).expect("readable");
    let mut wild = seen(&lines);
    let user = &mut wild.pods[0].metrics.as_mut().expect("scraped").user;
    let reading =
        UserReading { events: Some(-1.0), total: Some(f64::INFINITY), value: Some(f64::NAN) };
    user.insert(Arc::from("p99"), reading);
    let (_, lines) = read(&written(&header, &[Line::Seen(wild.into())])).expect("readable");
    let said = seen(&lines).pods[0].metrics.clone().expect("scraped").user["p99"];
    assert_eq!(said, UserReading::default());
}
