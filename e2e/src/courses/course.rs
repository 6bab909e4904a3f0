//! One course: a Deployment of one shape adopted, changed to another, promoted, handed back, and found as it was left.
//! Says what went wrong in words; decides nothing about the others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use kube::{Api, Client};
use serde_json::{Value, json};
use siskin_api::{CanaryRollout, Phase};

use super::mirror::Mirror;
use crate::manifests::{Accepted, Schemas, Shape, accepted};

/// For anything that the operator does: many courses share one machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Nothing may be written for so long, once a course has come to rest.
const STILL: Duration = Duration::from_secs(3);

/// A course before it is played.
pub(super) struct Course {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) bootstrap: String,
    pub(super) schemas: Arc<Schemas>,
    pub(super) mirror: Mirror,
    /// Name of the Deployment and of its rollout.
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) node: String,
}

/// What was played.
#[derive(Debug, Default)]
pub struct Played {
    /// Templates that went all the way.
    pub(super) templates: u32,
    /// The API server's words on those that it refused.
    pub(super) refused: Vec<String>,
    /// Fields of the templates, as `Type.field`.
    pub(super) fields: BTreeSet<String>,
}

impl Course {
    /// Plays it to its end; what is left of it is removed either way.
    pub(super) async fn play(&self) -> Result<Played> {
        let mut played = Played::default();
        let outcome = self.all(&mut played).await;
        if outcome.is_err() {
            let without = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            self.rollouts().patch(&self.name, &PatchParams::default(), &without).await.ok();
            self.rollouts().delete(&self.name, &DeleteParams::default()).await.ok();
        }
        for name in [self.name.clone(), self.child("primary"), self.child("canary")] {
            self.deployments().delete(&name, &DeleteParams::default()).await.ok();
        }
        outcome.with_context(|| format!("{}, seed {}", self.name, self.seed)).map(|()| played)
    }

    async fn all(&self, played: &mut Played) -> Result<()> {
        let Some(first) = self.shape(self.seed, played).await? else { return Ok(()) };
        let Some(second) = self.shape(!self.seed, played).await? else { return Ok(()) };
        let params = PostParams::default();
        self.deployments().create(&params, &first).await.context("creating it")?;
        let up = |it: &Mirror| (ready(it, &self.name)? == 1).then_some(());
        self.waits("its pod runs", up).await?;
        self.rollouts().create(&params, &self.rollout()?).await.context("its rollout")?;
        let adopted = |it: &Mirror| {
            let status = it.rollout(&self.name)?.status.clone()?;
            (status.adopted && ready(it, &self.child("primary"))? == 1).then_some(())
        };
        self.waits("it is adopted", adopted).await?;
        let before = self.stands_still().await.context("adopted")?;
        self.is_carried_over()?;

        let live = self.change(&second.data["spec"]["template"]).await.context("changing it")?;
        let promoted = |it: &Mirror| {
            let done = it.rollout(&self.name)?.status.clone()?.phase == Some(Phase::Succeeded);
            let primary = it.deployment(&self.child("primary"))?;
            let now = primary.metadata.annotations.clone()?.get("siskin.dev/revision").cloned();
            (done && now != before && ready(it, &self.child("primary"))? == 1).then_some(())
        };
        self.waits("it is promoted", promoted).await?;
        self.stands_still().await.context("promoted")?;
        self.is_carried_over()?;

        self.rollouts().delete(&self.name, &DeleteParams::default()).await.context("deleting")?;
        let whole = |it: &Mirror| {
            let alone = [self.child("primary"), self.child("canary")];
            let alone = alone.iter().all(|child| it.deployment(child).is_none());
            let gone = it.rollout(&self.name).is_none();
            (gone && alone && ready(it, &self.name)? == 1).then_some(())
        };
        self.waits("it is handed back", whole).await?;
        let left = self.deployments().get(&self.name).await?;
        let left = left.data["spec"]["template"].to_string();
        ensure!(left == live, "its template is not the one that was applied: {left}\nnot {live}");
        played.templates = 2;
        Ok(())
    }

