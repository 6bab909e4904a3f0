//! `CanaryGuard`: which Deployments of a namespace are kept drained, for the admission guard.
//! Written by the operator alone, and read by the API server's admission, never by the operator.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// Name of the one `CanaryGuard` of a namespace: the guard's policy asks for it by name.
pub const GUARD: &str = "siskin-guard";

/// Most targets that one `CanaryGuard` names. etcd takes 1.5 MiB, and each target costs some 450
/// bytes: up to 200 here, 190 of its owner reference, 60 of who manages that.
pub const MAX_TARGETS: usize = 2_500;

/// What the guard keeps drained.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, CustomResource, KubeSchema,
)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "siskin.dev",
    version = "v1alpha1",
    kind = "CanaryGuard",
    plural = "canaryguards",
    category = "siskin",
    namespaced,
    doc = "The Deployments of a namespace that Siskin has adopted and keeps drained, as the admission \
           guard reads them. Written by Siskin, one to a namespace; what is edited by hand is \
           written over. Each CanaryRollout that it speaks for is an owner of it: with the last one \
           it goes, and a target whose CanaryRollout is no owner any more is not guarded.",
    derive = "PartialEq",
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct CanaryGuardSpec {
    /// Names of adopted Deployments, each with the UID of its `CanaryRollout`.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 2500, "x-kubernetes-map-type" = "atomic"))]
    pub targets: BTreeMap<String, String>,
    /// Names of those whose autoscaler is kept pointed at the `CanaryRollout`, each with the name of that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 2500, "x-kubernetes-map-type" = "atomic"))]
    pub autoscaled: BTreeMap<String, String>,
}
