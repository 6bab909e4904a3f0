//! Names given and names accepted, collisions included. No API server is asked.

use serde_json::json;

use super::*;

fn template(spec: &Value) -> PodTemplate {
    PodTemplate::of(&json!({"metadata": {"labels": {"app": "orders"}}, "spec": spec}))
}

/// Changes that the first release could not see: one key for both, so never rolled out.
fn unseen_changes() -> [(Value, Value); 3] {
    let tolerations = |it| json!({"tolerations": it});
    let terms = |it| {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            {"nodeSelectorTerms": it}}}})
    };
    let env_from = |it| json!({"containers": [{"name": "c", "envFrom": it}]});
    let (fields, expressions) = (json!([{"key": "a"}]), json!([{"key": "b"}]));
    [
        (
            tolerations(json!([{"effect": "NoSchedule", "key": "a"}])),
            tolerations(json!([{"effect": "NoSchedule"}, {"key": "a"}])),
        ),
        (
            terms(json!([{"matchExpressions": expressions, "matchFields": fields}])),
            terms(json!([{"matchExpressions": expressions}, {"matchFields": fields}])),
        ),
        (
            env_from(json!([{"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}])),
            env_from(json!([{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "b"}}])),
        ),
    ]
}

#[test]
fn elements_of_arrays_are_told_apart() {
    for (one, two) in unseen_changes() {
        let (a, b) = (template(&one), template(&two));
        assert_eq!(first_form(a.json()), first_form(b.json()), "the first release's fault");
        assert_ne!(a.content_key(), b.content_key());
        assert_ne!(name_of(&a, &[]), name_of(&b, &[]));
    }
}

#[test]
fn a_template_frozen_by_the_first_release_keeps_its_name_and_lends_it_to_no_other() {
    for (one, two) in unseen_changes() {
        let (a, b) = (template(&one), template(&two));
        let old = first_form(a.json());
        assert!(may_have(&a, a.json(), old));
        let known = [Named { revision: old, template: &a }];
        assert_eq!(name_of(&a, &known), old, "no new trial");
        assert_ne!(name_of(&b, &known), old);
    }
}

#[test]
fn a_name_that_another_template_has_is_not_given_again() {
    let (ours, other) = (template(&json!({"a": 1})), template(&json!({"b": 2})));
    let first = name_of(&ours, &[]);
    let taken = [Named { revision: first, template: &other }];
    let second = name_of(&ours, &taken);
    assert_ne!(first, second);
    assert!(may_have(&ours, ours.json(), second), "it is known again by that name");
    assert!(!may_have(&other, other.json(), second));
    let both = [taken[0], Named { revision: second, template: &ours }];
    assert_eq!(name_of(&ours, &both), second, "and keeps it");
    assert_eq!(name_of(&other, &both), first);
}

#[test]
fn a_template_under_a_foreign_name_is_not_believed() {
    let ours = template(&json!({"a": 1}));
    assert!(!may_have(&ours, ours.json(), Revision(7)));
}
