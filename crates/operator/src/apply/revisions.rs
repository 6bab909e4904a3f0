//! Writes of frozen templates. The template in a ControllerRevision can't be changed after its
//! creation, by the API server's own rule: what was analyzed is what is promoted.

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::api::{DeleteParams, Preconditions};
use kube::core::ObjectMeta;
use siskin_analysis::observation::Role;
use siskin_api::annotations::{TARGET, revision as names};
use siskin_decide::{Frozen, Rejection, Revision};

use crate::apply::objects::Objects;
use crate::apply::writer::{ApplyFailed, Writer};
use crate::cluster::patch::JsonPatch;
use crate::observe::parse::{self, FrozenObject};
use crate::process::metrics::Written;
use crate::workloads::template::PodTemplate;

/// Rejected revisions that are remembered; the oldest are deleted first.
const MAX_REJECTED: usize = 10;

/// Frozen templates kept beside the promoted and the rejected ones, newest first.
const MAX_HISTORY: usize = 10;

impl Writer {
    /// Freezes the target's live template as this attempt. What was observed is what is frozen.
    pub(super) async fn freeze(
        &self,
        objects: &mut Objects<'_>,
        revision: Revision,
        attempt: u32,
    ) -> Result<(), ApplyFailed> {
        if let Some(index) = objects.position(revision) {
            let number = attempt.to_string();
            return self
                .mark(objects, index, |patch| {
                    patch
                        .set(&["metadata", "annotations", names::ATTEMPT], number)
                        .set(&["revision"], attempt)
                })
                .await;
        }
        let target = objects.live.target.as_ref().ok_or(ApplyFailed::Gone("the target"))?;
        let template = PodTemplate::of(&target.data["spec"]["template"]);
        if template.revision() != revision {
            return Err(ApplyFailed::TemplateLost(revision));
        }
        self.create_revision(objects, template, attempt).await
    }

    /// Freezes again what the primary runs: its frozen template was deleted by hand.
    pub(super) async fn refreeze(
        &self,
        objects: &mut Objects<'_>,
        revision: Revision,
    ) -> Result<(), ApplyFailed> {
        let primary = objects.live.primary.as_ref().ok_or(ApplyFailed::Gone("the primary"))?;
        let identity = objects.world.rollout.spec.pod_identity;
        let raw = &primary.data["spec"]["template"];
        let template = PodTemplate::of_child(raw, Role::Primary, identity);
        if template.revision() != revision {
            return Err(ApplyFailed::TemplateLost(revision));
        }
        let attempt = objects.world.primary.as_ref().map_or(0, |it| it.facts.attempts);
        self.create_revision(objects, template, attempt).await
    }

    /// Remembers why a revision is not tried again.
    pub(super) async fn reject(
        &self,
        objects: &mut Objects<'_>,
        revision: Revision,
        rejection: Rejection,
    ) -> Result<(), ApplyFailed> {
        let index = objects.position(revision).ok_or(ApplyFailed::TemplateLost(revision))?;
        let cause: &'static str = rejection.cause.into();
        self.mark(objects, index, |patch| {
            patch.set(&["metadata", "annotations", names::REJECTED_CAUSE], cause).set(
                &["metadata", "annotations", names::REJECTED_ROLLOUT],
                rejection.rollout.to_string(),
            )
        })
        .await
    }

