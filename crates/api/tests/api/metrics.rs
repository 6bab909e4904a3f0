//! Sources of metrics and the user's own metrics: cases for the rules, and what cases can't say.
//! Each case is checked in `rules`, by the schema and by `validate()`.

use std::error::Error;

use serde_json::{Value, json};
use siskin_api::{CanaryRolloutSpec, Decimal, ParseUnitError};

use crate::rules::Case;
use crate::schema::minimal;

pub(crate) fn accepted() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        "http://prometheus.monitoring:9090",
        "http://p",
        "https://mimir.example.org/prometheus",
        "https://[fd00::1]:9090/select/0/prometheus/",
    ]
    .into_iter()
    .map(|it| ("/analysis/prometheus", json!({"address": it})))
    .collect();
    cases.extend([
        ("/analysis/prometheus", json!({
            "address": "http://p:9090", "credentialsSecretRef": {"name": "p"},
            "podLabel": "kubernetes_pod_name", "namespaceLabel": "_ns",
        })),
        ("/analysis/scrape", json!({"port": "metrics"})),
        ("/analysis/scrape", json!({"port": "m", "path": "/actuator/prometheus?x=y"})),
        ("/analysis", with(&json!({"scrape": {"port": "m"}, "series": {"consumed": "c_total"}}))),
        ("/analysis", with(&json!({
            "prometheus": {"address": "http://p"}, "series": {"preset": "Micrometer"},
        }))),
        ("/analysis", metric(&json!({"ratio": {"events": "a", "total": "b"}}))),
        ("/analysis", metric(&json!({"threshold": {"query": "q", "max": "0.5"}}))),
        ("/analysis", metric(&json!({
            "threshold": {"query": "q", "min": "-1", "max": "-1", "failureLimit": 0, "against": "Primary"},
        }))),
        ("/analysis", metric(&json!({
            "threshold": {"query": "q", "max": "1.5", "against": "Before", "scope": "Global"},
        }))),
        ("/analysis", metric(&json!({"threshold": {"query": "q", "max": "1", "scope": "Global"}}))),
    ]);
    cases
}

pub(crate) fn refused() -> Vec<Case> {
    let mut cases = no_addresses();
    let prometheus = json!({"address": "http://p"});
    cases.extend([
        ("/analysis/prometheus", json!({"address": "http://p", "podLabel": "a-b"})),
        ("/analysis/prometheus", json!({"address": "http://p", "namespaceLabel": "1"})),
        ("/analysis/prometheus", json!({"address": "http://p", "podLabel": "p".repeat(64)})),
        (
            "/analysis/prometheus",
            json!({
                "address": "http://p", "credentialsSecretRef": {"name": "P"},
            }),
        ),
        ("/analysis/scrape", json!({"port": ""})),
        ("/analysis/scrape", json!({"port": "-m"})),
        ("/analysis/scrape", json!({"port": "Metrics"})),
        ("/analysis/scrape", json!({"port": "a".repeat(16)})),
        ("/analysis/scrape", json!({"port": "m", "path": "metrics"})),
        ("/analysis/scrape", json!({"port": "m", "path": "/a b"})),
        ("/analysis", with(&json!({"prometheus": prometheus, "scrape": {"port": "m"}}))),
        ("/analysis/series", json!({"consumed": "c_total"})),
        ("/analysis", with(&json!({"prometheus": prometheus, "series": {"errors": ""}}))),
        ("/analysis/metrics", json!([{"name": "m", "threshold": {"query": "q", "max": "1"}}])),
        ("/analysis", metric(&json!({}))),
        (
            "/analysis",
            metric(&json!({
                "ratio": {"events": "a", "total": "b"}, "threshold": {"query": "q", "max": "1"},
            })),
        ),
        ("/analysis", metric(&json!({"ratio": {"events": "", "total": "b"}}))),
        ("/analysis", metric(&json!({"ratio": {"events": "a", "total": "b".repeat(2001)}}))),
        ("/analysis", metric(&json!({"threshold": {"query": "q"}}))),
        ("/analysis", metric(&json!({"threshold": {"query": "", "max": "1"}}))),
        ("/analysis", metric(&json!({"threshold": {"query": "q", "min": "1", "max": "0.5"}}))),
        (
            "/analysis",
            metric(&json!({
                "threshold": {"query": "q", "max": "1", "against": "Primary", "scope": "Global"},
            })),
        ),
        (
            "/analysis",
            metric(&json!({
                "threshold": {"query": "q", "max": "1", "failureLimit": 101},
            })),
        ),
        (
            "/analysis",
            metric(&json!({
                "threshold": {"query": "q", "max": "1", "failureLimit": -1},
            })),
        ),
        (
            "/analysis",
            metric(&json!({
                "name": "M", "ratio": {"events": "a", "total": "b"},
            })),
        ),
        (
            "/analysis",
            metric(&json!({
                "name": "m-", "ratio": {"events": "a", "total": "b"},
            })),
        ),
    ]);
    cases
}

