//! Writes of the target and its children. The target's template is never written; its count and our
//! annotations go in one patch, and afterwards Siskin gives the field up so that nobody's apply
//! conflicts with it.

use std::collections::BTreeMap;

use kube::api::{DeleteParams, DynamicObject, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::json;
use siskin_analysis::observation::Role;
use siskin_api::annotations::{FIELD_MANAGER, primary, target};
use siskin_decide::{Facts, Revision, Taken, WriteScope};

use crate::apply::objects::Objects;
use crate::apply::writer::{ApplyFailed, Writer};
use crate::cluster::patch::JsonPatch;
use crate::name::Name;
use crate::observe::asked::as_asked;
use crate::observe::parse::{own_entry, whole};
use crate::observe::world::{World, carried};
use crate::process::metrics::Written;
use crate::workloads::children::{Child, Family};

/// A child as it is to be.
#[derive(Clone, Copy)]
pub(super) struct ChildWrite<'a> {
    pub(super) role: Role,
    pub(super) revision: Revision,
    pub(super) replicas: u32,
    /// Durable facts, of a primary.
    pub(super) facts: Option<&'a Facts>,
    /// How much of it is written.
    pub(super) scope: WriteScope,
}

impl Objects<'_> {
    /// Writes a child; its durable facts go in the same write.
    pub(super) async fn write_child(&mut self, write: ChildWrite<'_>) -> Result<(), ApplyFailed> {
        let World { name: Name { namespace, .. }, family, .. } = self.world;
        let family = family.as_ref().ok_or(ApplyFailed::Gone("the target"))?;
        let role = write.role;
        let live = self.live.child(role);
        // N may change with this very write.
        let total = write.facts.map_or(family.total, |it| it.replicas);
        let family = Family { total, ..family.clone() };
        let frozen = self.position(write.revision).map(|it| &self.live.frozen[it].template);
        let child = frozen.map(|it| family.child(role, write.revision, it, live));
        let name = family.name(role);
        let api = self.writer.cluster.deployments(namespace);
        let written = match (live, &child) {
            (Some(live), _) if keeps_its_template(live, write, frozen.is_some()) => {
                let patch = recount(live, write);
                self.writer.patch(Written::Deployment, &api, &name, patch).await?
            }
            (Some(live), Some(child)) => {
                let patch = update(live, child, write);
                self.writer.patch(Written::Deployment, &api, &name, patch).await?
            }
            (None, Some(child)) => {
                let object = create(&name, namespace, child, write);
                self.writer.create(Written::Deployment, &api, &name, &object).await?
            }
            (_, None) => return Err(ApplyFailed::TemplateLost(write.revision)),
        };
        // What came back is what the cluster makes of it, whatever its policies have changed.
        let whole_child = write.scope == WriteScope::Whole;
        let dressed = whole_child && (role == Role::Primary || 0 < write.replicas);
        if let Some(child) = child.filter(|_| dressed) {
            self.writer.cluster.taken.note(child.made_of(&whole(&written)), true);
        }
        self.written(role, written);
        Ok(())
    }

    /// Scales the target, noted as our own write: adoption and hand-back.
    pub(super) async fn write_target(&mut self, replicas: u32) -> Result<(), ApplyFailed> {
        let noted = [(target::WRITTEN, Some(replicas)), (target::REPLICAS, None)];
        self.patch_target(replicas, &noted).await
    }

    /// Scales the target to 0 and notes its count in the same write: a crash between two would lose
    /// N for ever.
    pub(super) async fn drain(&mut self, noted: u32) -> Result<(), ApplyFailed> {
        let noted = [(target::WRITTEN, None), (target::REPLICAS, Some(noted))];
        self.patch_target(0, &noted).await
    }

    async fn patch_target(
        &mut self,
        replicas: u32,
        annotations: &[(&str, Option<u32>)],
    ) -> Result<(), ApplyFailed> {
        let live = self.live.target.as_ref().ok_or(ApplyFailed::Gone("the target"))?;
        let name = live.name_any();
        let api = self.writer.cluster.deployments(&self.world.name.namespace);
        let mut patch = JsonPatch::annotating(live).set(&["spec", "replicas"], replicas);
        for (key, value) in annotations {
            patch = patch.annotation(live, key, value.map(|it| it.to_string()));
        }
        let written = self.writer.patch(Written::Deployment, &api, &name, patch).await?;
        let released =
            self.writer.give_up_ownership(Written::Deployment, &api, written.clone()).await;
        self.live.target = Some(match released {
            Ok(released) => released,
            // The target's own controller was faster. The count is written, and is told; the next
            // look sees that the field is still ours.
            Err(error) if error.is_conflict() => written,
            Err(error) => return Err(error),
        });
        Ok(())
    }

    /// Gives the target's fields up, if the second of two writes was not made.
    pub(super) async fn drop_field_ownership(&mut self) -> Result<(), ApplyFailed> {
        let live = self.live.target.clone().ok_or(ApplyFailed::Gone("the target"))?;
        let api = self.writer.cluster.deployments(&self.world.name.namespace);
        let released = self.writer.give_up_ownership(Written::Deployment, &api, live).await?;
        self.live.target = Some(released);
        Ok(())
    }

    /// Makes the target own its primary: with the target it goes, as any ReplicaSet would.
    pub(super) async fn own_primary_by_target(&mut self) -> Result<(), ApplyFailed> {
        let (Some(live), Some(heir)) = (&self.live.primary, &self.live.target) else {
            return Ok(());
        };
        let owner = json!([{
            "apiVersion": "apps/v1", "kind": "Deployment",
            "name": heir.name_any(), "uid": heir.uid(),
        }]);
        let api = self.writer.cluster.deployments(&self.world.name.namespace);
        let patch = JsonPatch::onto(live.metadata.resource_version.as_deref())
            .set(&["metadata", "ownerReferences"], owner);
        let name = live.name_any();
        self.live.primary = Some(self.writer.patch(Written::Deployment, &api, &name, patch).await?);
        Ok(())
    }

    /// The children and the frozen templates, each only if it is the one that was observed.
    pub(super) async fn remove_children(&mut self) -> Result<(), ApplyFailed> {
        let api = self.writer.cluster.deployments(&self.world.name.namespace);
        for child in [&self.live.canary, &self.live.primary].into_iter().flatten() {
            let only = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: child.uid(),
                    // A late one of a leader that was must not meet a child that serves again.
                    resource_version: child.resource_version(),
                }),
                ..DeleteParams::background()
            };
            self.writer.delete(Written::Deployment, &api, &child.name_any(), &only).await?;
        }
        (self.live.canary, self.live.primary) = (None, None);
        self.remove_revisions().await
    }
}

