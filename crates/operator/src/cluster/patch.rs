//! A JSON patch, built up operation by operation.
//! Pure: sends nothing.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, TestOperation};
use kube::ResourceExt;
use kube::api::Patch;
use serde_json::{Value, json};

/// Operations in the order in which the API server makes them, all or none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonPatch(Vec<PatchOperation>);

impl JsonPatch {
    /// Conditional on the object being the one that was read: a foreign write in between is a
    /// conflict (409), never overwritten.
    pub(crate) fn onto(resource_version: Option<&str>) -> Self {
        let patch = Self::default();
        match resource_version {
            Some(version) => patch.set(&["metadata", "resourceVersion"], version),
            None => patch,
        }
    }

    /// Conditional on this object being as it was read, and ready for annotations: the field that
    /// holds them is made if there is none.
    pub(crate) fn annotating(object: &impl ResourceExt) -> Self {
        let patch = Self::onto(object.meta().resource_version.as_deref());
        match object.meta().annotations {
            Some(_) => patch,
            None => patch.set(&["metadata", "annotations"], json!({})),
        }
    }

    /// Sets an annotation of `object`; without a value, removes it if it is there.
    pub(crate) fn annotation(
        self,
        object: &impl ResourceExt,
        key: &str,
        value: Option<String>,
    ) -> Self {
        let path = ["metadata", "annotations", key];
        match value {
            Some(value) => self.set(&path, value),
            None if object.annotations().contains_key(key) => self.remove(&path),
            None => self,
        }
    }

    /// Sets a field, replacing what is there.
    pub(crate) fn set(mut self, path: &[&str], value: impl Into<Value>) -> Self {
        let (path, value) = (pointer(path), value.into());
        self.0.push(PatchOperation::Add(AddOperation { path, value }));
        self
    }

    /// Fails the patch unless the field has this value.
    pub(crate) fn test(mut self, path: &[&str], value: impl Into<Value>) -> Self {
        let (path, value) = (pointer(path), value.into());
        self.0.push(PatchOperation::Test(TestOperation { path, value }));
        self
    }

    /// Removes a field that is there.
    pub(crate) fn remove(mut self, path: &[&str]) -> Self {
        self.0.push(PatchOperation::Remove(RemoveOperation { path: pointer(path) }));
        self
    }

    /// What the API server would make of an object.
    pub(crate) fn apply_to(&self, object: &mut Value) -> Result<(), json_patch::PatchError> {
        json_patch::patch(object, &self.0)
    }

    /// The patch as the client sends it.
    pub(crate) fn into_patch<T: serde::Serialize>(self) -> Patch<T> {
        Patch::Json(json_patch::Patch(self.0))
    }
}

/// A JSON pointer; fields with `/` or `~` in them are escaped.
fn pointer(path: &[&str]) -> PointerBuf {
    PointerBuf::from_tokens(path.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_and_the_precondition_comes_first() {
        let patch = JsonPatch::onto(Some("7")).set(&["metadata", "annotations", "a/b~c"], "x");
        let wire = serde_json::to_value(&patch.0).expect("serializes");
        assert_eq!(wire[0]["path"], "/metadata/resourceVersion");
        assert_eq!(wire[1]["path"], "/metadata/annotations/a~1b~0c");
    }
}
