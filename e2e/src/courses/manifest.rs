//! Manifests of courses as objects, and the rollout that adopts one.
//! Asks nobody.

use anyhow::{Context as _, Result};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};
use siskin_api::CanaryRollout;

use crate::manifests;
use crate::scenario::RolloutSpec;

/// How the second version of a course comes to be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promotion {
    /// By a person's word that no trial is needed.
    Bypass,
    /// By a trial of a few seconds.
    Trial,
}

/// The Deployments that were written by hand.
pub(super) fn written() -> Result<Vec<DynamicObject>> {
    let all = manifests::written()?;
    let read = |it| serde_json::from_value(it).context("a Deployment that was written by hand");
    all.into_iter().map(read).collect()
}

/// `metadata` (labels, annotations) and `spec` as a Deployment of this name.
pub(super) fn object(name: &str, namespace: &str, mut made: Value) -> DynamicObject {
    let mut object = DynamicObject::new(name, &deployment()).within(namespace);
    object.metadata.labels = serde_json::from_value(made["metadata"]["labels"].take()).ok();
    object.metadata.annotations =
        serde_json::from_value(made["metadata"]["annotations"].take()).ok();
    object.data = json!({"spec": made["spec"].take()});
    object
}

/// Lets the Deployment's own controller roll out what it asks for.
pub(super) fn resume(deployment: &mut DynamicObject) {
    if let Some(spec) = deployment.data["spec"].as_object_mut() {
        spec.remove("paused");
    }
}

/// The rollout of a Deployment, with one step of half of the pods.
pub(super) fn rollout(
    name: &str,
    bootstrap: &str,
    group: &str,
    promotion: Promotion,
) -> Result<CanaryRollout> {
    let hold = match promotion {
        Promotion::Bypass => "1h",
        Promotion::Trial => "3s",
    };
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
    let spec = RolloutSpec::steps(&json!([{"weight": 50, "hold": hold}]));
    // Forty courses share two cores.
    let spec = spec.strategy("maxHold", "2h").strategy("progressDeadline", "5m");
    let manifest = spec.field("targetRef", target).manifest(name, bootstrap, group);
    Ok(serde_json::from_value(manifest)?)
}

pub(super) fn deployment() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"))
}
