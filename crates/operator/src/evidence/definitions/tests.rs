//! The metrics and checks of a spec, as the judge is told of them, and that none of them is unknown
//! to it. No query is asked.

use serde_json::{Value, json};
use siskin_analysis::{Measure, check_user_metrics};
use siskin_api::{CanaryRolloutSpec, CheckName, Preset, SeriesField};

use super::*;

fn plan(fields: &Value) -> FrozenPlan {
    let mut spec = json!({
        "targetRef": {"name": "orders"},
        "strategy": {"steps": [{"weight": 10}]},
        "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
    });
    let analysis = spec["analysis"].as_object_mut().unwrap();
    analysis.extend(fields.as_object().unwrap().clone());
    serde_json::from_value::<CanaryRolloutSpec>(spec).unwrap().freeze(siskin_api::Order::SurgeFirst)
}

#[test]
fn the_judge_is_told_what_the_spec_says() {
    let bounds = json!({
        "query": "q", "min": "-1.5", "failureLimit": 7, "against": "Primary",
    });
    let told = definitions(&plan(&json!({
        "metrics": [
            {"name": "m", "threshold": bounds},
            {"name": "r", "ratio": {"events": "a", "total": "b"}},
        ],
        "checks": [{"name": "latency_p99", "lessThan": "0.5", "greaterThan": "0.001"}],
    })));
    let threshold = Threshold {
        min: Some(-1.5),
        max: None,
        failure_limit: 7,
        against: Against::Primary,
        scope: Scope::Pods,
    };
    let check = Check { less_than: Some(0.5), greater_than: Some(0.001), failure_limit: 3 };
    let expected = [
        ("m", UserRule::Threshold(threshold)),
        ("r", UserRule::Ratio),
        ("latency_p99", UserRule::Check(check)),
    ];
    assert_eq!(*told, expected.map(|(name, rule)| UserMetric { name: name.into(), rule }));
}

/// A name that the judge does not know would be a check that is never made.
#[test]
fn every_check_of_a_spec_is_one_that_the_judge_knows() {
    let names = [
        CheckName::ErrorRate,
        CheckName::LatencyP99,
        CheckName::SuccessRate,
        CheckName::MemoryUsage,
    ];
    let known = names.map(|it| Measure::called(it.as_str()).expect("a check"));
    assert!(Measure::ALL.iter().all(|it| known.contains(it)));
    let checks = names.map(|it| json!({"name": it.as_str(), "lessThan": "1"}));
    let told = definitions(&plan(&json!({"checks": checks})));
    assert_eq!((told.len(), check_user_metrics(&told)), (4, Ok(())));
}

/// What a spec is accepted for is what is read then.
#[test]
fn a_preset_names_the_series_that_it_is_said_to_name() {
    for (ours, theirs) in [
        (Preset::Micrometer, siskin_prometheus::Preset::Micrometer),
        (Preset::SpringKafka, siskin_prometheus::Preset::SpringKafka),
        (Preset::OpenTelemetryJava, siskin_prometheus::Preset::OpenTelemetryJava),
        (Preset::JmxExporter, siskin_prometheus::Preset::JmxExporter),
    ] {
        let series = theirs.series();
        for (field, named) in [
            (SeriesField::Consumed, series.consumed.is_some()),
            (SeriesField::Processed, series.processed.is_some()),
            (SeriesField::Errors, series.errors.is_some()),
            (SeriesField::Latency, series.latency.is_some()),
        ] {
            assert_eq!(ours.names(field), named, "{ours:?} {field:?}");
        }
    }
}