impl Writer {
    /// Drops our entry in an object's managedFields. Helm 4 and `kubectl apply --server-side`
    /// refuse to touch a field that another manager owns; a value without an owner is anybody's to
    /// set.
    pub(super) async fn give_up_ownership(
        &self,
        kind: Written,
        api: &Api<DynamicObject>,
        written: DynamicObject,
    ) -> Result<DynamicObject, ApplyFailed> {
        let Some(index) = own_entry(&written) else { return Ok(written) };
        let index = index.to_string();
        let entry = ["metadata", "managedFields", &index];
        let patch = JsonPatch::onto(written.metadata.resource_version.as_deref())
            .test(&[&entry[..], &["manager"]].concat(), FIELD_MANAGER)
            .remove(&entry);
        self.patch(kind, api, &written.name_any(), patch).await
    }
}

/// Labels, annotations and spec wholesale: a field that someone added by hand goes with it, and what
/// the target has no more goes, too.
fn update(live: &DynamicObject, child: &Child, write: ChildWrite<'_>) -> JsonPatch {
    noting(as_asked(live, child).set(&["spec", "replicas"], write.replicas), live, write.facts)
}

/// Whether only the count of a child is written. One whose pods may not be replaced yet keeps what
/// it is, whatever it should be. Removing a canary needs no template: whatever it
/// runs, it goes. A child whose frozen template is lost keeps what it runs, and can be scaled.
fn keeps_its_template(live: &DynamicObject, write: ChildWrite<'_>, frozen: bool) -> bool {
    let removed = write.role == Role::Canary && write.replicas == 0;
    let waits = write.scope == WriteScope::CountOnly;
    waits || removed || (!frozen && carried(live) == Some(write.revision))
}

