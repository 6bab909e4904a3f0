//! How a `CanaryRollout` names other objects of its namespace: the target Deployment, Secrets.
//! Names only; nothing here says whether the object exists or what it holds.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Deployment in the namespace of the `CanaryRollout`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// API version of the target.
    #[serde(default)]
    pub api_version: TargetApiVersion,
    /// Kind of the target.
    #[serde(default)]
    pub kind: TargetKind,
    /// Name of the Deployment: a DNS label of at most 52 characters, so that the names that are
    /// made of it (`<name>-primary`, `<name>-canary`) fit into label values.
    #[schemars(length(min = 1, max = 52), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
}

/// API versions that can be a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TargetApiVersion {
    /// The group and version of Deployment.
    #[default]
    #[serde(rename = "apps/v1")]
    AppsV1,
}

/// Kinds that can be a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TargetKind {
    /// A Deployment of consumers.
    #[default]
    Deployment,
}

/// A Secret in the namespace of the `CanaryRollout`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
}
