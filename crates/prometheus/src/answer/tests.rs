//! Answers as Prometheus, Thanos, Mimir, VictoriaMetrics and proxies give them.
//! Texts only; no server.

use super::read as read_within;
use crate::data::{Data, VectorBounds};
use crate::error::Fault;
use crate::test_server::vector;

fn read(status: u16, body: &[u8], series: usize) -> Result<Data, Fault> {
    read_within(status, body, VectorBounds { pod: "pod", series })
}

fn fault(status: u16, body: &str) -> Fault {
    read(status, body.as_bytes(), 2).expect_err(body)
}

#[test]
fn vectors_and_scalars_are_data() {
    let body = vector(&[(r#"{"pod":"a"}"#, "1.5"), (r#"{"pod":"b"}"#, "NaN")]);
    match read(200, body.as_bytes(), 2) {
        Ok(Data::Vector(series)) => {
            assert!(series.len() == 2 && series[1].value.is_nan());
        }
        other => panic!("{other:?}"),
    }
    let scalar = r#"{"status":"success","isPartial":false,"warnings":null,"infos":["a hint"],
        "data":{"resultType":"scalar","result":[1700000012.345,"4"]}}"#;
    assert!(matches!(read(200, scalar.as_bytes(), 2), Ok(Data::Scalar(_))));
}

#[test]
fn incomplete_answers_are_none() {
    let whole = vector(&[(r#"{"pod":"a"}"#, "1")]);
    let with = |field: &str| whole.replacen('{', &format!("{{{field},"), 1);
    let partial = fault(200, &with(r#""warnings":["store\n10.0.0.7 is down","b"]"#));
    assert_eq!(partial, Fault::Partial { warning: "store 10.0.0.7 is down".to_owned() });
    assert_eq!(fault(200, &with(r#""isPartial":true"#)).name(), "Partial");
    let truncated = fault(200, &with(r#""warnings":["results truncated due to limit"]"#));
    assert_eq!(truncated, Fault::TooLarge { limit: 2, unit: "series" });
    assert!(read(200, with(r#""warnings":[]"#).as_bytes(), 2).is_ok());
    let info = r#""warnings":["PromQL info: metric might not be a counter"]"#;
    assert!(read(200, with(info).as_bytes(), 2).is_ok(), "it says nothing of completeness");
    let both = r#""warnings":["PromQL info: x","store is down"]"#;
    assert_eq!(fault(200, &with(both)), Fault::Partial { warning: "store is down".to_owned() });
    let three = vector(&[("{}", "1"), ("{}", "2"), ("{}", "3")]);
    assert_eq!(fault(200, &three), Fault::TooLarge { limit: 2, unit: "series" });
}

#[test]
fn kinds_that_are_no_number_are_unsupported() {
    let data = |kind: &str, result: &str| {
        format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
    };
    let native = r#"[{"metric":{"pod":"a"},"histogram":[1700000012,{"count":"3","sum":"1",
        "buckets":[[0,"1","2","3"]]}]}]"#;
    let Fault::Unsupported { found, remedy } = fault(200, &data("vector", native)) else {
        panic!("a native histogram was taken");
    };
    assert!(found.contains("native") && remedy.contains("classic"));
    assert_eq!(fault(200, &data("matrix", "[]")).name(), "Unsupported");
    assert_eq!(fault(200, &data("string", r#"[1,"a"]"#)).name(), "Unsupported");
    assert_eq!(fault(200, &data("vector", "{}")).name(), "Malformed");
    assert_eq!(fault(200, &data("vector", r#"[{"metric":{}}]"#)).name(), "Malformed");
    assert_eq!(fault(200, r#"{"status":"success","data":3}"#).name(), "Malformed");
}

#[test]
fn refusals_are_told_apart() {
    let error = |kind: &str| {
        format!(r#"{{"status":"error","errorType":"{kind}","error":"parse error: x"}}"#)
    };
    let refused = Fault::BadQuery { message: "parse error: x".to_owned() };
    assert_eq!(fault(400, &error("bad_data")), refused);
    assert_eq!(fault(422, &error("execution")), refused);
    // VictoriaMetrics gives the status as the type.
    assert_eq!(fault(422, &error("422")), refused);
    assert_eq!(fault(503, &error("timeout")).name(), "TimedOut");
    assert_eq!(fault(503, &error("canceled")).name(), "TimedOut");
    assert_eq!(fault(500, &error("internal")).name(), "Unreachable");
    assert_eq!(fault(429, &error("too_many_requests")).name(), "Unreachable");
    let long = error("bad_data").replace('x', &"é".repeat(5000));
    assert!(
        matches!(fault(400, &long), Fault::BadQuery { message } if message.chars().count() == 200)
    );
    assert_eq!(fault(400, "too long query").name(), "BadQuery");
    assert_eq!(fault(401, "no"), Fault::Unauthorized { status: 401 });
    assert_eq!(fault(403, &vector(&[])), Fault::Unauthorized { status: 403 });
    assert_eq!(fault(404, "404 page not found").name(), "Malformed");
    assert_eq!(fault(302, "").name(), "Malformed");
    assert_eq!(fault(502, "<html>bad gateway").name(), "Unreachable");
    assert_eq!(fault(200, "<html>log in").name(), "Malformed");
    assert_eq!(fault(500, &vector(&[])).name(), "Unreachable");
}

#[test]
fn a_body_that_is_no_answer_is_told_by_its_kind_and_length_alone() {
    for status in [200, 400, 404, 500] {
        let told = fault(status, "password=hunter2").to_string();
        assert!(!told.contains("hunter2") && told.contains("16 bytes of text"), "{told}");
    }
    assert!(fault(200, " <html>hunter2").to_string().contains("look like HTML"));
    assert!(
        fault(200, r#"{"token":"hunter2"}"#).to_string().contains("19 bytes that look like JSON")
    );
}
