//! What an answer says of which pod, without a server.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus_http_query::response::Data;

use super::{Measured, measured};
use crate::answer;
use crate::error::Fault;
use crate::promql::TargetLabels;
use crate::test_server::vector;

fn of(body: &str) -> Result<Measured, Fault> {
    let data: Data = answer::read(200, body.as_bytes(), 10).expect("an answer");
    measured(&data, &TargetLabels::default().pod)
}

#[test]
fn a_users_query_yields_one_number_or_one_per_pod() {
    assert_eq!(of(&vector(&[])), Ok(Measured::Nothing));
    assert_eq!(of(&vector(&[("{}", "-2.5")])), Ok(Measured::One(-2.5)));
    assert_eq!(of(&vector(&[(r#"{"topic":"t"}"#, "3")])), Ok(Measured::One(3.0)));
    assert_eq!(of(&vector(&[("{}", "NaN")])), Ok(Measured::Nothing));
    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"+Inf"]}}"#;
    assert_eq!(of(scalar), Ok(Measured::Nothing));
    assert_eq!(of(&scalar.replace("+Inf", "6")), Ok(Measured::One(6.0)));
    let pods = vector(&[(r#"{"pod":"a"}"#, "1"), (r#"{"pod":"b"}"#, "-Inf")]);
    let expected = HashMap::from([(Arc::from("a"), 1.0)]);
    assert_eq!(of(&pods), Ok(Measured::PerPod(expected.clone())));
    assert_eq!(of(&vector(&[(r#"{"pod":"a"}"#, "1")])), Ok(Measured::PerPod(expected)));
    assert_eq!(of(&vector(&[(r#"{"pod":"a"}"#, "NaN")])), Ok(Measured::Nothing));
}

#[test]
fn ambiguous_answers_say_how_to_aggregate() {
    for body in [
        vector(&[(r#"{"topic":"t"}"#, "1"), (r#"{"topic":"u"}"#, "2")]),
        vector(&[(r#"{"pod":"a"}"#, "1"), (r#"{"pod":""}"#, "2")]),
        vector(&[(r#"{"pod":"a","t":"1"}"#, "1"), (r#"{"pod":"a","t":"2"}"#, "2")]),
    ] {
        let fault = of(&body).expect_err("ambiguous");
        assert!(fault.to_string().contains("aggregate"), "{fault}");
    }
}
