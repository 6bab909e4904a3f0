//! Every list and text of the status at far more than its bound, by the schema of the CRD itself: a
//! field that is added later is in it.

use serde_json::{Map, Value, json};
use siskin_decide::testing::{NOW, progressing};
use siskin_decide::{
    Cause, Ending, Headway, Origin, PromotedBy, Promotion, Rest, Revision, Rollback, RolloutId,
    State, Termination, Trial,
};

use super::*;
use crate::persisted;

/// Items of each list, and characters of each text; the longest bound is 32,768.
const MANY: usize = 300;
const LONG: usize = 40_000;

fn schema() -> Value {
    let crd = serde_json::to_value(siskin_api::crd()).unwrap();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status").unwrap().clone()
}

/// What the schema describes, at its longest and beyond. The frozen plan has the bounds of the spec
/// that it is made of, and is left out.
fn monstrous(schema: &Value, name: &str) -> Option<Value> {
    if let Some(listed) = schema["enum"].as_array() {
        return listed.iter().find(|it| !it.is_null()).cloned();
    }
    Some(match schema["type"].as_str()? {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields.filter(|(name, _)| *name != "plan");
            let all = fields.filter_map(|(name, it)| Some((name.clone(), monstrous(it, name)?)));
            Value::Object(all.collect::<Map<_, _>>())
        }
        "array" => {
            let one = monstrous(&schema["items"], name)?;
            Value::Array(vec![one; MANY])
        }
        "string" if schema["format"] == "date-time" => json!("2026-11-28T00:00:00.000000Z"),
        // A phase, a cause, an RFC 3339 time: of a form, not of a length.
        "string" if name == "status" => json!("True"),
        "string" if name == "type" => json!("Ready"),
        "string" if name == "reason" && schema["pattern"].is_string() => json!("Reason"),
        "string" => json!("é".repeat(LONG)),
        "integer" => json!(7),
        "boolean" => json!(true),
        _ => return None,
    })
}

/// Where a value is longer than its schema takes.
fn too_long(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let over = |length: usize, keyword: &str| {
        schema[keyword].as_u64().is_some_and(|most| most < length as u64)
    };
    match value {
        Value::String(text) if over(text.chars().count(), "maxLength") => vec![path.to_owned()],
        Value::Array(items) => {
            let own = over(items.len(), "maxItems").then(|| path.to_owned());
            let each = items.iter().flat_map(|it| too_long(&schema["items"], it, path));
            own.into_iter().chain(each).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, it)| {
                too_long(&schema["properties"][name], it, &format!("{path}.{name}"))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    }
}

fn unbounded(schema: &Value, path: &str) -> Vec<String> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let below = fields.flat_map(|(name, it)| unbounded(it, &format!("{path}.{name}")));
    let items = schema["items"].is_object().then(|| unbounded(&schema["items"], path));
    let own = schema["type"] == "array" && schema["maxItems"].is_null();
    below.chain(items.into_iter().flatten()).chain(own.then(|| path.to_owned())).collect()
}

#[test]
fn a_status_at_full_length_is_one_that_the_api_server_takes() {
    let schema = schema();
    let value = monstrous(&schema, "").unwrap();
    assert!(30 < too_long(&schema, &value, "status").len(), "the test tests something");
    let mut status: CanaryRolloutStatus = serde_json::from_value(value).unwrap();
    // Names in it are printed from numbers; what else it holds is set by the test below.
    status.progress = None;
    fit(&mut status);
    let fitted = serde_json::to_value(&status).unwrap();
    assert_eq!(too_long(&schema, &fitted, "status"), Vec::<String>::new());
    let once = status.clone();
    fit(&mut status);
    assert_eq!(status, once, "what fits stays");
}

/// States with the longest that they can hold.
fn states() -> Vec<State> {
    let id = RolloutId { revision: Revision((1 << 40) - 1), attempt: RolloutId::MAX_ATTEMPT };
    let before = Rest::Failed { revision: id.revision, cause: Cause::DeadlineExceeded };
    let headway = Headway { reached: u32::MAX, since: NOW };
    let (promoted_by, cause) = (PromotedBy::NoTrialNeeded, Cause::DeadlineExceeded);
    let State::Trial(Trial { stage, .. }) = progressing().state else { panic!("it is on trial") };
    vec![
        State::AtRest(before),
        State::Trial(Trial { id, before, stage }),
        State::Promoting(Promotion { id, promoted_by, before, since: NOW, headway }),
        State::RollingBack(Rollback {
            id,
            cause,
            from: Origin::Promoting,
            before,
            since: NOW,
            headway,
        }),
        State::Terminating(Termination { ending: Ending::HandBack, headway }),
    ]
}

#[test]
fn the_progress_of_each_state_is_one_that_the_api_server_takes() {
    let schema = schema();
    for state in states() {
        let mut progress = persisted::write(&state, NOW).unwrap();
        progress.obstacle = Some("é".repeat(LONG));
        progress.started = Some(progress.since.clone());
        let before =
            CanaryRolloutStatus { progress: Some(progress), ..CanaryRolloutStatus::default() };
        let mut status = before.clone();
        fit(&mut status);
        let fitted = serde_json::to_value(&status).unwrap();
        assert_eq!(too_long(&schema, &fitted, "status"), Vec::<String>::new(), "{state:?}");
        let told = status.progress.as_ref().unwrap().obstacle.as_ref();
        assert!(told.is_some_and(|it| 1_000 < it.len()), "cut, and not dropped");
        let phase = Some(persisted::wire_phase(&state));
        let read =
            |it: CanaryRolloutStatus| persisted::read(Some(&CanaryRolloutStatus { phase, ..it }));
        assert_eq!(read(status), read(before), "nothing of the state is cut");
    }
}

#[test]
fn every_list_of_the_status_has_a_bound() {
    assert_eq!(unbounded(&schema(), "status"), Vec::<String>::new());
}
