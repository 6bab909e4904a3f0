//! Writes of the `CanaryRollout` itself: finalizer, the single seed of its spec, status.
//! Status is written last, with the resourceVersion that was read, and skipped when equal.

use kube::api::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::json;
use siskin_api::annotations::{EPOCH, FINALIZER};
use siskin_api::{CanaryRollout, CanaryRolloutStatus};

use crate::apply::effects::Applied;
use crate::apply::objects::Objects;
use crate::apply::writer::{ApplyFailed, Writer};
use crate::cluster::patch::JsonPatch;
use crate::observe::world::World;
use crate::process::metrics::Written;

impl Objects<'_> {
    /// Puts our finalizer on.
    pub(super) async fn add_finalizer(&mut self) -> Result<(), ApplyFailed> {
        let mut finalizers = self.rollout.finalizers.clone().unwrap_or_default();
        if finalizers.iter().any(|it| it == FINALIZER) {
            return Ok(());
        }
        finalizers.push(FINALIZER.to_owned());
        self.patch_rollout(|it| it.set(&["metadata", "finalizers"], finalizers)).await
    }

    /// Takes our finalizer off.
    pub(super) async fn remove_finalizer(&mut self) -> Result<(), ApplyFailed> {
        let mut finalizers = self.rollout.finalizers.clone().unwrap_or_default();
        if !finalizers.iter().any(|it| it == FINALIZER) {
            return Ok(());
        }
        finalizers.retain(|it| it != FINALIZER);
        self.patch_rollout(|it| it.set(&["metadata", "finalizers"], finalizers)).await
    }

    /// `/scale` can't be read while `spec.replicas` is absent: seeded once for an autoscaler.
    pub(super) async fn seed_scale(&mut self, replicas: u32) -> Result<(), ApplyFailed> {
        self.patch_rollout(|it| it.set(&["spec", "replicas"], replicas)).await
    }

    /// Removes the seed: the autoscaler that needed it is gone.
    pub(super) async fn unseed_scale(&mut self) -> Result<(), ApplyFailed> {
        if self.world.rollout.spec.replicas.is_none() {
            return Ok(());
        }
        self.patch_rollout(|it| it.remove(&["spec", "replicas"])).await
    }

    async fn patch_rollout(
        &mut self,
        change: impl FnOnce(JsonPatch) -> JsonPatch,
    ) -> Result<(), ApplyFailed> {
        let name = &self.world.name;
        let api = self.writer.cluster.rollouts(&name.namespace);
        let patch = change(JsonPatch::onto(self.rollout.resource_version.as_deref()));
        let written = self.writer.patch(Written::CanaryRollout, &api, &name.name, patch).await?;
        self.rollout = written.metadata;
        Ok(())
    }
}

impl Writer {
    /// Persists the status of a plan as far as it was carried out, and answers with what came back
    /// of it. A refused effect does not keep it from being written; a pass that stopped does.
    pub async fn record(
        &self,
        world: &World,
        applied: &Applied,
        status: &CanaryRolloutStatus,
    ) -> Result<Option<CanaryRollout>, ApplyFailed> {
        if applied.stopped.is_some() || applied.is_released() {
            return Ok(None);
        }
        let api = self.cluster.rollouts(&world.name.namespace);
        let patch = JsonPatch::onto(applied.rollout_version.as_deref());
        let patch = patch.set(&["status"], json!(status));
        self.patch_status(&api, &world.name.name, patch).await.map(Some)
    }

    /// Marks those objects of the rollout that don't have it yet, each also where another can't be
    /// marked, with this leader's epoch: whatever an older leader still has on its way carries a
    /// resourceVersion from before, and is refused.
    pub(crate) async fn fence(&self, world: &World) -> Result<Stamps, ApplyFailed> {
        let mut stamps = Stamps::default();
        let Some(epoch) = self.epoch()? else { return Ok(stamps) };
        let deployments = self.cluster.deployments(&world.name.namespace);
        let live = [&world.live.target, &world.live.primary, &world.live.canary];
        for object in live.into_iter().flatten().filter(|it| !has_stamp(*it, &epoch)) {
            stamps.note(self.fence_one(&deployments, object, &epoch).await)?;
        }
        if !has_stamp(&world.rollout, &epoch) {
            let api = self.cluster.rollouts(&world.name.namespace);
            let patch = stamp(&world.rollout, &epoch);
            let stamped = self.patch(Written::CanaryRollout, &api, &world.name.name, patch).await;
            stamps.note(stamped.map(|it| has_stamp(&it, &epoch)))?;
        }
        Ok(stamps)
    }

    /// Whether the object has the mark now: a policy that takes it off again is not fought.
    async fn fence_one(
        &self,
        api: &Api<DynamicObject>,
        object: &DynamicObject,
        epoch: &str,
    ) -> Result<bool, ApplyFailed> {
        let (name, patch) = (object.name_any(), stamp(object, epoch));
        let stamped = self.patch(Written::Deployment, api, &name, patch).await?;
        let is_made = has_stamp(&stamped, epoch);
        self.give_up_ownership(Written::Deployment, api, stamped).await?;
        Ok(is_made)
    }
}

/// What became of the marks of a new leader.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    /// Whether one was made: what was read of that object is old.
    pub(crate) made: bool,
    /// Why one was not.
    pub(crate) refused: Option<ApplyFailed>,
}

impl Stamps {
    fn note(&mut self, outcome: Result<bool, ApplyFailed>) -> Result<(), ApplyFailed> {
        match outcome {
            Ok(is_made) => self.made |= is_made,
            Err(error) if error.refusal().is_some() => self.refused = Some(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn has_stamp(object: &impl ResourceExt, epoch: &str) -> bool {
    object.annotations().get(EPOCH).is_some_and(|it| it == epoch)
}

fn stamp(object: &impl ResourceExt, epoch: &str) -> JsonPatch {
    JsonPatch::annotating(object).annotation(object, EPOCH, Some(epoch.to_owned()))
}
