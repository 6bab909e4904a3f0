//! Labels that the children take over from the target: policies and people select by them. Pure.
//! Never those by which a tool finds what it has made: it would prune a child that is not in Git.

use std::collections::BTreeMap;

use serde_json::Value;
use siskin_api::annotations::{TAKEN_LABELS, TARGET};

/// Prefixes of labels by which tools track, own or prune: each of them deletes objects that carry
/// its label and are not in its manifests (any more), or takes them for its own. Ours stands first.
const NOT_TAKEN_PREFIXES: [&str; 15] = [
    "siskin.dev/",
    // Argo CD, with a tracking label of its own.
    "argocd.argoproj.io/",
    // Flux: `kustomize.toolkit.fluxcd.io`, `helm.toolkit.fluxcd.io`.
    "toolkit.fluxcd.io/",
    // kapp selects by `kapp.k14s.io/app` what it deletes.
    "k14s.io/",
    // Rancher, Fleet, k3s: `objectset.rio.cattle.io/hash` selects what is pruned.
    "cattle.io/",
    // kubectl apply --prune --applyset.
    "applyset.kubernetes.io/",
    // The addon manager prunes by `addonmanager.kubernetes.io/mode`.
    "addonmanager.kubernetes.io/",
    // Helm's annotations, where someone has made labels of them.
    "meta.helm.sh/",
    // The Operator Lifecycle Manager: `olm.owner`, `operators.coreos.com/<name>`.
    "olm.",
    "operators.coreos.com/",
    // Config Sync, and cli-utils, on which it is built.
    "configsync.gke.io/",
    "cli-utils.sigs.k8s.io/",
    "skaffold.dev/",
    "qbec.io/",
    "projectsveltos.io/",
];

/// Says who manages an object: of a child that is Siskin, whatever it says of the target.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// A name for people, and the default label by which Argo CD tracks before 3.0.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// Annotations that tell that it is not Argo CD's tracking label that stands in [`INSTANCE`]: Argo CD
/// tracks by annotation, or Helm has made the object itself.
const INSTANCE_IS_A_NAME: [&str; 2] =
    ["argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name"];

/// The labels that the children take from `metadata` of the target; or, while it is missing, those
/// that a child has taken from it.
#[must_use]
pub fn taken(metadata: &Value) -> BTreeMap<String, String> {
    let labels = metadata["labels"].as_object().into_iter().flatten();
    let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    if metadata["labels"].get(TARGET).is_some() {
        let known = remembered(metadata);
        return labels.filter(|(key, _)| known.contains(&key.as_str())).collect();
    }
    labels.filter(|(key, _)| is_taken(key, metadata)).collect()
}

/// Keys of labels that a child has taken from its target, from the child's `metadata`.
pub(crate) fn remembered(metadata: &Value) -> Vec<&str> {
    let keys = metadata["annotations"][TAKEN_LABELS].as_str().unwrap_or_default();
    keys.split(',').filter(|it| !it.is_empty() && !is_ours(it)).collect()
}

/// What a child remembers of the labels it has taken: one that is gone from the target goes from
/// the child, and one that a policy has put on the child stays.
pub(crate) fn memory(labels: &BTreeMap<String, String>) -> Option<String> {
    let keys: Vec<_> = labels.keys().map(String::as_str).collect();
    (!keys.is_empty()).then(|| keys.join(","))
}

fn is_ours(key: &str) -> bool {
    key.starts_with(NOT_TAKEN_PREFIXES[0])
}

fn is_taken(key: &str, metadata: &Value) -> bool {
    let annotated = |it: &&str| metadata["annotations"].get(*it).is_some();
    let tracks = |prefix: &str| {
        let domain = key.find(prefix);
        domain.is_some_and(|at| at == 0 || key.as_bytes()[at - 1] == b'.')
    };
    match key {
        MANAGED_BY => false,
        INSTANCE => INSTANCE_IS_A_NAME.iter().any(annotated),
        _ => !NOT_TAKEN_PREFIXES.into_iter().any(tracks),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(metadata: &Value) -> Vec<String> {
        taken(metadata).into_keys().collect()
    }

    #[test]
    fn labels_that_people_select_by_are_taken_and_those_that_tools_prune_by_are_not() {
        let labels = json!({
            "app": "orders", "team": "payments", "app.kubernetes.io/name": "orders",
            "helm.sh/chart": "orders-1.2.3", "example.com/cost-center": "7",
            "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "orders",
            "argocd.argoproj.io/instance": "orders", "kustomize.toolkit.fluxcd.io/name": "apps",
            "helm.toolkit.fluxcd.io/namespace": "apps", "kapp.k14s.io/app": "1",
            "objectset.rio.cattle.io/hash": "abc", "fleet.cattle.io/bundle-name": "b",
            "applyset.kubernetes.io/part-of": "applyset-x",
            "addonmanager.kubernetes.io/mode": "Reconcile", "olm.owner": "x",
            "operators.coreos.com/orders.shop": "", "skaffold.dev/run-id": "1",
            "qbec.io/application": "x", "siskin.dev/role": "primary",
        });
        let own = ["app", "app.kubernetes.io/name", "example.com/cost-center", "helm.sh/chart"];
        let expected = [&own[..], &["team"]].concat();
        assert_eq!(keys(&json!({"labels": labels})), expected);
        assert_eq!(keys(&json!({})), Vec::<String>::new());
    }

    #[test]
    fn the_instance_is_taken_where_argo_cd_does_not_track_by_it() {
        let of = |annotation: &str| {
            let annotations = json!({annotation: "orders"});
            keys(&json!({"labels": {INSTANCE: "orders"}, "annotations": annotations}))
        };
        assert_eq!(of("argocd.argoproj.io/tracking-id"), [INSTANCE]);
        assert_eq!(of("meta.helm.sh/release-name"), [INSTANCE]);
        assert_eq!(of("else"), Vec::<String>::new());
    }

    #[test]
    fn while_the_target_is_missing_a_child_says_what_it_has_taken() {
        let child = json!({
            "labels": {TARGET: "orders", "app": "orders", "scanned": "by-a-policy"},
            "annotations": {TAKEN_LABELS: "app,gone"},
        });
        assert_eq!(keys(&child), ["app"]);
        assert_eq!(remembered(&child), ["app", "gone"]);
        assert_eq!(memory(&taken(&child)).as_deref(), Some("app"));
    }
}
