//! Writes of autoscalers: only what they scale, and our annotation that says so. Neither stays ours: the
//! next apply of whoever holds them meets no conflict.

use serde_json::json;
use siskin_analysis::observation::Role;
use siskin_api::CanaryRollout;
use siskin_api::annotations::SCALE_TARGET;
use siskin_decide::{ScaleTo, ScalerKind, ScalerName};

use crate::apply::objects::Objects;
use crate::apply::writer::ApplyFailed;
use crate::cluster::autoscalers::AutoscalerFound;
use crate::cluster::patch::JsonPatch;
use crate::observe::scaling::marked;
use crate::process::metrics::Written;
use crate::workloads::children::child_name;

/// What an autoscaler is to name.
struct Reference<'a> {
    api_version: &'a str,
    kind: &'a str,
    name: &'a str,
}

impl Objects<'_> {
    /// Points an autoscaler of the target at the rollout.
    pub(super) async fn take_scale(&self, scaler: &ScalerName) -> Result<(), ApplyFailed> {
        use kube::Resource as _;
        let (api_version, kind) = (CanaryRollout::api_version(&()), CanaryRollout::kind(&()));
        let name = &self.world.name.name;
        let to = Reference { api_version: &api_version, kind: &kind, name };
        self.point(scaler, to, Some(marked(self.world.target_name()))).await
    }

    /// Points an autoscaler at a Deployment again.
    pub(super) async fn give_scale(
        &self,
        scaler: &ScalerName,
        to: ScaleTo,
    ) -> Result<(), ApplyFailed> {
        let target = self.world.target_name();
        let primary = child_name(target, Role::Primary);
        let name = match to {
            ScaleTo::Target => target,
            ScaleTo::Primary => &primary,
        };
        let to = Reference { api_version: "apps/v1", kind: "Deployment", name };
        self.point(scaler, to, None).await
    }

    /// Conditional on the autoscaler being the one that was seen.
    async fn point(
        &self,
        scaler: &ScalerName,
        to: Reference<'_>,
        mark: Option<String>,
    ) -> Result<(), ApplyFailed> {
        let found = self.world.scaling.find(scaler).ok_or(ApplyFailed::Gone("the autoscaler"))?;
        let kind = match scaler.kind {
            ScalerKind::HorizontalPodAutoscaler => Written::HorizontalPodAutoscaler,
            ScalerKind::ScaledObject => Written::ScaledObject,
        };
        let namespace = &self.world.name.namespace;
        let api = self.writer.cluster.autoscaler_api(scaler.kind, Some(namespace));
        let patch = reference(found, &to, mark);
        let written = self.writer.patch(kind, &api, &scaler.name, patch).await?;
        match self.writer.give_up_ownership(kind, &api, written).await {
            // Its own controller was faster: what is written stands, and the field stays ours until
            // somebody applies another value.
            Err(error) if error.is_conflict() => Ok(()),
            other => other.map(drop),
        }
    }
}

fn reference(found: &AutoscalerFound, to: &Reference<'_>, mark: Option<String>) -> JsonPatch {
    let mut patch = JsonPatch::onto(found.resource_version.as_deref());
    for (field, value) in [("apiVersion", to.api_version), ("kind", to.kind), ("name", to.name)] {
        patch = patch.set(&["spec", "scaleTargetRef", field], value);
    }
    let annotation = ["metadata", "annotations", SCALE_TARGET];
    match mark {
        Some(_) if !found.has_annotations => {
            patch.set(&["metadata", "annotations"], json!({SCALE_TARGET: mark}))
        }
        Some(mark) => patch.set(&annotation, mark),
        None if found.mark.is_some() => patch.remove(&annotation),
        None => patch,
    }
}
