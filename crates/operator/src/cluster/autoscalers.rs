//! `HorizontalPodAutoscaler`s, and KEDA's `ScaledObject`s where they are installed: what each of them
//! scales. One that names something else than a rollout or a Deployment is nobody's business here.

use std::collections::HashSet;
use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, ResourceExt};
use serde_json::Value;
use sha2::{Digest, Sha256};
use siskin_api::annotations::SCALE_TARGET;
use siskin_decide::{ScalerKind, ScalerName};

use crate::cluster::calls::{CallError, CallFailed, Cluster, call};
use crate::cluster::refusal::words;

/// Objects asked for at a time.
const PAGE: u32 = 500;

/// Characters of an autoscaler's own words that are kept: a sentence or two.
const MAX_SAID: usize = 200;

/// Annotations by which KEDA is told what to do.
const KEDA_ORDERS: &str = "autoscaling.keda.sh/";

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
pub struct AutoscalerFound {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: ScalerName,
    pub(crate) scales: Scaled,
    /// Its annotation on what it scales, if there is one.
    pub(crate) mark: Option<Arc<str>>,
    /// A trigger that reads the environment of the target's containers.
    pub(crate) reads_environment: bool,
    pub(crate) told: ScalerWord,
    /// Digest of what it is asked to do, wherever it points.
    pub(crate) asked: u64,
    pub(crate) has_annotations: bool,
    pub(crate) resource_version: Option<String>,
}

/// What an autoscaler says of its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScalerWord {
    /// It can do it.
    Works {
        /// Whether it surely speaks of what it scales now.
        surely: bool,
    },
    /// It can't; its own words.
    Fails(Arc<str>),
    /// Nothing yet.
    Nothing,
}

impl AutoscalerFound {
    /// Whether another look at it would show nothing new.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let resource_version = self.resource_version.clone();
        *self == Self { resource_version, ..other.clone() }
    }
}

/// The kinds of autoscalers, as they are watched.
pub(crate) fn resource(kind: ScalerKind) -> ApiResource {
    match kind {
        ScalerKind::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
        ScalerKind::ScaledObject => custom("keda.sh", "v1alpha1", "ScaledObject"),
    }
}

fn custom(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource {
        group: group.into(),
        version: version.into(),
        api_version: format!("{group}/{version}"),
        kind: kind.into(),
        plural: format!("{}s", kind.to_lowercase()),
    }
}

impl Cluster {
    /// Autoscalers of one namespace. A paused `ScaledObject` counts: it will be resumed.
    pub(crate) async fn autoscalers(
        &self,
        namespace: &str,
    ) -> Result<Vec<AutoscalerFound>, CallFailed> {
        let (hpa, keda) = (ScalerKind::HorizontalPodAutoscaler, ScalerKind::ScaledObject);
        let hpas = self.list_of_kind(namespace, &resource(hpa)).await?;
        let scaled_objects = self.list_if_installed(namespace, &resource(keda)).await?;
        let hpas = hpas.iter().filter_map(|it| parse(hpa, it));
        Ok(hpas.chain(scaled_objects.iter().filter_map(|it| parse(keda, it))).collect())
    }

    /// Deployments of a namespace on which a vertical autoscaler acts: not one that only recommends.
    pub(crate) async fn scaled_vertically(
        &self,
        namespace: &str,
    ) -> Result<HashSet<Arc<str>>, CallFailed> {
        let kind = custom("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler");
        let all = self.list_if_installed(namespace, &kind).await?;
        Ok(all.iter().filter_map(scaled_vertically).collect())
    }

