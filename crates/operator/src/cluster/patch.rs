//! A JSON patch, built up field by field. Pure: sends nothing.

use json_patch::PatchOperation;
use kube::api::Patch;
use serde_json::{Value, json};

/// Operations in the order in which the API server makes them, all or none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonPatch(Vec<Value>);

impl JsonPatch {
    /// Conditional on the object being the one that was read: a foreign write in between is a
    /// conflict (409), never overwritten.
    #[must_use]
    pub fn onto(resource_version: Option<&str>) -> Self {
        let guard = resource_version
            .map(|it| json!({"op": "add", "path": "/metadata/resourceVersion", "value": it}));
        Self(guard.into_iter().collect())
    }

    /// Without a precondition: for dry runs.
    #[must_use]
    pub const fn unconditional() -> Self {
        Self(Vec::new())
    }

    /// Sets a field, replacing what is there.
    #[must_use]
    pub fn set(mut self, path: &[&str], value: impl Into<Value>) -> Self {
        let value = value.into();
        self.0.push(json!({"op": "add", "path": pointer(path), "value": value}));
        self
    }

    /// Fails the patch unless the field has this value.
    #[must_use]
    pub fn test(mut self, path: &[&str], value: impl Into<Value>) -> Self {
        let value = value.into();
        self.0.push(json!({"op": "test", "path": pointer(path), "value": value}));
        self
    }

    /// Removes a field that is there.
    #[must_use]
    pub fn remove(mut self, path: &[&str]) -> Self {
        self.0.push(json!({"op": "remove", "path": pointer(path)}));
        self
    }

    /// As the client sends it.
    #[must_use]
    pub fn into_patch<T: serde::Serialize>(self) -> Patch<T> {
        // Each was built above as an operation: none is dropped.
        let parsed = self.0.into_iter().filter_map(|it| serde_json::from_value(it).ok());
        let operations: Vec<PatchOperation> = parsed.collect();
        Patch::Json(json_patch::Patch(operations))
    }
}

fn pointer(path: &[&str]) -> String {
    path.iter().fold(String::new(), |pointer, field| {
        pointer + "/" + &field.replace('~', "~0").replace('/', "~1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_and_the_precondition_comes_first() {
        let patch = JsonPatch::onto(Some("7")).set(&["metadata", "annotations", "a/b~c"], "x");
        let Patch::Json::<()>(json_patch::Patch(operations)) = patch.into_patch() else {
            panic!("a JSON patch");
        };
        let wire = serde_json::to_value(operations).expect("serialises");
        assert_eq!(wire[0]["path"], "/metadata/resourceVersion");
        assert_eq!(wire[1]["path"], "/metadata/annotations/a~1b~0c");
    }
}
