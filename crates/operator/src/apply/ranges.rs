//! The write of the object that lists replay ranges: patched where it is this rollout's, created where
//! there is none. What is in it is made elsewhere.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use serde_json::json;
use siskin_api::annotations::replay;

use crate::apply::writer::{ApplyFailed, Writer};
use crate::cluster::patch::JsonPatch;
use crate::observe::world::World;
use crate::process::metrics::Written;

impl Writer {
    /// Writes the object. One of the same name that somebody else made is left alone: that is refused.
    pub(crate) async fn write_ranges(
        &self,
        world: &World,
        object: &ConfigMap,
    ) -> Result<(), ApplyFailed> {
        let api = self.cluster.all::<ConfigMap>(Some(&world.name.namespace));
        let name = object.name_any();
        let attempt = object.annotations().get(replay::ROLLOUT_ID).cloned();
        let patch = JsonPatch::default()
            .test(&["metadata", "ownerReferences", "0", "uid"], &*world.uid)
            .set(&["metadata", "annotations", replay::ROLLOUT_ID], attempt)
            .set(&["data"], json!(object.data))
            .set(&["binaryData"], json!(object.binary_data));
        match self.patch(Written::ConfigMap, &api, &name, patch).await {
            Ok(_) => Ok(()),
            Err(ApplyFailed::Call(error)) if error.is_absent() => {
                self.create(Written::ConfigMap, &api, &name, object).await.map(|_| ())
            }
            Err(error) => Err(error),
        }
    }
}