    /// One kind of autoscalers of one namespace, or of all.
    pub(crate) fn autoscaler_api(
        &self,
        kind: ScalerKind,
        namespace: Option<&str>,
    ) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client(), namespace, &resource(kind)),
            None => Api::all_with(self.client(), &resource(kind)),
        }
    }

    async fn list_if_installed(
        &self,
        namespace: &str,
        kind: &ApiResource,
    ) -> Result<Vec<DynamicObject>, CallFailed> {
        match self.list_of_kind(namespace, kind).await {
            Err(error) if is_not_installed(&error) => Ok(vec![]),
            answer => answer,
        }
    }

    async fn list_of_kind(
        &self,
        namespace: &str,
        kind: &ApiResource,
    ) -> Result<Vec<DynamicObject>, CallFailed> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client(), namespace, kind);
        let (mut found, mut page) = (Vec::new(), ListParams::default().limit(PAGE));
        loop {
            let what = || format!("{}s", kind.kind);
            let list = Box::pin(call("list", what, api.list(&page))).await?;
            found.extend(list.items);
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

/// An autoscaler, if what it scales is of interest and its own: that of a `ScaledObject` follows it.
pub(crate) fn parse(kind: ScalerKind, object: &DynamicObject) -> Option<AutoscalerFound> {
    let keda =
        |it: &OwnerReference| it.kind == "ScaledObject" && it.api_version.starts_with("keda.sh/");
    if object.owner_references().iter().any(keda) {
        return None;
    }
    let spec = &object.data["spec"];
    Some(AutoscalerFound {
        namespace: object.namespace().unwrap_or_default().into(),
        name: ScalerName { kind, name: object.name_any().into() },
        scales: scaled(&spec["scaleTargetRef"], kind)?,
        mark: object.annotations().get(SCALE_TARGET).map(|it| it.as_str().into()),
        reads_environment: reads_environment(spec),
        told: told(object, kind),
        asked: asked(object),
        has_annotations: object.metadata.annotations.is_some(),
        resource_version: object.resource_version(),
    })
}

/// KEDA looks such values up in the containers of what it scales, and a `CanaryRollout` has none.
fn reads_environment(spec: &Value) -> bool {
    let triggers = spec["triggers"].as_array().into_iter().flatten();
    let mut keys = triggers.filter_map(|it| it["metadata"].as_object()).flatten();
    keys.any(|(key, value)| key.ends_with("FromEnv") && *value != "")
}

fn told(object: &DynamicObject, kind: ScalerKind) -> ScalerWord {
    let status = &object.data["status"];
    let (type_, surely) = match kind {
        ScalerKind::HorizontalPodAutoscaler => {
            let observed = status["observedGeneration"].as_i64();
            let generation = object.metadata.generation.filter(|it| 0 < *it);
            if observed.zip(generation).is_some_and(|(observed, it)| observed < it) {
                return ScalerWord::Nothing;
            }
            ("AbleToScale", observed.is_some() && generation.is_some())
        }
        // It says what it scales once it has looked it up.
        ScalerKind::ScaledObject => ("Ready", true),
    };
    let mut all = status["conditions"].as_array().into_iter().flatten();
    let Some(condition) = all.find(|it| it["type"] == type_) else { return ScalerWord::Nothing };
    let looked_up =
        || status["scaleTargetGVKR"]["kind"] == object.data["spec"]["scaleTargetRef"]["kind"];
    match condition["status"].as_str() {
        Some("True") if kind == ScalerKind::ScaledObject && !looked_up() => ScalerWord::Nothing,
        Some("True") => ScalerWord::Works { surely },
        Some("False") => {
            let said = words(condition["message"].as_str().unwrap_or("it gives no reason"));
            ScalerWord::Fails(said.chars().take(MAX_SAID).collect::<String>().into())
        }
        _ => ScalerWord::Nothing,
    }
}

/// Another object of the same name is another autoscaler; KEDA is paused and resumed by annotations.
fn asked(object: &DynamicObject) -> u64 {
    let mut spec = object.data["spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("scaleTargetRef");
    }
    let (uid, spec) = (object.uid().unwrap_or_default(), spec.to_string());
    let orders = object.annotations().iter().filter(|(key, _)| key.starts_with(KEDA_ORDERS));
    let orders: Vec<_> =
        orders.flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]).collect();
    digest(&[&[uid.as_bytes(), spec.as_bytes()][..], &orders].concat())
}

/// A digest that stays the same from one version of this program to the next.
pub(crate) fn digest(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    u64::from_be_bytes(first)
}

fn scaled_vertically(object: &DynamicObject) -> Option<Arc<str>> {
    let spec = &object.data["spec"];
    let reference = &spec["targetRef"];
    let group = reference["apiVersion"].as_str()?.split_once('/')?.0;
    let acts = spec["updatePolicy"]["updateMode"] != "Off";
    let name = reference["name"].as_str()?;
    (acts && group == "apps" && reference["kind"] == "Deployment").then(|| name.into())
}

/// What a `scaleTargetRef` names: by group, not by version, and kinds exactly, as the autoscalers
/// themselves look it up. KEDA takes an absent kind for a Deployment, and an absent group for apps.
fn scaled(reference: &Value, kind: ScalerKind) -> Option<Scaled> {
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let keda = kind == ScalerKind::ScaledObject;
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
mod tests;