    /// A Deployment that the API server takes, unless it can't be mended.
    async fn shape(&self, seed: u64, played: &mut Played) -> Result<Option<DynamicObject>> {
        let template = Shape::of(&self.schemas, seed).template(&self.name, &self.node);
        let mut manifest = DynamicObject::new(&self.name, &deployment()).within(&self.namespace);
        manifest.data = json!({"spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": self.name}},
            "template": template,
        }});
        match accepted(&self.client, &self.namespace, manifest).await? {
            Accepted::As(it) => {
                let template = &it.data["spec"]["template"];
                played.fields.extend(self.schemas.fields_of("PodTemplateSpec", template));
                Ok(Some(*it))
            }
            Accepted::Refused(words) => {
                played.refused.push(words);
                Ok(None)
            }
        }
    }

    fn rollout(&self) -> Result<CanaryRollout> {
        Ok(serde_json::from_value(json!({
            "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name},
                "strategy": {"steps": [{"weight": 50, "hold": "1h"}]},
                "analysis": {"kafka": {
                    "bootstrapServers": [self.bootstrap],
                    "consumerGroup": format!("{}-{}", self.namespace, self.name),
                }},
            },
        }))?)
    }

    /// Changes the template, with a person's word that no trial is needed; what the server makes of it.
    async fn change(&self, template: &Value) -> Result<String> {
        let patch: json_patch::Patch = serde_json::from_value(json!([
            {"op": "add", "path": "/metadata/annotations/siskin.dev~1bypass", "value": "a test"},
            {"op": "replace", "path": "/spec/template", "value": template},
        ]))?;
        let patch = Patch::Json::<()>(patch);
        let changed = self.deployments().patch(&self.name, &PatchParams::default(), &patch).await?;
        Ok(changed.data["spec"]["template"].to_string())
    }

    async fn waits(&self, what: &str, look: impl Fn(&Mirror) -> Option<()>) -> Result<()> {
        if self.mirror.until(PATIENCE, look).await.is_some() {
            return Ok(());
        }
        let status = self.mirror.rollout(&self.name).and_then(|it| it.status.clone());
        let conditions = status.and_then(|it| serde_json::to_value(it.conditions).ok());
        bail!("not seen: {what}; conditions: {}", conditions.unwrap_or_default());
    }

    /// Waits until no Deployment of the course is written any more; the revision that the primary says it runs.
    async fn stands_still(&self) -> Result<Option<String>> {
        let names = [self.name.clone(), self.child("primary"), self.child("canary")];
        let now =
            |it: &Mirror| names.clone().map(|name| Some(it.deployment(&name)?.metadata.generation));
        let (mut known, mut since) = (now(&self.mirror), Instant::now());
        let still = |it: &Mirror| {
            let found = now(it);
            if found != known {
                (known, since) = (found, Instant::now());
            }
            (STILL <= since.elapsed()).then_some(())
        };
        let stood = self.mirror.until(PATIENCE, still).await;
        stood.with_context(|| format!("it is written again and again: generations {known:?}"))?;
        let primary = self.mirror.deployment(&names[1]).context("no primary")?;
        let annotations = primary.metadata.annotations.clone().unwrap_or_default();
        Ok(annotations.get("siskin.dev/revision").cloned())
    }

    /// The primary's template is the target's, but for the role, and for what is injected.
    fn is_carried_over(&self) -> Result<()> {
        let template = |name: &str| {
            let found = self.mirror.deployment(name).with_context(|| format!("no {name}"))?;
            anyhow::Ok(found.data["spec"]["template"].clone())
        };
        let (own, mut child) = (template(&self.name)?, template(&self.child("primary"))?);
        if let Some(labels) = child["metadata"]["labels"].as_object_mut() {
            labels.remove("siskin.dev/role");
        }
        for list in ["containers", "initContainers"] {
            let containers = child["spec"].get_mut(list).and_then(Value::as_array_mut);
            for (index, container) in containers.into_iter().flatten().enumerate() {
                let own = &own["spec"][list][index]["env"];
                let length = own.as_array().map_or(0, Vec::len);
                let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) else {
                    continue;
                };
                let added = env.len().checked_sub(length).context("it lost variables")?;
                let ours = ["POD_NAME", "SISKIN_ROLE"];
                let known = |it: &Value| ours.iter().any(|name| it["name"] == *name);
                ensure!(env.drain(..added).all(|it| known(&it)), "it has foreign variables");
                if env.is_empty() && own.is_null() {
                    container.as_object_mut().map(|it| it.remove("env"));
                }
            }
        }
        ensure!(own == child, "the primary runs another template: {child}\nnot {own}");
        Ok(())
    }

    fn child(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    fn deployments(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &deployment())
    }

    fn rollouts(&self) -> Api<CanaryRollout> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

fn deployment() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"))
}

/// Ready pods of a Deployment whose controller has seen what it asks for.
fn ready(mirror: &Mirror, name: &str) -> Option<i64> {
    let found = mirror.deployment(name)?;
    let status = &found.data["status"];
    let seen = status["observedGeneration"].as_i64()?;
    let current = found.metadata.generation? <= seen;
    let wanted = found.data["spec"]["replicas"].as_i64()?;
    let ready = status["readyReplicas"].as_i64().unwrap_or(0);
    (current && wanted == ready).then_some(ready)
}
