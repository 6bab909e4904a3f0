//! A hand-back that leaves anything out, adds anything or changes anything is noticed, in each of the Deployments that were
//! written by hand. Whatever is changed here no operator has to change first.

use serde_json::Map;

use super::*;
use crate::courses::manifest::written;

/// Each value in it changed, taken out, or with one more beside it: one thing in each copy.
fn mutilated(whole: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    collect(whole, String::new(), &mut places);
    let mut all = Vec::new();
    for place in places {
        let change = |change: &dyn Fn(&mut Value)| {
            let mut copy = whole.clone();
            if let Some(it) = copy.pointer_mut(&place) {
                change(it);
            }
            copy
        };
        all.push(change(&|it| *it = another(it)));
        all.push(change(&|it| match it {
            Value::Object(fields) => drop(fields.insert("more".into(), json!("x"))),
            Value::Array(items) => items.push(json!("x")),
            Value::String(text) => *text = text.clone() + " ",
            Value::Null | Value::Bool(_) | Value::Number(_) => *it = another(it),
        }));
        let Some((parent, field)) = place.rsplit_once('/') else { continue };
        let mut copy = whole.clone();
        match copy.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(&unescaped(field))),
            Some(Value::Array(items)) => drop(field.parse().map(|it: usize| items.remove(it))),
            Some(_) | None => {}
        }
        all.push(copy);
    }
    all
}

/// The place of each value, the whole among them.
fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    let none = Map::new();
    for (name, it) in value.as_object().unwrap_or(&none) {
        collect(it, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), places);
    }
    for (index, it) in value.as_array().into_iter().flatten().enumerate() {
        collect(it, format!("{at}/{index}"), places);
    }
    places.push(at);
}

fn unescaped(field: &str) -> String {
    field.replace("~1", "/").replace("~0", "~")
}

fn another(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => json!("other"),
        Value::Number(_) | Value::Object(_) | Value::Array(_) => Value::Null,
        // As an encoder that escapes once too often.
        Value::String(text) => json!(format!("\\u003c{text}")),
    }
}

/// As its user wrote it, and with what controllers and the operator leave in its annotations.
fn handed_back(wrote: &DynamicObject) -> DynamicObject {
    let mut left = wrote.clone();
    let annotations = left.metadata.annotations.get_or_insert_default();
    annotations.insert("deployment.kubernetes.io/revision".into(), "7".into());
    left.data["spec"]["replicas"] = json!(2);
    left
}

#[test]
fn a_deployment_that_is_as_it_was_left_is_found_so() {
    for wrote in written().expect("they can be read") {
        as_left(&handed_back(&wrote), &wrote, 2).expect("nothing was changed");
    }
}

#[test]
fn each_change_of_a_spec_is_noticed() {
    let mut count = 0;
    for wrote in written().expect("they can be read") {
        let left = handed_back(&wrote);
        for spec in mutilated(&left.data["spec"]) {
            let mut left = left.clone();
            left.data["spec"] = spec;
            assert!(as_left(&left, &wrote, 2).is_err(), "not noticed: {}", left.data["spec"]);
            count += 1;
        }
    }
    assert!(1_000 < count, "{count} changes are too few");
}

#[test]
fn a_label_an_annotation_and_a_count_too_many_or_too_few_are_noticed() {
    let all = written().expect("they can be read");
    let wrote = all.iter().find(|it| it.metadata.annotations.iter().any(|it| !it.is_empty()));
    let wrote = wrote.expect("one has annotations");
    let told = |change: &dyn Fn(&mut DynamicObject)| {
        let mut left = handed_back(wrote);
        change(&mut left);
        as_left(&left, wrote, 2).err().map(|it| it.to_string()).unwrap_or_default()
    };
    let annotate = |key: &'static str| {
        move |it: &mut DynamicObject| {
            let all = it.metadata.annotations.get_or_insert_default();
            drop(all.insert(key.into(), "x".into()));
        }
    };
    assert!(told(&|it| it.metadata.labels = None).contains("labels"));
    assert!(told(&|it| it.metadata.annotations = None).contains("annotations"));
    assert!(told(&annotate("example.com/more")).contains("annotations"));
    assert!(told(&annotate(target::REPLICAS)).contains("count"));
    assert!(told(&annotate(target::WRITTEN)).contains("count"));
    assert!(as_left(&handed_back(wrote), wrote, 3).is_err());
}

#[test]
fn a_primary_may_differ_by_its_role_and_by_what_is_injected() {
    for wrote in written().expect("they can be read") {
        let own = &wrote.data["spec"]["template"];
        let mut child = own.clone();
        child["metadata"]["labels"]["siskin.dev/role"] = json!("primary");
        let container = &mut child["spec"]["containers"][0];
        let mut env = vec![json!({"name": "SISKIN_ROLE", "value": "primary"})];
        env.extend(container["env"].as_array().cloned().unwrap_or_default());
        container["env"] = json!(env);
        carried_over(own, child.clone()).expect("it differs by nothing else");
        child["spec"]["containers"][0]["env"][0]["name"] = json!("FOREIGN");
        assert!(carried_over(own, child).is_err(), "a foreign variable");
    }
}

#[test]
fn each_change_of_a_primarys_template_is_noticed() {
    for wrote in written().expect("they can be read") {
        let own = &wrote.data["spec"]["template"];
        for child in mutilated(own) {
            assert!(carried_over(own, child.clone()).is_err(), "not noticed: {child}");
        }
    }
}
