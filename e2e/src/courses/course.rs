//! One course: a Deployment of one shape adopted, changed to another, promoted, handed back, and found as it was left.
//! Says what went wrong in words; decides nothing about the others.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use siskin_api::annotations::{REVISION, target};
use siskin_api::{CanaryRollout, Phase, PromotionReason};

use super::found::{as_left, carried_over, is_of_others};
use super::manifest::{self, Promotion};
use super::members::Members;
use super::mirror::Mirror;
use super::playground::Playground;
use crate::manifests::{Field, Refusal};

/// For anything that the operator does: many courses share one machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Nothing may be written for so long, once a course has come to rest.
const STILL: Duration = Duration::from_secs(3);
/// Writes of one object that others write, too.
const TRIES: usize = 10;

/// A course before it is played.
pub(super) struct Course<'a> {
    pub(super) ground: &'a Playground,
    /// Name of the Deployment and of its rollout.
    pub(super) name: String,
    /// The consumer group.
    pub(super) group: String,
    pub(super) first: DynamicObject,
    pub(super) second: DynamicObject,
    pub(super) promotion: Promotion,
}

/// What was played.
#[derive(Debug, Default)]
pub struct Played {
    /// Templates that went all the way.
    pub(super) templates: u32,
    /// Whether the second one was promoted by a trial.
    pub(super) was_tried: bool,
    /// Deployments that the API server was asked about.
    pub(super) asked: u32,
    /// Those among them that it took without what it refused.
    pub(super) mended: u32,
    /// Those that it did not take at all, by name and seed.
    pub(super) refused: Vec<String>,
    /// What the API server refused in those that it took in the end, and in the others.
    pub(super) refusals: Vec<Refusal>,
    /// Fields of the templates that the API server has kept.
    pub(super) fields: BTreeSet<Field>,
}

