//! Names given and names accepted, collisions included. No API server is asked.

use serde_json::json;
use siskin_api::CanaryOn;

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

/// Found by trying a million of them: templates whose keys have their first 40 bits in common.
#[test]
fn templates_whose_keys_begin_alike_are_two_versions_with_two_names() {
    let [a, b] = [604_395, 987_945].map(|it| template(&json!({"a": it})));
    let begin = |it: &PodTemplate| it.content_key() >> 88;
    assert_eq!(
        (begin(&a), begin(&b)),
        (0x90_dc92_0e9c, 0x90_dc92_0e9c),
        "the test tests something"
    );
    assert_ne!(a.content_key(), b.content_key());
    assert_ne!(a.trial_key(CanaryOn::Template), b.trial_key(CanaryOn::Template));
    let first = name_of(&a, &[]);
    assert_eq!(name_of(&b, &[]), first, "alone either has it");
    let second = name_of(&b, &[Named { revision: first, template: &a }]);
    assert_ne!(first, second);
    assert!(may_have(&b, b.json(), second) && !may_have(&a, a.json(), second));
    // Under `PodSpec` the pod spec alone is the key.
    let [a, b] = [2_074_002, 3_112_931].map(|it| template(&json!({"a": it})));
    let [a, b] = [a, b].map(|it| it.trial_key(CanaryOn::PodSpec).0);
    assert_eq!((a >> 88, b >> 88), (0x5f_46ab_7cee, 0x5f_46ab_7cee));
    assert_ne!(a, b, "a change that would never be tried");
}