    /// Forgets that a revision was rejected.
    pub(super) async fn clear_rejection(
        &self,
        objects: &mut Objects<'_>,
        revision: Revision,
    ) -> Result<(), ApplyFailed> {
        match objects.position(revision) {
            Some(index) if objects.live.frozen[index].frozen.rejection.is_some() => {
                self.mark(objects, index, without_rejection).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// This revision is promoted and no other; rejections are forgotten; the history is pruned.
    /// The new mark is set before an old one is taken off: one is always there.
    pub(super) async fn mark_promoted(
        &self,
        objects: &mut Objects<'_>,
        revision: Revision,
    ) -> Result<(), ApplyFailed> {
        let index = objects.position(revision).ok_or(ApplyFailed::TemplateLost(revision))?;
        if !objects.live.frozen[index].frozen.promoted {
            self.mark(objects, index, |patch| {
                patch.set(&["metadata", "labels", names::PROMOTED], "true")
            })
            .await?;
        }
        for index in 0..objects.live.frozen.len() {
            let frozen = &objects.live.frozen[index].frozen;
            if frozen.promoted && frozen.revision != revision {
                self.mark(objects, index, |patch| {
                    patch.remove(&["metadata", "labels", names::PROMOTED])
                })
                .await?;
            }
            if objects.live.frozen[index].frozen.rejection.is_some() {
                self.mark(objects, index, without_rejection).await?;
            }
        }
        self.prune(objects).await
    }

    /// All frozen templates of the target.
    pub(super) async fn remove_revisions(
        &self,
        objects: &mut Objects<'_>,
    ) -> Result<(), ApplyFailed> {
        for object in std::mem::take(&mut objects.live.frozen) {
            self.delete_revision(objects, &object).await?;
        }
        Ok(())
    }

    async fn prune(&self, objects: &mut Objects<'_>) -> Result<(), ApplyFailed> {
        let surplus = surplus(&objects.live.frozen);
        for object in &surplus {
            self.delete_revision(objects, object).await?;
        }
        objects.live.frozen.retain(|it| !surplus.iter().any(|old| old.name == it.name));
        Ok(())
    }

    async fn delete_revision(
        &self,
        objects: &Objects<'_>,
        object: &FrozenObject,
    ) -> Result<(), ApplyFailed> {
        let api = self.cluster.revisions(&objects.world.name.namespace);
        let only = DeleteParams {
            preconditions: Some(Preconditions {
                uid: None,
                resource_version: object.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        self.delete(Written::ControllerRevision, &api, &object.name, &only).await
    }

    async fn create_revision(
        &self,
        objects: &mut Objects<'_>,
        template: PodTemplate,
        attempt: u32,
    ) -> Result<(), ApplyFailed> {
        let revision = template.revision();
        let target = objects.world.target_name();
        let name = format!("{target}-{revision}");
        let object = ControllerRevision {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(objects.world.name.namespace.to_string()),
                labels: Some([(TARGET.to_owned(), target.to_owned())].into()),
                annotations: Some([(names::ATTEMPT.to_owned(), attempt.to_string())].into()),
                ..ObjectMeta::default()
            },
            data: Some(RawExtension(template.json().clone())),
            revision: i64::from(attempt),
        };
        let api = self.cluster.revisions(&objects.world.name.namespace);
        let written = self.create(Written::ControllerRevision, &api, &name, &object).await?;
        self.cluster.newest.note(written.metadata.resource_version.as_deref());
        let trial = template.trial_key(objects.world.rollout.spec.canary_on);
        objects.live.frozen.push(FrozenObject {
            frozen: Frozen { revision, trial, promoted: false, rejection: None, attempt },
            template,
            name,
            resource_version: written.metadata.resource_version,
        });
        Ok(())
    }

    /// Changes the marks of one frozen template and takes over what the API server answers.
    async fn mark(
        &self,
        objects: &mut Objects<'_>,
        index: usize,
        change: impl FnOnce(JsonPatch) -> JsonPatch,
    ) -> Result<(), ApplyFailed> {
        let FrozenObject { name, resource_version, .. } = &objects.live.frozen[index];
        let patch = change(JsonPatch::onto(resource_version.as_deref()));
        let api = self.cluster.revisions(&objects.world.name.namespace);
        let written = self.patch(Written::ControllerRevision, &api, name, patch).await?;
        self.cluster.newest.note(written.metadata.resource_version.as_deref());
        if let Some(now) = parse::frozen(&written, objects.world.rollout.spec.canary_on) {
            objects.live.frozen[index] = now;
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
fn surplus(frozen: &[FrozenObject]) -> Vec<FrozenObject> {
    let beyond = |rejected: bool, bound: usize| {
        let mut some: Vec<_> = frozen
            .iter()
            .filter(|it| !it.frozen.promoted && it.frozen.rejection.is_some() == rejected)
            .collect();
        some.sort_by_key(|it| std::cmp::Reverse(it.frozen.attempt));
        some.into_iter().skip(bound).cloned().collect::<Vec<_>>()
    };
    [beyond(true, MAX_REJECTED), beyond(false, MAX_HISTORY)].concat()
}
