//! Checks by name: cases for the rules, and the words of what is refused.
//! Each case is checked in `rules`, by the schema and by `validate()`.

use std::error::Error;

use serde_json::{Value, json};
use siskin_api::{CanaryRolloutSpec, CheckName, Preset, SeriesField, SeriesNames};

use crate::metrics::with;
use crate::rules::Case;
use crate::schema::minimal;

const ALL: [&str; 4] = ["error_rate", "success_rate", "latency_p99", "memory_usage"];

pub(crate) fn accepted() -> Vec<Case> {
    let all: Vec<Value> =
        ALL.into_iter().map(|name| json!({"name": name, "lessThan": "0.5"})).collect();
    let mut cases: Vec<Case> = vec![
        analysis(&json!({"preset": "SpringKafka"}), &json!(all)),
        analysis(
            &json!({"preset": "Micrometer", "errors": "e_total"}),
            &json!([{"name": "error_rate", "lessThan": "1"}]),
        ),
        analysis(
            &json!({"processed": "p_total", "errors": "e_total"}),
            &json!([{"name": "success_rate", "greaterThan": "0", "lessThan": "0.000001"}]),
        ),
        (
            "/analysis",
            with(&json!({
                "prometheus": {"address": "http://p"},
                "checks": [{"name": "memory_usage", "lessThan": "0.9", "failureLimit": 0}],
            })),
        ),
    ];
    let bounds = [
        json!({"lessThan": "0.5", "failureLimit": 100}),
        json!({"greaterThan": "0", "lessThan": "30"}),
        json!({"greaterThan": "2"}),
    ];
    cases.extend(bounds.map(|it| one("latency_p99", &it)));
    cases
}

pub(crate) fn refused() -> Vec<Case> {
    let series = json!({"consumed": "c", "errors": "e", "processed": "p", "latency": "l"});
    let below = |name: &str| json!([{"name": name, "lessThan": "0.5"}]);
    let without = |field: &str| {
        let mut series = series.clone();
        series.as_object_mut().expect("an object").remove(field);
        series
    };
    let mut cases = vec![
        analysis(&without("consumed"), &below("error_rate")),
        analysis(&without("errors"), &below("error_rate")),
        analysis(&without("processed"), &below("success_rate")),
        analysis(&without("errors"), &below("success_rate")),
        analysis(&without("latency"), &below("latency_p99")),
        analysis(&json!({"preset": "JmxExporter"}), &below("error_rate")),
        analysis(&json!({"preset": "Micrometer"}), &below("latency_p99")),
        ("/analysis/checks", below("memory_usage")),
        ("/analysis", with(&json!({"scrape": {"port": "m"}, "checks": below("error_rate")}))),
        ("/analysis", with(&json!({"scrape": {"port": "m"}, "checks": below("success_rate")}))),
        ("/analysis", with(&json!({"scrape": {"port": "m"}, "checks": below("latency_p99")}))),
        (
            "/analysis",
            with(&json!({
                "prometheus": {"address": "http://p"}, "checks": below("memory_usage"),
                "metrics": [{"name": "memory_usage", "threshold": {"query": "q", "max": "1"}}],
            })),
        ),
    ];
    for name in ALL {
        cases.extend(
            [
                json!({}),
                json!({"lessThan": "0"}),
                json!({"lessThan": "-0.1"}),
                json!({"greaterThan": "-0.1"}),
                json!({"lessThan": "0.5", "greaterThan": "0.5"}),
                json!({"lessThan": "0.5", "failureLimit": 101}),
                json!({"lessThan": "0.5", "failureLimit": -1}),
            ]
            .map(|it| one(name, &it)),
        );
    }
    for share in ["error_rate", "success_rate", "memory_usage"] {
        cases.extend(
            [json!({"lessThan": "5"}), json!({"greaterThan": "1"})].map(|it| one(share, &it)),
        );
    }
    cases
}

pub(crate) fn unreadable() -> Vec<Case> {
    vec![
        one("cpu_usage", &json!({"lessThan": "0.5"})),
        one("error_rate", &json!({"lessThan": 0.5})),
        one("error_rate", &json!({"lessThan": "5%"})),
        ("/analysis", with(&json!({"scrape": {"port": "m"}, "checks": [{"lessThan": "1"}]}))),
    ]
}

fn problems(analysis: Value) -> Result<Vec<String>, Box<dyn Error>> {
    let mut spec = minimal();
    spec["analysis"] = analysis;
    let errors = serde_json::from_value::<CanaryRolloutSpec>(spec)?.validate();
    Ok(errors.err().into_iter().flatten().map(|it| it.to_string()).collect())
}

#[test]
fn what_is_missing_is_said_with_what_to_do() -> Result<(), Box<dyn Error>> {
    let (_, it) = analysis(
        &json!({"consumed": "c_total"}),
        &json!([{"name": "success_rate", "greaterThan": "0.99"}, {"name": "error_rate", "lessThan": "5"}]),
    );
    let expected = [
        "spec.analysis.checks[0]: success_rate can't be computed without spec.analysis.series.processed and spec.analysis.series.errors; set spec.analysis.series.processed and spec.analysis.series.errors, or a preset that has it",
        "spec.analysis.checks[1]: error_rate can't be computed without spec.analysis.series.errors; set spec.analysis.series.errors, or a preset that has it",
        "spec.analysis.checks[1].lessThan: 5 is no upper bound of this value; shares are from 0 to 1: 5 % is 0.05",
    ];
    assert_eq!(problems(it)?, expected);
    Ok(())
}

#[test]
fn two_checks_of_one_name_are_refused() -> Result<(), Box<dyn Error>> {
    let check = json!({"name": "latency_p99", "lessThan": "0.5"});
    let (_, it) = analysis(&json!({"latency": "l_seconds"}), &json!([check, check]));
    let expected =
        "spec.analysis.checks[1].name: latency_p99 is there twice; set both bounds in one check";
    assert_eq!(problems(it)?, [expected]);
    Ok(())
}

#[test]
fn a_name_is_written_as_it_is_read() -> Result<(), Box<dyn Error>> {
    for name in ALL {
        let read: CheckName = serde_json::from_value(json!(name))?;
        assert_eq!((read.as_str(), serde_json::to_value(read)?), (name, json!(name)));
    }
    Ok(())
}

/// A name of one's own counts beside those of the preset.
#[test]
fn series_are_named_by_themselves_or_by_a_preset() {
    let own = SeriesNames { errors: Some("e".into()), ..SeriesNames::default() };
    assert!(own.names(SeriesField::Errors) && !own.names(SeriesField::Consumed));
    let both = SeriesNames { preset: Some(Preset::JmxExporter), ..own };
    assert!(both.names(SeriesField::Errors) && both.names(SeriesField::Consumed));
    assert!(!both.names(SeriesField::Latency));
}

/// These checks, computed from these series of scraped pods.
fn analysis(series: &Value, checks: &Value) -> Case {
    ("/analysis", with(&json!({"scrape": {"port": "m"}, "series": series, "checks": checks})))
}

/// One check of these fields, with all that it is computed from.
fn one(name: &str, fields: &Value) -> Case {
    let mut check = json!({"name": name});
    let fields = fields.as_object().expect("an object").clone();
    check.as_object_mut().expect("an object").extend(fields);
    analysis(&json!({"preset": "SpringKafka"}), &json!([check]))
}
