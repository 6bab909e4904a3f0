//! The scenario's namespace as its user reaches it: objects by kind, as JSON.

use anyhow::{Context, Result};
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::Value;

/// Label of every namespace that a scenario of a test makes: the next run removes what is left of it. On an object of the
/// whole cluster it names the scenario's namespace.
pub const LABEL: &str = "siskin.dev/e2e";

/// The field manager of a scenario's user, as kubectl calls itself.
pub(super) const MANAGER: &str = "kubectl";

/// Kinds that scenarios touch, each under the name that Kubernetes gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
pub enum ObjectKind {
    /// apps/v1.
    Deployment,
    /// apps/v1.
    ControllerRevision,
    /// siskin.dev/v1alpha1.
    CanaryRollout,
    /// events.k8s.io/v1.
    Event,
    /// v1.
    Pod,
    /// v1.
    Secret,
    /// v1.
    ResourceQuota,
    /// autoscaling/v2.
    HorizontalPodAutoscaler,
    /// coordination.k8s.io/v1.
    Lease,
    /// keda.sh/v1alpha1.
    ScaledObject,
    /// kustomize.toolkit.fluxcd.io/v1.
    Kustomization,
    /// source.toolkit.fluxcd.io/v1.
    GitRepository,
}

impl ObjectKind {
    fn resource(self) -> ApiResource {
        let (group, version) = match self {
            Self::Deployment | Self::ControllerRevision => ("apps", "v1"),
            Self::CanaryRollout => ("siskin.dev", "v1alpha1"),
            Self::Event => ("events.k8s.io", "v1"),
            Self::Pod | Self::Secret | Self::ResourceQuota => ("", "v1"),
            Self::HorizontalPodAutoscaler => ("autoscaling", "v2"),
            Self::Lease => ("coordination.k8s.io", "v1"),
            Self::ScaledObject => ("keda.sh", "v1alpha1"),
            Self::Kustomization => ("kustomize.toolkit.fluxcd.io", "v1"),
            Self::GitRepository => ("source.toolkit.fluxcd.io", "v1"),
        };
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, self.into()))
    }
}

/// The objects of one namespace. An error is the API server's complaint.
#[derive(Clone)]
pub struct Objects {
    client: Client,
    namespace: String,
}

impl Objects {
    /// The objects of this namespace.
    #[must_use]
    pub fn of(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned() }
    }

    /// The API of one kind.
    #[must_use]
    pub fn api(&self, kind: ObjectKind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind.resource())
    }

    /// Reads one.
    pub async fn get(&self, kind: ObjectKind, name: &str) -> Result<DynamicObject> {
        self.api(kind).get(name).await.with_context(|| format!("reading {kind:?} {name}"))
    }

    /// Applies a manifest, server-side, as `manager`, without force.
    pub async fn apply_as(&self, kind: ObjectKind, manifest: &Value, manager: &str) -> Result<()> {
        let name = manifest["metadata"]["name"].as_str().context("a manifest has a name")?;
        let params = PatchParams::apply(manager);
        let applied = self.api(kind).patch(name, &params, &Patch::Apply(manifest)).await;
        applied.map(drop).with_context(|| format!("applying {kind:?} {name} as {manager}"))
    }

    /// Applies a manifest as the scenario's user does.
    pub async fn apply(&self, kind: ObjectKind, manifest: &Value) -> Result<()> {
        self.apply_as(kind, manifest, MANAGER).await
    }

    /// Merges fields into an object.
    pub async fn merge(&self, kind: ObjectKind, name: &str, fields: &Value) -> Result<()> {
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..Default::default() };
        let merged = self.api(kind).patch(name, &params, &Patch::Merge(fields)).await;
        merged.map(drop).with_context(|| format!("changing {kind:?} {name}"))
    }

    /// Deletes an object.
    pub async fn delete(&self, kind: ObjectKind, name: &str, how: DeleteParams) -> Result<()> {
        let deleted = self.api(kind).delete(name, &how).await;
        deleted.map(drop).with_context(|| format!("deleting {kind:?} {name}"))
    }
}