impl Course<'_> {
    /// Plays it to its end; what is left of it is removed either way.
    pub(super) async fn play(&self, played: &mut Played) -> Result<()> {
        let outcome = self.all(played).await;
        if outcome.is_err() {
            let without = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            self.rollouts().patch(&self.name, &PatchParams::default(), &without).await.ok();
            self.rollouts().delete(&self.name, &DeleteParams::default()).await.ok();
        }
        for name in [self.name.clone(), self.child("primary"), self.child("canary")] {
            self.deployments().delete(&name, &DeleteParams::default()).await.ok();
        }
        outcome
    }

    async fn all(&self, played: &mut Played) -> Result<()> {
        let params = PostParams::default();
        let _load = self.load().await?;
        let pods = self.first.data["spec"]["replicas"].as_i64().unwrap_or(1);
        let ready = |it: &Mirror, name: &str| (ready(it, name)? == pods).then_some(());
        let mut first = self.first.clone();
        // Paused, its controller makes no pods at all.
        manifest::resume(&mut first);
        let made = self.deployments().create(&params, &first).await.context("creating it")?;
        played.fields.extend(self.kept(&first, &made));
        self.waits("its pods run", |it| ready(it, &self.name)).await?;
        let ground = self.ground;
        let rollout =
            manifest::rollout(&self.name, &ground.bootstrap, &self.group, self.promotion)?;
        self.rollouts().create(&params, &rollout).await.context("its rollout")?;
        let adopted = |it: &Mirror| {
            let status = it.rollout(&self.name)?.status.clone()?;
            status.adopted.then_some(())?;
            ready(it, &self.child("primary"))
        };
        self.waits("it is adopted", adopted).await?;
        let before = self.stands_still().await.context("adopted")?;
        self.is_carried_over()?;

        let live = self.change(played).await.context("changing it")?;
        let promoted = |it: &Mirror| {
            let status = it.rollout(&self.name)?.status.clone()?;
            let primary = it.deployment(&self.child("primary"))?;
            let now = primary.annotations().get(REVISION);
            (status.phase == Some(Phase::Succeeded) && now != before.as_ref()).then_some(())?;
            ready(it, &self.child("primary"))
        };
        self.waits("it is promoted", promoted).await?;
        self.is_promoted_as_asked()?;
        self.stands_still().await.context("promoted")?;
        self.is_carried_over()?;

        self.rollouts().delete(&self.name, &DeleteParams::default()).await.context("deleting")?;
        let whole = |it: &Mirror| {
            let alone = [self.child("primary"), self.child("canary")];
            let alone = alone.iter().all(|child| it.deployment(child).is_none());
            (it.rollout(&self.name).is_none() && alone).then_some(())?;
            ready(it, &self.name)
        };
        self.waits("it is handed back", whole).await?;
        self.is_found_as_left(&live, pods).await?;
        played.templates = 2;
        played.was_tried = self.promotion == Promotion::Trial;
        Ok(())
    }

    /// A load for consumers, where there are any.
    async fn load(&self) -> Result<Option<Members>> {
        match self.promotion {
            Promotion::Bypass => Ok(None),
            Promotion::Trial => {
                let (ground, log) =
                    (self.ground, self.ground.logs.join(format!("{}-producer.log", self.group)));
                let load = Members::load(&ground.producer, &ground.bootstrap, &self.group, &log);
                load.await.map(Some)
            }
        }
    }

    /// The fields that were sent and kept.
    fn kept(&self, sent: &DynamicObject, kept: &DynamicObject) -> BTreeSet<Field> {
        let fields = |it: &DynamicObject| {
            let (labels, annotations) = (&it.metadata.labels, &it.metadata.annotations);
            let metadata = json!({"labels": labels, "annotations": annotations});
            let whole = json!({"metadata": metadata, "spec": it.data["spec"]});
            self.ground.schemas.fields_of("Deployment", &whole)
        };
        fields(sent).intersection(&fields(kept)).cloned().collect()
    }

    /// Puts the second Deployment in place of the first, as `kubectl replace` does: all but the selector, which can't be
    /// changed, and the count, which is the operator's. One that is paused is resumed a while later.
    async fn change(&self, played: &mut Played) -> Result<DynamicObject> {
        let changed = self.replace(|live| {
            let mut wanted = self.second.data["spec"].clone();
            for kept in ["selector", "replicas"] {
                wanted[kept] = live.data["spec"][kept].clone();
            }
            live.data["spec"] = wanted;
            live.metadata.labels.clone_from(&self.second.metadata.labels);
            let annotations = live.metadata.annotations.get_or_insert_default();
            annotations.retain(|key, _| is_of_others(key));
            annotations.extend(self.second.metadata.annotations.clone().unwrap_or_default());
            if self.promotion == Promotion::Bypass {
                annotations.insert(target::BYPASS.into(), "a < test & \"more\"".into());
            }
        });
        let changed = changed.await?;
        played.fields.extend(self.kept(&self.second, &changed));
        if changed.data["spec"]["paused"] != true {
            return Ok(changed);
        }
        self.stands_still().await.context("paused")?;
        self.replace(manifest::resume).await
    }

    /// Writes the Deployment with something changed, as often as others write it in between.
    async fn replace(&self, change: impl Fn(&mut DynamicObject)) -> Result<DynamicObject> {
        for _ in 0..TRIES {
            let mut live = self.deployments().get(&self.name).await?;
            change(&mut live);
            match self.deployments().replace(&self.name, &PostParams::default(), &live).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                answer => return Ok(answer?),
            }
        }
        bail!("others write it again and again")
    }

    /// A trial was passed, or a person's word was followed.
    fn is_promoted_as_asked(&self) -> Result<()> {
        let status = self.ground.mirror.rollout(&self.name).and_then(|it| it.status.clone());
        let latest = status.and_then(|it| it.history.first()?.promoted_by);
        let asked = match self.promotion {
            Promotion::Bypass => PromotionReason::Bypass,
            Promotion::Trial => PromotionReason::Passed,
        };
        ensure!(latest == Some(asked), "it was promoted by {latest:?}, not by {asked:?}");
        Ok(())
    }

    /// What its user wrote is there, and nothing of what the operator wrote.
    async fn is_found_as_left(&self, live: &DynamicObject, pods: i64) -> Result<()> {
        let left = self.deployments().get(&self.name).await?;
        as_left(&left, live, pods)
    }

    async fn waits(&self, what: &str, look: impl Fn(&Mirror) -> Option<()>) -> Result<()> {
        if self.ground.mirror.until(PATIENCE, look).await.is_some() {
            return Ok(());
        }
        let status = self.ground.mirror.rollout(&self.name).and_then(|it| it.status.clone());
        let conditions = status.and_then(|it| serde_json::to_value(it.conditions).ok());
        bail!("not seen: {what}; conditions: {}", conditions.unwrap_or_default());
    }

    /// Waits until no Deployment of the course is written any more; the revision that the primary says it runs.
    async fn stands_still(&self) -> Result<Option<String>> {
        let names = [self.name.clone(), self.child("primary"), self.child("canary")];
        let now =
            |it: &Mirror| names.clone().map(|name| Some(it.deployment(&name)?.metadata.generation));
        let (mut known, mut since) = (now(&self.ground.mirror), Instant::now());
        let still = |it: &Mirror| {
            let found = now(it);
            if found != known {
                (known, since) = (found, Instant::now());
            }
            (STILL <= since.elapsed()).then_some(())
        };
        let stood = self.ground.mirror.until(PATIENCE, still).await;
        stood.with_context(|| format!("it is written again and again: generations {known:?}"))?;
        let primary = self.ground.mirror.deployment(&names[1]).context("no primary")?;
        Ok(primary.annotations().get(REVISION).cloned())
    }

    /// The primary's template is the target's, but for the role, and for what is injected.
    fn is_carried_over(&self) -> Result<()> {
        let template = |name: &str| {
            let found =
                self.ground.mirror.deployment(name).with_context(|| format!("no {name}"))?;
            anyhow::Ok(found.data["spec"]["template"].clone())
        };
        carried_over(&template(&self.name)?, template(&self.child("primary"))?)
    }

    fn child(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    fn deployments(&self) -> Api<DynamicObject> {
        let client = self.ground.client.clone();
        Api::namespaced_with(client, &self.ground.namespace, &manifest::deployment())
    }

    fn rollouts(&self) -> Api<CanaryRollout> {
        Api::namespaced(self.ground.client.clone(), &self.ground.namespace)
    }
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