fn no_addresses() -> Vec<Case> {
    let texts = [
        "",
        "p:9090",
        "ftp://p",
        "http://",
        "http://u:p@h",
        "http://h:x",
        "http://h?x=y",
        "http://h/#",
    ];
    texts.map(|it| ("/analysis/prometheus", json!({"address": it}))).to_vec()
}

pub(crate) fn unreadable() -> Vec<Case> {
    vec![
        ("/analysis/prometheus", json!({})),
        ("/analysis/scrape", json!({})),
        ("/analysis", with(&json!({"scrape": {"port": "m"}, "series": {"preset": "Anything"}}))),
        ("/analysis", metric(&json!({"threshold": {"query": "q", "max": 0.5}}))),
        ("/analysis", metric(&json!({"threshold": {"query": "q", "max": "1e3"}}))),
        ("/analysis", metric(&json!({"threshold": {"query": "q", "max": "1", "against": "Both"}}))),
        ("/analysis", metric(&json!({"ratio": {"events": "a"}}))),
    ]
}

#[test]
fn two_metrics_of_one_name_are_refused() -> Result<(), Box<dyn Error>> {
    let one = json!({"name": "m", "threshold": {"query": "q", "max": "1"}});
    let mut spec = minimal();
    spec["analysis"] = with(&json!({"prometheus": {"address": "http://p"}, "metrics": [one, one]}));
    let errors = serde_json::from_value::<CanaryRolloutSpec>(spec)?.validate();
    let fields: Vec<_> = errors.err().into_iter().flatten().map(|it| it.field).collect();
    assert_eq!(fields, ["spec.analysis.metrics[1].name"]);
    Ok(())
}

#[test]
fn decimals_are_exact_and_print_as_short_as_they_can() -> Result<(), ParseUnitError> {
    for (text, value, printed) in [
        ("0", 0.0, "0"),
        ("-3", -3.0, "-3"),
        ("0.50", 0.5, "0.5"),
        ("-0.000001", -0.000_001, "-0.000001"),
        ("999999999999.999999", 999_999_999_999.999_999, "999999999999.999999"),
    ] {
        let decimal: Decimal = text.parse()?;
        assert!((decimal.as_f64() - value).abs() < f64::EPSILON * value.abs().max(1.0), "{text}");
        assert_eq!(decimal.to_string(), printed);
    }
    for text in
        ["", "-", ".5", "5.", "1e3", "+1", "0x1", "1234567890123", "0.1234567", "NaN", "1,5"]
    {
        assert_eq!(text.parse::<Decimal>(), Err(ParseUnitError::Decimal(text.into())));
    }
    Ok(())
}

/// The minimal analysis with these fields beside its own.
pub(crate) fn with(fields: &Value) -> Value {
    let mut analysis = minimal()["analysis"].clone();
    let fields = fields.as_object().expect("an object").clone();
    analysis.as_object_mut().expect("an object").extend(fields);
    analysis
}

/// One metric of these fields, named unless they do, with a Prometheus to ask.
fn metric(fields: &Value) -> Value {
    let mut metric = json!({"name": "m"});
    metric
        .as_object_mut()
        .expect("an object")
        .extend(fields.as_object().expect("an object").clone());
    with(&json!({"prometheus": {"address": "http://p"}, "metrics": [metric]}))
}
