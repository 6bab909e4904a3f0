//! Admission policies of one scenario's namespace: what the rules of a user's cluster refuse or change.
//! They are objects of the whole cluster, so each has its scenario's label, by which it is removed.

use anyhow::{Context as _, Result, ensure};
use kube::api::{ApiResource, GroupVersionKind};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::objects::LABEL;

const GROUP: &str = "admissionregistration.k8s.io";
const VERSION: &str = "v1";

/// Kinds that may outlive a scenario's namespace.
const KINDS: [&str; 5] = [
    "ValidatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy",
    "ValidatingWebhookConfiguration",
];

/// A rule of the cluster about writes of Deployments and of what freezes their templates.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) name: &'static str,
    rule: AdmissionRule,
}

#[derive(Clone, Debug)]
enum AdmissionRule {
    Refuses { resource: &'static str, unless: String, words: String },
    Changes { to: String },
    Down { resource: &'static str },
}

impl Policy {
    /// Refuses to create or update this resource of `apps`, unless the CEL expression holds, in these words.
    #[must_use]
    pub fn refuses(name: &'static str, resource: &'static str, unless: &str, words: &str) -> Self {
        let (unless, words) = (unless.to_owned(), words.to_owned());
        Self { name, rule: AdmissionRule::Refuses { resource, unless, words } }
    }

    /// Changes each Deployment that is created or updated to what the CEL expression, an apply configuration, says.
    #[must_use]
    pub fn changes(name: &'static str, to: &str) -> Self {
        Self { name, rule: AdmissionRule::Changes { to: to.to_owned() } }
    }

    /// Asks a webhook about each new object of this resource of the core group, and nobody answers there.
    #[must_use]
    pub fn of_a_webhook_that_is_down(name: &'static str, resource: &'static str) -> Self {
        Self { name, rule: AdmissionRule::Down { resource } }
    }

    /// The policy and its binding, for one namespace.
    pub(super) fn manifest(&self, namespace: &str) -> Value {
        let name = format!("{namespace}-{}", self.name);
        let metadata = json!({"name": name, "labels": {LABEL: namespace}});
        let rules = |resource: &str| {
            json!({"resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["v1"],
                "resources": [resource], "operations": ["CREATE", "UPDATE"],
            }]})
        };
        let bound = json!({"namespaceSelector": {
            "matchLabels": {"kubernetes.io/metadata.name": namespace},
        }});
        let object = |kind: &str, spec: Value| {
            let version = format!("{GROUP}/{VERSION}");
            json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})
        };
        let items = match &self.rule {
            AdmissionRule::Refuses { resource, unless, words } => vec![
                object(
                    "ValidatingAdmissionPolicy",
                    json!({
                        "matchConstraints": rules(resource),
                        "validations": [{"expression": unless, "message": words}],
                    }),
                ),
                object(
                    "ValidatingAdmissionPolicyBinding",
                    json!({
                        "policyName": name, "validationActions": ["Deny"], "matchResources": bound,
                    }),
                ),
            ],
            AdmissionRule::Changes { to } => vec![
                object(
                    "MutatingAdmissionPolicy",
                    json!({
                        "reinvocationPolicy": "Never",
                        "matchConstraints": rules("deployments"),
                        "mutations": [{
                            "patchType": "ApplyConfiguration",
                            "applyConfiguration": {"expression": to},
                        }],
                    }),
                ),
                object(
                    "MutatingAdmissionPolicyBinding",
                    json!({"policyName": name, "matchResources": bound}),
                ),
            ],
            AdmissionRule::Down { resource } => vec![json!({
                "apiVersion": format!("{GROUP}/{VERSION}"),
                "kind": "ValidatingWebhookConfiguration",
                "metadata": metadata,
                "webhooks": [{
                    "name": "down.example.com",
                    "admissionReviewVersions": ["v1"], "sideEffects": "None",
                    "failurePolicy": "Fail", "timeoutSeconds": 1,
                    // The port of discard: nobody listens.
                    "clientConfig": {"url": "https://127.0.0.1:9/"},
                    "namespaceSelector": bound["namespaceSelector"],
                    "rules": [{
                        "apiGroups": [""], "apiVersions": ["v1"],
                        "resources": [resource], "operations": ["CREATE"],
                    }],
                }],
            })],
        };
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }
}

/// The policies and bindings of an overlay, renamed and bound to one namespace.
pub(super) fn narrowed(overlay: &str, namespace: &str) -> Result<Value> {
    let mut items: Vec<Value> = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(overlay) {
        let mut object = Value::deserialize(document)?;
        // Roles for people are no part of what is in force.
        if !KINDS.iter().any(|it| object["kind"] == *it) {
            continue;
        }
        for field in ["/metadata/name", "/spec/policyName"] {
            if let Some(name) = object.pointer_mut(field) {
                let own = name.as_str().context("a name is a text")?;
                *name = json!(format!("{own}-{namespace}"));
            }
        }
        object["metadata"]["labels"][LABEL] = json!(namespace);
        if !object["spec"]["policyName"].is_null() {
            object["spec"]["matchResources"]["namespaceSelector"]["matchLabels"] =
                json!({"kubernetes.io/metadata.name": namespace});
        }
        items.push(object);
    }
    let bindings = items.iter().filter(|it| it["spec"]["policyName"].is_string()).count();
    ensure!(0 < bindings && bindings * 2 == items.len(), "policies and their bindings");
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

/// The kinds of policies and of what binds them.
pub(super) fn kinds() -> impl Iterator<Item = ApiResource> {
    KINDS.iter().map(|kind| ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, VERSION, kind)))
}
