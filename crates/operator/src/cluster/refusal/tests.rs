//! Words as API servers, policies and webhooks give them, and what is made of them.
//! No server is asked.

use std::collections::BTreeSet;

use serde_json::json;
use strum::IntoEnumIterator;

use super::*;

fn failed(code: u16, message: &str) -> CallFailed {
    let status = json!({"status": "Failure", "code": code, "reason": "", "message": message});
    let status = serde_json::from_value(status).unwrap();
    let source = CallError::Api(kube::Error::Api(status));
    CallFailed { verb: "patch", what: "Deployment orders-primary".to_owned(), source }
}

/// As servers, policy engines and webhooks word them.
const REFUSALS: [(u16, RefusalReason, &str); 15] = [
    (
        403,
        RefusalReason::NotPermitted,
        r#"deployments.apps "orders-primary" is forbidden: User "system:serviceaccount:siskin-system:siskin" cannot patch resource "deployments" in API group "apps" in the namespace "shop""#,
    ),
    (401, RefusalReason::NotPermitted, "Unauthorized"),
    (
        403,
        RefusalReason::QuotaExceeded,
        r#"deployments.apps "orders-primary" is forbidden: exceeded quota: objects, requested: count/deployments.apps=1, used: count/deployments.apps=2, limited: count/deployments.apps=2"#,
    ),
    (
        403,
        RefusalReason::WriteRefused,
        r#"admission webhook "validation.gatekeeper.sh" denied the request: [all-must-have-owner] you must provide labels: {"owner"}"#,
    ),
    (
        400,
        RefusalReason::WriteRefused,
        "admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\nresource Deployment/shop/orders-primary was blocked due to the following policies \n\nrequire-labels:\n  check-team: 'validation error: label team is required. rule check-team failed at path /metadata/labels/team/'\n",
    ),
    (
        500,
        RefusalReason::WriteRefused,
        r#"admission webhook "policy.example.com" denied the request without explanation"#,
    ),
    (
        409,
        RefusalReason::WriteRefused,
        r#"admission webhook "freeze.example.com" denied the request: change freeze until Monday"#,
    ),
    (
        422,
        RefusalReason::WriteRefused,
        r#"deployments.apps "orders-primary" is forbidden: ValidatingAdmissionPolicy 'team' with binding 'team' denied request: every Deployment needs the label team"#,
    ),
    (
        422,
        RefusalReason::WriteRefused,
        r#"ControllerRevision.apps "orders-1" is invalid: data: Forbidden: field is immutable"#,
    ),
    (
        403,
        RefusalReason::WriteRefused,
        r#"deployments.apps "orders-primary" is forbidden: unable to create new content in namespace shop because it is being terminated"#,
    ),
    (
        500,
        RefusalReason::WebhookUnavailable,
        r#"Internal error occurred: failed calling webhook "mutate.example.com": failed to call webhook: Post "https://hook.policies.svc:443/mutate?timeout=10s": context deadline exceeded"#,
    ),
    (
        500,
        RefusalReason::WebhookUnavailable,
        r#"Internal error occurred: failed calling webhook "x.example.com": failed to call webhook: the server is currently unable to handle the request"#,
    ),
    (504, RefusalReason::Unanswered, "Timeout: request did not complete within requested timeout"),
    (429, RefusalReason::Unanswered, "too many requests, please try again later"),
    (503, RefusalReason::Unanswered, "apiserver not ready"),
];

#[test]
fn a_refusal_is_known_by_what_servers_policies_and_webhooks_say() {
    for (code, reason, message) in REFUSALS {
        assert_eq!(failed(code, message).refusal(), Some(reason), "{code}: {message}");
    }
    let conflict = r#"Operation cannot be fulfilled on deployments.apps "orders": the object has been modified; please apply your changes to the latest version and try again"#;
    assert_eq!(failed(409, conflict).refusal(), None, "somebody else was faster");
}

/// The server's words for a Deployment of which one pod is on a dead node, deleted by `kubectl delete --cascade=foreground`.
#[test]
fn the_name_of_what_is_being_deleted_is_held_and_nobody_was_faster() {
    let words = r#"object is being deleted: deployments.apps "orders-primary" already exists"#;
    let refused = |words: &str| {
        let mut error = failed(409, words);
        if let CallError::Api(kube::Error::Api(status)) = &mut error.source {
            status.reason = "AlreadyExists".into();
        }
        error.refusal()
    };
    assert_eq!(refused(words), Some(RefusalReason::BeingDeleted));
    let made_meanwhile = r#"deployments.apps "orders-primary" already exists"#;
    assert_eq!(refused(made_meanwhile), None, "somebody else was faster");
}

#[test]
fn what_is_told_is_one_bounded_line() {
    for (code, _, message) in REFUSALS {
        let told = failed(code, &message.repeat(100)).told();
        assert!(told.starts_with("could not patch Deployment orders-primary: "), "{told}");
        assert!(told.chars().all(|it| !it.is_control()), "{told}");
        assert!(told.chars().count() <= MAX_WORDS + 60, "{told}");
    }
    assert!(failed(422, REFUSALS[7].2).told().ends_with("every Deployment needs the label team"));
}

#[test]
fn a_validation_error_that_repeats_the_template_tells_no_value_of_it() {
    let said = [
        r#"Deployment.apps "orders" is invalid: spec.template.spec: Invalid value: core.PodSpec{Containers:[]core.Container{core.Container{Env:[]core.EnvVar{core.EnvVar{Name:"PASSWORD", Value:"hunter2"}}}}}: field is immutable"#,
        r#"x is invalid: : Invalid value: "{\"spec\":{\"env\":[{\"name\":\"PASSWORD\",\"value\":\"hunter2\"}]}}": no"#,
        r#"Post "https://admin:hunter2@hook.svc:443/mutate": refused"#,
        r#"spec.x: Invalid value: {"password":"hunter2","open":{"#,
    ];
    for text in said {
        let told = words(text);
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(words(said[0]).ends_with("{…}: field is immutable"), "{}", words(said[0]));
    assert!(words(said[2]).contains("https://hook.svc:443/mutate"), "{}", words(said[2]));
}

#[test]
fn control_characters_and_odd_lengths_never_break_a_line() {
    let text: String = ('\0'..='\u{9f}').chain("é€\u{1F600}".chars()).cycle().take(5_000).collect();
    let told = words(&text);
    assert!(told.chars().all(|it| !it.is_control()) && told.chars().count() <= MAX_WORDS + 1);
    assert_eq!(words(""), "");
    assert_eq!(words("\"never closed"), "\"never closed\"");
}

#[test]
fn each_reason_says_what_to_do() {
    let remedies: BTreeSet<_> = RefusalReason::iter().map(RefusalReason::remedy).collect();
    assert_eq!(remedies.len(), RefusalReason::iter().count());
}