/// The count and the durable facts, and nothing of the template.
fn recount(live: &DynamicObject, write: ChildWrite<'_>) -> JsonPatch {
    let mut patch = match write.facts {
        Some(_) => JsonPatch::annotating(live),
        None => JsonPatch::onto(live.metadata.resource_version.as_deref()),
    };
    if write.facts.is_some() && live.metadata.labels.is_none() {
        patch = patch.set(&["metadata", "labels"], json!({}));
    }
    noting(patch.set(&["spec", "replicas"], write.replicas), live, write.facts)
}

fn noting(mut patch: JsonPatch, live: &DynamicObject, facts: Option<&Facts>) -> JsonPatch {
    let Some(facts) = facts else { return patch };
    let (label, attempts) = attempts_of(facts);
    patch = patch.set(&["metadata", "labels", label], attempts);
    for (key, value) in annotations_of(facts) {
        patch = patch.annotation(live, key, value);
    }
    patch
}

fn create(name: &str, namespace: &str, child: &Child, write: ChildWrite<'_>) -> DynamicObject {
    let attempts = write.facts.map(attempts_of).map(|(key, value)| (key.to_owned(), value));
    let labels = child.labels.clone().into_iter().chain(attempts).collect();
    let facts = write.facts.map(annotations_of).into_iter().flatten();
    let mut annotations: BTreeMap<_, _> = child.annotations.clone();
    annotations.extend(facts.filter_map(|(key, value)| Some((key.to_owned(), value?))));
    let mut spec = child.spec.clone();
    spec["replicas"] = json!(write.replicas);
    let types = kube::core::TypeMeta { api_version: "apps/v1".into(), kind: "Deployment".into() };
    DynamicObject {
        types: Some(types),
        metadata: kube::core::ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels),
            annotations: Some(annotations),
            ..kube::core::ObjectMeta::default()
        },
        data: json!({"spec": spec}),
    }
}

fn scaled_by(it: &Taken) -> String {
    let asked = if it.answered { "" } else { " asked" };
    format!("{}{asked}", it.scaler)
}

/// The durable fact that is a label.
fn attempts_of(facts: &Facts) -> (&'static str, String) {
    (primary::ATTEMPTS, facts.attempts.to_string())
}

/// The other durable facts, as annotations; `None` for one that must not be there.
fn annotations_of(facts: &Facts) -> Vec<(&'static str, Option<String>)> {
    let ending: Option<&'static str> = facts.ending.map(Into::into);
    let reason: Option<&'static str> = facts.promoting.map(|it| it.promoted_by.into());
    vec![
        (primary::OWNER_UID, Some(facts.owner.to_string())),
        (primary::ADOPTED, facts.adopted.then(|| "true".to_owned())),
        (primary::PROMOTED, facts.promoted.map(|it| it.to_string())),
        (primary::PROMOTING, facts.promoting.map(|it| it.revision.to_string())),
        (primary::PROMOTING_REASON, reason.map(ToOwned::to_owned)),
        (primary::REPLICAS, Some(facts.replicas.to_string())),
        (primary::TARGET_REPLICAS, facts.target_replicas.map(|it| it.to_string())),
        (primary::BYPASS_CONSUMED, facts.bypass.as_ref().map(ToString::to_string)),
        (primary::ENDING, ending.map(ToOwned::to_owned)),
        (primary::SCALED_BY, facts.scaled_by.as_ref().map(scaled_by)),
        (primary::SEEDED, facts.seeded.then(|| "true".to_owned())),
        (
            primary::SCALER_DECLINED,
            facts.declined.as_ref().map(|it| format!("{:016x} {}", it.version, it.says)),
        ),
    ]
}
