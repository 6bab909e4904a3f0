//! A child as it is asked for, as a patch of what is there: sent for good by a write, and dry by a
//! question. Pure; the count and the durable facts are added by whoever writes.

use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::json;
use siskin_api::annotations::TAKEN_LABELS;

use crate::cluster::patch::JsonPatch;
use crate::observe::parse::whole;
use crate::workloads::children::Child;

/// Labels, annotations and spec wholesale: a field that someone added by hand goes with it.
pub(crate) fn as_asked(live: &DynamicObject, child: &Child) -> JsonPatch {
    let mut patch = JsonPatch::annotating(live);
    let fields = child.spec.as_object().into_iter().flatten();
    // The selector can't be changed after creation, and never differs.
    for (field, value) in fields.filter(|(field, _)| *field != "selector") {
        patch = patch.set(&["spec", field], value.clone());
    }
    if live.data["spec"]["paused"] == true {
        patch = patch.remove(&["spec", "paused"]);
    }
    if !live.owner_references().is_empty() {
        patch = patch.remove(&["metadata", "ownerReferences"]);
    }
    let before = whole(live);
    for field in child.gone_fields(&before) {
        patch = patch.remove(&["spec", field]);
    }
    if live.metadata.labels.is_none() {
        patch = patch.set(&["metadata", "labels"], json!({}));
    }
    for key in child.gone_labels(&before) {
        patch = patch.remove(&["metadata", "labels", key]);
    }
    if child.has_stale_memory(&before) {
        patch = patch.annotation(live, TAKEN_LABELS, None);
    }
    for (key, value) in &child.labels {
        patch = patch.set(&["metadata", "labels", key], value.clone());
    }
    for (key, value) in &child.annotations {
        patch = patch.annotation(live, key, Some(value.clone()));
    }
    patch
}

#[cfg(test)]
mod tests;
