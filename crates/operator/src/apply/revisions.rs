//! Writes of frozen templates. The template in a ControllerRevision can't be changed after its
//! creation, by the API server's own rule: what was analyzed is what is promoted.

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::ResourceExt;
use kube::api::{DeleteParams, Preconditions};
use kube::core::ObjectMeta;
use serde_json::json;
use siskin_api::annotations::{TARGET, revision as names};
use siskin_decide::{Frozen, Rejection, Revision, RolloutId, Takeover};

use crate::apply::objects::Objects;
use crate::apply::writer::ApplyFailed;
use crate::cluster::patch::JsonPatch;
use crate::observe::parse::{self, FrozenObject};
use crate::observe::world::{carried, running};
use crate::process::metrics::Written;
use crate::workloads::naming;
use crate::workloads::template::PodTemplate;

/// Rejected revisions that are remembered; the oldest are deleted first.
const MAX_REJECTED: usize = 10;

/// Frozen templates kept beside the promoted and the rejected ones, newest first.
const MAX_HISTORY: usize = 10;

impl Objects<'_> {
    /// Freezes the target's live template as this attempt. What was observed is what is frozen.
    pub(super) async fn freeze(
        &mut self,
        revision: Revision,
        attempt: u32,
    ) -> Result<(), ApplyFailed> {
        if let Some(index) = self.position(revision) {
            let number = attempt.to_string();
            return self
                .mark(index, |patch| {
                    patch
                        .set(&["metadata", "annotations", names::ATTEMPT], number)
                        .set(&["revision"], attempt)
                })
                .await;
        }
        let target = self.live.target.as_ref().ok_or(ApplyFailed::Gone("the target"))?;
        let template = PodTemplate::of(&target.data["spec"]["template"]);
        if !naming::may_have(&template, template.json(), revision) {
            return Err(ApplyFailed::TemplateLost(revision));
        }
        self.create_revision(revision, template, attempt).await?;
        self.frozen = Some(revision);
        Ok(())
    }

    /// Deletes what was frozen of a revision.
    pub(super) async fn unfreeze(&self, revision: Revision) -> Result<(), ApplyFailed> {
        match self.position(revision) {
            Some(index) => self.delete_revision(&self.live.frozen[index]).await,
            None => Ok(()),
        }
    }

    /// Freezes again what the primary runs: its frozen template was deleted by hand.
    pub(super) async fn refreeze(&mut self, revision: Revision) -> Result<(), ApplyFailed> {
        let primary = self.live.primary.as_ref().ok_or(ApplyFailed::Gone("the primary"))?;
        let runs = running(primary).filter(|it| it.0 == revision);
        let (_, template) = runs.ok_or(ApplyFailed::TemplateLost(revision))?;
        let attempt = self.world.primary.as_ref().map_or(0, |it| it.facts.attempts);
        self.create_revision(revision, template, attempt).await
    }

    /// Remembers why a revision is not tried again.
    pub(super) async fn reject(
        &mut self,
        revision: Revision,
        rejection: Rejection,
    ) -> Result<(), ApplyFailed> {
        let index = self.position(revision).ok_or(ApplyFailed::TemplateLost(revision))?;
        let cause: &'static str = rejection.cause.into();
        self.mark(index, |patch| {
            patch.set(&["metadata", "annotations", names::REJECTED_CAUSE], cause).set(
                &["metadata", "annotations", names::REJECTED_ROLLOUT],
                rejection.rollout.to_string(),
            )
        })
        .await
    }

    /// Notes on the frozen template that the primary takes it over: without that nobody believes the primary's
    /// annotation.
    pub(super) async fn vouch(&mut self, takeover: Option<Takeover>) -> Result<(), ApplyFailed> {
        let Some(index) = takeover.and_then(|it| self.position(it.revision)) else { return Ok(()) };
        let FrozenObject { frozen, may_take_over, .. } = &self.live.frozen[index];
        if *may_take_over {
            return Ok(());
        }
        let attempt = frozen.attempt.to_string();
        self.mark(index, |patch| {
            patch.set(&["metadata", "annotations", names::TAKEN_OVER], attempt)
        })
        .await
    }

    /// Forgets that a revision was rejected, and remembers an attempt that is excused.
    pub(super) async fn clear_rejection(
        &mut self,
        revision: Revision,
        excused: Option<RolloutId>,
    ) -> Result<(), ApplyFailed> {
        match self.position(revision) {
            Some(index) if self.live.frozen[index].frozen.rejection.is_some() => {
                self.mark(index, |patch| match excused {
                    Some(id) => without_rejection(patch)
                        .set(&["metadata", "annotations", names::EXCUSED_ROLLOUT], id.to_string()),
                    None => without_rejection(patch),
                })
                .await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// This revision is promoted and no other. The new mark is set before an old one is taken off:
    /// one is always there.
    pub(super) async fn mark_promoted(&mut self, revision: Revision) -> Result<(), ApplyFailed> {
        let index = self.position(revision).ok_or(ApplyFailed::TemplateLost(revision))?;
        if !self.live.frozen[index].frozen.promoted {
            self.mark(index, |patch| patch.set(&["metadata", "labels", names::PROMOTED], "true"))
                .await?;
        }
        for index in 0..self.live.frozen.len() {
            let frozen = &self.live.frozen[index].frozen;
            if frozen.promoted && frozen.revision != revision {
                self.mark(index, |patch| patch.remove(&["metadata", "labels", names::PROMOTED]))
                    .await?;
            }
        }
        Ok(())
    }

    /// All frozen templates of the target.
    pub(super) async fn remove_revisions(&mut self) -> Result<(), ApplyFailed> {
        for object in std::mem::take(&mut self.live.frozen) {
            self.delete_revision(&object).await?;
        }
        Ok(())
    }

    /// What is frozen makes room for itself: nothing that a child runs or is to run is forgotten.
    async fn prune(&mut self, frozen: Revision) -> Result<(), ApplyFailed> {
        let surplus = surplus(&self.live.frozen, &self.in_use(frozen));
        for object in &surplus {
            self.delete_revision(object).await?;
        }
        self.live.frozen.retain(|it| !surplus.iter().any(|old| old.name == it.name));
        Ok(())
    }

    /// Revisions that somebody needs.
    fn in_use(&self, frozen: Revision) -> Vec<Revision> {
        let facts = self.world.primary.as_ref().map(|it| &it.facts);
        let named = facts.map(|it| [it.promoted, it.promoting.map(|it| it.revision)]);
        let children = [&self.live.primary, &self.live.canary].into_iter().flatten();
        let carried = children.filter_map(carried);
        let named = named.into_iter().flatten().flatten();
        named.chain(carried).chain([frozen]).collect()
    }

    async fn delete_revision(&self, object: &FrozenObject) -> Result<(), ApplyFailed> {
        let api = self.writer.cluster.revisions(&self.world.name.namespace);
        let only = DeleteParams {
            preconditions: Some(Preconditions {
                uid: None,
                resource_version: object.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        self.writer.delete(Written::ControllerRevision, &api, &object.name, &only).await
    }

    async fn create_revision(
        &mut self,
        revision: Revision,
        template: PodTemplate,
        attempt: u32,
    ) -> Result<(), ApplyFailed> {
        let target = self.world.target_name();
        let name = format!("{target}-{revision}");
        let mut object = ControllerRevision {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(self.world.name.namespace.to_string()),
                labels: Some([(TARGET.to_owned(), target.to_owned())].into()),
                annotations: Some([(names::ATTEMPT.to_owned(), attempt.to_string())].into()),
                ..ObjectMeta::default()
            },
            data: Some(RawExtension(template.json().clone())),
            revision: i64::from(attempt),
        };
        let namespace = &self.world.name.namespace;
        let written = match self.writer.create_frozen(namespace, &object).await {
            Err(ApplyFailed::Call(error)) if error.is_taken() && !self.is_ours(&name).await? => {
                // Something else has the name, and keeps it.
                let longer = format!("{name}-{:032x}", template.content_key());
                object.metadata.name = Some(longer);
                self.writer.create_frozen(namespace, &object).await?
            }
            answer => answer?,
        };
        let name = written.name_any();
        self.writer.cluster.newest.note(written.metadata.resource_version.as_deref());
        let trial = template.trial_key(self.world.rollout.spec.canary_on);
        self.live.frozen.push(FrozenObject {
            frozen: Frozen {
                revision,
                trial,
                promoted: false,
                rejection: None,
                attempt,
                excused: None,
            },
            may_take_over: false,
            template,
            name,
            resource_version: written.metadata.resource_version,
        });
        if let Err(error) = self.prune(revision).await {
            // The next one that is frozen makes room for both.
            tracing::debug!(%error, "an old frozen template stays");
        }
        Ok(())
    }

    /// Whether the object of this name is a frozen template of this target after all: one that the
    /// last listing did not show yet.
    async fn is_ours(&self, name: &str) -> Result<bool, ApplyFailed> {
        let found = self.writer.cluster.revision(&self.world.name.namespace, name).await?;
        let target = self.world.target_name();
        let ours = |it: &ControllerRevision| {
            it.labels().get(TARGET).is_some_and(|it| it == target)
                && parse::frozen(it, self.world.rollout.spec.canary_on).is_some()
        };
        Ok(found.as_ref().is_none_or(ours))
    }

    /// Makes an object anew whose data no patch may leave as it is: it was not written in the form
    /// that the API server gives back, by the first release or by a tool that restored it. What it
    /// held is still live, or runs: a crash in between is mended by freezing that again.
    async fn replace(
        &mut self,
        index: usize,
        change: JsonPatch,
    ) -> Result<ControllerRevision, ApplyFailed> {
        const GONE: ApplyFailed = ApplyFailed::Gone("the frozen template");
        let old = self.live.frozen[index].clone();
        let namespace = &self.world.name.namespace;
        let found = self.writer.cluster.revision(namespace, &old.name).await?.ok_or(GONE)?;
        let mut changed = json!(found);
        change.apply_to(&mut changed).map_err(|_| GONE)?;
        let mut object: ControllerRevision = serde_json::from_value(changed).map_err(|_| GONE)?;
        object.metadata = ObjectMeta {
            name: object.metadata.name,
            namespace: object.metadata.namespace,
            labels: object.metadata.labels,
            annotations: object.metadata.annotations,
            ..ObjectMeta::default()
        };
        self.delete_revision(&old).await?;
        self.writer.create_frozen(namespace, &object).await
    }

    /// Changes the marks of one frozen template and takes over what the API server answers.
    async fn mark(
        &mut self,
        index: usize,
        change: impl FnOnce(JsonPatch) -> JsonPatch,
    ) -> Result<(), ApplyFailed> {
        let FrozenObject { name, resource_version, .. } = &self.live.frozen[index];
        let patch = change(JsonPatch::onto(resource_version.as_deref()));
        let api = self.writer.cluster.revisions(&self.world.name.namespace);
        let written =
            match self.writer.patch(Written::ControllerRevision, &api, name, patch.clone()).await {
                Err(ApplyFailed::Call(error)) if error.is_about("data") => {
                    self.replace(index, patch).await?
                }
                answer => answer?,
            };
        self.writer.cluster.newest.note(written.metadata.resource_version.as_deref());
        if let Some(now) = parse::frozen(&written, self.world.rollout.spec.canary_on) {
            self.live.frozen[index] = now;
        }
        Ok(())
    }
}

fn without_rejection(patch: JsonPatch) -> JsonPatch {
    patch.remove(&["metadata", "annotations", names::REJECTED_CAUSE]).remove(&[
        "metadata",
        "annotations",
        names::REJECTED_ROLLOUT,
    ])
}

/// What the bounds leave no room for, oldest first. The promoted one is always kept.
fn surplus(frozen: &[FrozenObject], in_use: &[Revision]) -> Vec<FrozenObject> {
    let beyond = |rejected: bool, bound: usize| {
        let mut some: Vec<_> = frozen
            .iter()
            .filter(|it| !it.frozen.promoted && !in_use.contains(&it.frozen.revision))
            .filter(|it| it.frozen.rejection.is_some() == rejected)
            .collect();
        some.sort_by_key(|it| std::cmp::Reverse(it.frozen.attempt));
        some.into_iter().skip(bound).cloned().collect::<Vec<_>>()
    };
    [beyond(true, MAX_REJECTED), beyond(false, MAX_HISTORY)].concat()
}

#[cfg(test)]
mod tests;
