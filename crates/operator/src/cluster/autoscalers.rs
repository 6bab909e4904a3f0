//! `HorizontalPodAutoscaler`s, and KEDA's `ScaledObject`s where they are installed: what each of them
//! scales. One that names something else than a rollout or a Deployment is nobody's business here.

use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, ResourceExt};
use serde_json::Value;

use crate::cluster::calls::{CallError, CallFailed, Cluster, call};

/// Objects asked for at a time.
const PAGE: u32 = 500;

/// What is scaled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scaled {
    /// A Deployment, by name.
    Deployment(Arc<str>),
    /// A `CanaryRollout`, by name.
    Rollout(Arc<str>),
}

/// An autoscaler of a Deployment or a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AutoscalerFound {
    pub(crate) namespace: Arc<str>,
    /// Its kind and name, for people.
    pub(crate) called: Arc<str>,
    pub(crate) scales: Scaled,
}

impl Cluster {
    /// Autoscalers of one namespace, or of all. A paused `ScaledObject` counts: it will be resumed.
    pub(crate) async fn autoscalers(
        &self,
        namespace: Option<&str>,
    ) -> Result<Vec<AutoscalerFound>, CallFailed> {
        let hpas = ApiResource::erase::<HorizontalPodAutoscaler>(&());
        let keda = ApiResource {
            group: "keda.sh".into(),
            version: "v1alpha1".into(),
            api_version: "keda.sh/v1alpha1".into(),
            kind: "ScaledObject".into(),
            plural: "scaledobjects".into(),
        };
        let mut found = self.list_autoscalers(namespace, &hpas).await?;
        match self.list_autoscalers(namespace, &keda).await {
            Ok(more) => found.extend(more),
            Err(error) if is_not_installed(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(found)
    }

    async fn list_autoscalers(
        &self,
        namespace: Option<&str>,
        kind: &ApiResource,
    ) -> Result<Vec<AutoscalerFound>, CallFailed> {
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client(), namespace, kind),
            None => Api::all_with(self.client(), kind),
        };
        let (mut found, mut page) = (Vec::new(), ListParams::default().limit(PAGE));
        loop {
            let what = || format!("{}s", kind.kind);
            let list = Box::pin(call("list", what, api.list(&page))).await?;
            found.extend(list.items.iter().filter_map(|it| autoscaler(it, kind)));
            match list.metadata.continue_.filter(|it| !it.is_empty()) {
                Some(token) => page = ListParams::default().limit(PAGE).continue_token(&token),
                None => return Ok(found),
            }
        }
    }
}

fn is_not_installed(error: &CallFailed) -> bool {
    matches!(&error.source, CallError::Api(kube::Error::Api(status)) if status.code == 404)
}

fn autoscaler(object: &DynamicObject, kind: &ApiResource) -> Option<AutoscalerFound> {
    Some(AutoscalerFound {
        namespace: object.namespace().unwrap_or_default().into(),
        called: format!("{} {}", kind.kind, object.name_any()).into(),
        scales: scaled(&object.data["spec"]["scaleTargetRef"], kind)?,
    })
}

/// What a `scaleTargetRef` names: by group, not by version, and kinds exactly, as the autoscalers
/// themselves look it up. KEDA takes an absent kind for a Deployment, and an absent group for apps.
fn scaled(reference: &Value, kind: &ApiResource) -> Option<Scaled> {
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let keda = kind.kind == "ScaledObject";
    let version = text("apiVersion");
    let group = match version.split_once('/') {
        Some((group, _)) => group,
        None if version.is_empty() && keda => "apps",
        None => "",
    };
    let of = match text("kind") {
        "" if keda => "Deployment",
        kind => kind,
    };
    let name = text("name");
    match (group, of) {
        _ if name.is_empty() => None,
        ("apps", "Deployment") => Some(Scaled::Deployment(name.into())),
        ("siskin.dev", "CanaryRollout") => Some(Scaled::Rollout(name.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(by: &str, reference: &Value) -> Option<Scaled> {
        let kind = ApiResource {
            group: String::new(),
            version: String::new(),
            api_version: String::new(),
            kind: by.into(),
            plural: String::new(),
        };
        scaled(reference, &kind)
    }

    #[test]
    fn the_group_is_compared_and_not_the_version() {
        let hpa = |version: &str, kind: &str| {
            let reference = json!({"apiVersion": version, "kind": kind, "name": "orders"});
            named("HorizontalPodAutoscaler", &reference)
        };
        let deployment = Some(Scaled::Deployment("orders".into()));
        assert_eq!(hpa("apps/v1", "Deployment"), deployment);
        assert_eq!(hpa("apps/v1beta2", "Deployment"), deployment);
        assert_eq!(hpa("siskin.dev/v1", "CanaryRollout"), Some(Scaled::Rollout("orders".into())));
        assert_eq!(hpa("", "Deployment"), None, "it finds nothing either");
        assert_eq!(hpa("extensions/v1beta1", "Deployment"), None);
        assert_eq!(hpa("apps/v1", "deployment"), None);
        assert_eq!(hpa("apps/v1", "StatefulSet"), None);
        assert_eq!(hpa("example.com/v1", "CanaryRollout"), None);
    }

    #[test]
    fn a_scaled_object_by_name_alone_scales_a_deployment() {
        let keda = |reference: Value| named("ScaledObject", &reference);
        let deployment = Some(Scaled::Deployment("orders".into()));
        assert_eq!(keda(json!({"name": "orders"})), deployment);
        assert_eq!(keda(json!({"name": "orders", "kind": "Deployment"})), deployment);
        assert_eq!(keda(json!({"name": "orders", "kind": "CanaryRollout"})), None);
        assert_eq!(keda(json!({})), None);
        let rollout =
            json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": "orders"});
        assert_eq!(keda(rollout), Some(Scaled::Rollout("orders".into())));
    }
}
