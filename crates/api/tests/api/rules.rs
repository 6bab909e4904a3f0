//! Each bound and each CEL rule of the spec, both ways: what it lets through and what it refuses.
//! The schema and `validate()` must agree on every case, so that neither can be loosened alone.

use std::error::Error;

use crate::schema::{minimal, violations};
use crate::{checks, metrics};
use serde_json::{Value, json};
use siskin_api::CanaryRolloutSpec;

/// `(pointer, value)`: the minimal spec with this one value, or without it if the value is null.
pub(crate) type Case = (&'static str, Value);

fn accepted() -> Vec<Case> {
    let hundred_topics = json!(vec!["t"; 100]);
    vec![
        ("/targetRef/name", json!("a".repeat(52))),
        ("/replicas", json!(0)),
        ("/replicas", json!(1000)),
        ("/suspend", json!(true)),
        ("/canaryOn", json!("ContainersOnly")),
        ("/podIdentity", json!("None")),
        ("/podNameEnv", json!(["SPRING_KAFKA_CONSUMER_CLIENT_ID", "client.id", "_x-1"])),
        ("/podNameEnv", (0..8).map(|it| json!(format!("N{it}"))).collect()),
        ("/podNameEnv", json!(["N".repeat(128)])),
        ("/strategy", json!({"stepWeight": 10, "maxWeight": 50})),
        ("/strategy", json!({"stepWeight": 99, "maxWeight": 99})),
        ("/strategy", json!({"stepWeight": 1, "maxWeight": 99})),
        ("/strategy/steps", json!([{"replicas": 1}, {"replicas": 2, "hold": "0s"}])),
        ("/strategy/steps", json!([{"weight": 1}, {"weight": 99, "approval": "Required"}])),
        ("/strategy/steps", (1..=20).map(|it| json!({"weight": it})).collect()),
        ("/strategy/steps/0/hold", json!("168h")),
        ("/strategy/hold", json!("0s")),
        ("/strategy/hold", json!("168h")),
        ("/strategy/order", json!("DrainFirst")),
        ("/strategy/maxConsumers", json!(1)),
        ("/strategy/warmUp", json!("24h")),
        ("/strategy/progressDeadline", json!("10s")),
        ("/strategy/progressDeadline", json!("24h")),
        ("/strategy/maxHold", json!("5m")),
        ("/strategy/maxHold", json!("504h")),
        (
            "/strategy",
            json!({"steps": [{"weight": 1, "hold": "1m"}], "hold": "9m", "maxHold": "1m"}),
        ),
        ("/strategy/onInconclusive", json!("Rollback")),
        ("/analysis/interval", json!("1s")),
        ("/analysis/interval", json!("1m")),
        ("/analysis/falseRollbackProbability", json!("0.000001")),
        ("/analysis/falseRollbackProbability", json!("0.2")),
        (
            "/analysis/kafka/bootstrapServers",
            json!(["k-0.k.ns.svc:9092", "10.0.0.1:1", "[fd00::1]:65535"]),
        ),
        ("/analysis/kafka/consumerGroup", json!("any group: ünïcode")),
        ("/analysis/kafka/topics", json!(["orders.v1", "_internal-x"])),
        ("/analysis/kafka/topics", hundred_topics),
        ("/analysis/kafka/credentialsSecretRef", json!({"name": "orders.kafka"})),
    ]
}

/// Names of variables that are refused.
fn refused_variables() -> Vec<Case> {
    vec![
        ("/podNameEnv", (0..9).map(|it| json!(format!("N{it}"))).collect()),
        ("/podNameEnv", json!([""])),
        ("/podNameEnv", json!(["1ST"])),
        ("/podNameEnv", json!(["CLIENT ID"])),
        ("/podNameEnv", json!(["A;B"])),
        ("/podNameEnv", json!(["N".repeat(129)])),
        ("/podNameEnv", json!(["A", "A"])),
        ("/podNameEnv", json!(["POD_NAME"])),
        ("/podNameEnv", json!(["SISKIN_ROLE"])),
    ]
}

/// Values of the right type, but out of bounds or against a rule: both the API server and the operator
/// must refuse it.
fn refused() -> Vec<Case> {
    vec![
        ("/targetRef/name", json!("")),
        ("/targetRef/name", json!("a".repeat(53))),
        ("/targetRef/name", json!("Orders")),
        ("/targetRef/name", json!("or.ders")),
        ("/targetRef/name", json!("-orders")),
        ("/replicas", json!(-1)),
        ("/replicas", json!(1001)),
        ("/strategy", json!({})),
        ("/strategy/stepWeight", json!(10)),
        ("/strategy/maxWeight", json!(10)),
        ("/strategy", json!({"steps": [{"weight": 1}], "stepWeight": 10, "maxWeight": 50})),
        ("/strategy", json!({"stepWeight": 10})),
        ("/strategy", json!({"maxWeight": 10})),
        ("/strategy", json!({"stepWeight": 51, "maxWeight": 50})),
        ("/strategy", json!({"stepWeight": 0, "maxWeight": 50})),
        ("/strategy", json!({"stepWeight": 10, "maxWeight": 100})),
        ("/strategy/steps", (1..=21).map(|it| json!({"weight": it})).collect()),
        ("/strategy/steps", json!([{}])),
        ("/strategy/steps", json!([{"hold": "1m"}])),
        ("/strategy/steps", json!([{"weight": 1, "replicas": 1}])),
        ("/strategy/steps", json!([{"weight": 1}, {"replicas": 2}])),
        ("/strategy/steps", json!([{"weight": 0}])),
        ("/strategy/steps", json!([{"weight": 100}])),
        ("/strategy/steps", json!([{"replicas": 0}])),
        ("/strategy/steps", json!([{"replicas": 1001}])),
        ("/strategy/steps", json!([{"weight": 10}, {"weight": 10}])),
        ("/strategy/steps", json!([{"weight": 50}, {"weight": 10}])),
        ("/strategy/steps", json!([{"replicas": 3}, {"replicas": 3}])),
        ("/strategy/steps", json!([{"replicas": 1}, {"replicas": 3}, {"replicas": 2}])),
        ("/strategy/steps/0/hold", json!("168h1s")),
        ("/strategy/hold", json!("169h")),
        ("/strategy/maxConsumers", json!(0)),
        ("/strategy/maxConsumers", json!(2001)),
        ("/strategy/warmUp", json!("25h")),
        ("/strategy/progressDeadline", json!("9s")),
        ("/strategy/progressDeadline", json!("24h1s")),
        ("/strategy/maxHold", json!("504h1s")),
        ("/strategy/maxHold", json!("4m59s")),
        (
            "/strategy",
            json!({"steps": [{"weight": 1, "hold": "9m"}], "hold": "1m", "maxHold": "8m"}),
        ),
        ("/strategy", json!({"stepWeight": 1, "maxWeight": 9, "hold": "9m", "maxHold": "8m"})),
        ("/analysis/interval", json!("0s")),
        ("/analysis/interval", json!("5m1s")),
        ("/analysis/falseRollbackProbability", json!("0.200001")),
        ("/analysis/falseRollbackProbability", json!("0.99")),
        ("/analysis/kafka/bootstrapServers", json!([])),
        ("/analysis/kafka/bootstrapServers", json!(vec!["k:1"; 21])),
        ("/analysis/kafka/bootstrapServers", json!(["kafka"])),
        ("/analysis/kafka/bootstrapServers", json!(["kafka:0"])),
        ("/analysis/kafka/bootstrapServers", json!(["kafka:65536"])),
        ("/analysis/kafka/bootstrapServers", json!(["kafka:+9092"])),
        ("/analysis/kafka/bootstrapServers", json!(["a:9092,b:9092"])),
        ("/analysis/kafka/bootstrapServers", json!(["http://kafka:9092"])),
        ("/analysis/kafka/bootstrapServers", json!(["[]:9092"])),
        ("/analysis/kafka/bootstrapServers", json!([format!("{}:9092", "k".repeat(256))])),
        ("/analysis/kafka/consumerGroup", json!("")),
        ("/analysis/kafka/consumerGroup", json!("g".repeat(256))),
        ("/analysis/kafka/topics", json!([""])),
        ("/analysis/kafka/topics", json!(["a b"])),
        ("/analysis/kafka/topics", json!(["t".repeat(250)])),
        ("/analysis/kafka/topics", json!(vec!["t"; 101])),
        ("/analysis/kafka/credentialsSecretRef", json!({"name": ""})),
        ("/analysis/kafka/credentialsSecretRef", json!({"name": "Orders"})),
        ("/analysis/kafka/credentialsSecretRef", json!({"name": "o".repeat(254)})),
    ]
}

/// Not of the right type: the API server must refuse it, and the operator can't read it.
fn unreadable() -> Vec<Case> {
    vec![
        ("/targetRef/kind", json!("StatefulSet")),
        ("/targetRef/apiVersion", json!("apps/v1beta1")),
        ("/targetRef/name", Value::Null),
        ("/canaryOn", json!("Everything")),
        ("/strategy/steps/0/approval", json!("required")),
        ("/strategy/hold", json!("")),
        ("/strategy/hold", json!("1d")),
        ("/strategy/hold", json!("1.5h")),
        ("/strategy/hold", json!("30m1h")),
        ("/strategy/hold", json!("-1s")),
        ("/strategy/hold", json!("10")),
        ("/strategy/hold", json!(300)),
        ("/strategy/hold", json!("1000000s")),
        ("/podIdentity", json!("inject")),
        // CEL's duration() reads these: only the pattern refuses them.
        ("/strategy/steps/0/hold", json!("1.5h")),
        ("/strategy/warmUp", json!("1.5h")),
        ("/strategy/progressDeadline", json!("1.5h")),
        ("/strategy/maxHold", json!("1.5h")),
        ("/analysis/interval", json!("1000ms")),
        ("/strategy/onInconclusive", json!("Abort")),
        ("/strategy/order", json!("Surge")),
        ("/analysis/kafka", Value::Null),
        ("/analysis/kafka/consumerGroup", Value::Null),
        ("/analysis/falseRollbackProbability", json!("0.0")),
        ("/analysis/falseRollbackProbability", json!("1")),
        ("/analysis/falseRollbackProbability", json!("1e-2")),
        ("/analysis/falseRollbackProbability", json!("0.0000001")),
        ("/analysis/falseRollbackProbability", json!(0.01)),
    ]
}

fn spec_with(case: &Case) -> Value {
    let (pointer, value) = case;
    let mut spec = minimal();
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let fields = spec.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    if value.is_null() {
        fields.remove(field);
    } else {
        fields.insert(field.to_owned(), value.clone());
    }
    spec
}

#[test]
fn names_of_variables_need_an_identity_that_is_injected() -> Result<(), Box<dyn Error>> {
    for (identity, names, passes) in
        [("Inject", json!(["A"]), true), ("None", json!([]), true), ("None", json!(["A"]), false)]
    {
        let mut spec = minimal();
        (spec["podIdentity"], spec["podNameEnv"]) = (json!(identity), names);
        let found = violations(&spec, None);
        assert_eq!(found.is_empty(), passes, "{identity}: {found:?}");
        let typed: CanaryRolloutSpec = serde_json::from_value(spec)?;
        assert_eq!(typed.validate().is_ok(), passes, "{identity}");
    }
    Ok(())
}

#[test]
fn what_is_right_passes_the_schema_and_the_operator() -> Result<(), Box<dyn Error>> {
    for case in accepted().into_iter().chain(metrics::accepted()).chain(checks::accepted()) {
        let spec = spec_with(&case);
        assert_eq!(violations(&spec, None), Vec::<String>::new(), "{case:?}");
        assert_eq!(
            serde_json::from_value::<CanaryRolloutSpec>(spec)?.validate(),
            Ok(()),
            "{case:?}"
        );
    }
    Ok(())
}

#[test]
fn what_is_wrong_is_refused_by_the_schema_and_by_the_operator() -> Result<(), Box<dyn Error>> {
    for case in [refused(), refused_variables(), metrics::refused(), checks::refused()].concat() {
        let spec = spec_with(&case);
        assert_ne!(violations(&spec, None), Vec::<String>::new(), "{case:?}");
        let errors = match serde_json::from_value::<CanaryRolloutSpec>(spec)?.validate() {
            Ok(()) => panic!("the operator takes {case:?}"),
            Err(errors) => errors,
        };
        let path = format!("spec{}", case.0.replace("/0/", "[0].").replace('/', "."));
        let named =
            errors.iter().any(|it| it.field.starts_with(&path) || path.starts_with(&it.field));
        assert!(named, "{case:?} is blamed on {errors:?}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_read_is_refused_by_the_schema() {
    for case in unreadable().into_iter().chain(metrics::unreadable()).chain(checks::unreadable()) {
        let spec = spec_with(&case);
        assert_ne!(violations(&spec, None), Vec::<String>::new(), "{case:?}");
        assert!(serde_json::from_value::<CanaryRolloutSpec>(spec).is_err(), "{case:?}");
    }
}

#[test]
fn the_target_cannot_be_changed_and_the_rest_can() {
    let old = minimal();
    let other_target = spec_with(&("/targetRef/name", json!("payments")));
    let found = violations(&other_target, Some(&old));
    assert!(found.iter().any(|it| it.contains("targetRef cannot be changed")), "{found:?}");

    let longer = spec_with(&("/strategy/hold", json!("10m")));
    assert_eq!(violations(&longer, Some(&old)), Vec::<String>::new());
}

#[test]
fn an_error_says_where_what_and_what_to_do() -> Result<(), Box<dyn Error>> {
    let case = ("/strategy/steps", json!([{"weight": 10}, {"weight": 5}]));
    let errors = serde_json::from_value::<CanaryRolloutSpec>(spec_with(&case))?.validate();
    let texts: Vec<_> = errors.err().into_iter().flatten().map(|it| it.to_string()).collect();
    let expected = "spec.strategy.steps[1]: 5 is not larger than the step before it, 10; \
                    make each step larger than the one before it";
    assert_eq!(texts, [expected]);
    Ok(())
}

#[test]
fn all_that_is_wrong_is_said_at_once() -> Result<(), Box<dyn Error>> {
    let mut spec = spec_with(&("/replicas", json!(-1)));
    spec["strategy"] = json!({"stepWeight": 60, "maxWeight": 50, "warmUp": "48h"});
    let errors = serde_json::from_value::<CanaryRolloutSpec>(spec)?.validate();
    let fields: Vec<_> = errors.err().into_iter().flatten().map(|it| it.field).collect();
    assert_eq!(fields, ["spec.replicas", "spec.strategy.stepWeight", "spec.strategy.warmUp"]);
    Ok(())
}
