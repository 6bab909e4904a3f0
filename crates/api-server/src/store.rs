//! The objects of the server, with their history, and what Kubernetes' own controllers make of them.
//! Knows no request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A change, as a watch tells it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) path: String,
    pub(crate) event: &'static str,
    pub(crate) object: Value,
}

/// Why a write is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Absent,
    Conflict,
    Taken,
}

#[derive(Default)]
pub(crate) struct Store {
    objects: BTreeMap<String, Value>,
    history: Vec<Change>,
}

impl Store {
    pub(crate) fn version(&self) -> u64 {
        self.history.last().map_or(1, |it| it.version)
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        self.objects.get(path)
    }

    /// Objects whose path is chosen.
    pub(crate) fn all(&self, chosen: impl Fn(&str) -> bool) -> Vec<&Value> {
        self.objects.iter().filter(|(path, _)| chosen(path)).map(|it| it.1).collect()
    }

    /// What has changed after this version.
    pub(crate) fn since(&self, version: u64) -> &[Change] {
        let from = self.history.partition_point(|it| it.version <= version);
        &self.history[from..]
    }

    pub(crate) fn create(&mut self, path: &str, mut object: Value) -> Result<Value, Refusal> {
        if self.objects.contains_key(path) {
            return Err(Refusal::Taken);
        }
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(format!("uid-{}", self.version() + 1));
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        Ok(self.store(path, object, "ADDED"))
    }

    /// Changes an object, unless somebody else has since it was read.
    pub(crate) fn change(
        &mut self,
        path: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Refusal> {
        let before = self.objects.get(path).ok_or(Refusal::Absent)?.clone();
        let mut object = before.clone();
        change(&mut object);
        if object["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"] {
            return Err(Refusal::Conflict);
        }
        if object["spec"] != before["spec"] {
            let generation = before["metadata"]["generation"].as_i64().unwrap_or(1);
            object["metadata"]["generation"] = json!(generation + 1);
        }
        let held = object["metadata"]["finalizers"].as_array().is_some_and(|it| !it.is_empty());
        if object["metadata"]["deletionTimestamp"].is_string() && !held {
            return self.remove(path);
        }
        Ok(self.store(path, object, "MODIFIED"))
    }

    /// Deletes an object, or marks it as one whose finalizers hold it.
    pub(crate) fn delete(&mut self, path: &str) -> Result<Value, Refusal> {
        self.change(path, |it| it["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"))
    }

    fn remove(&mut self, path: &str) -> Result<Value, Refusal> {
        let object = self.objects.remove(path).ok_or(Refusal::Absent)?;
        Ok(self.note(path, object, "DELETED"))
    }

    fn store(&mut self, path: &str, mut object: Value, event: &'static str) -> Value {
        control(&mut object);
        let object = self.note(path, object, event);
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    fn note(&mut self, path: &str, mut object: Value, event: &'static str) -> Value {
        let version = self.version() + 1;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let path = path.to_owned();
        self.history.push(Change { version, path, event, object: object.clone() });
        object
    }
}

/// Its controller has done already what it is asked to do.
fn control(object: &mut Value) {
    let generation = object["metadata"]["generation"].clone();
    match object["kind"].as_str() {
        Some("Deployment") => {
            let count = object["spec"]["replicas"].clone();
            object["status"] = json!({
                "observedGeneration": generation, "replicas": count, "updatedReplicas": count,
                "readyReplicas": count, "availableReplicas": count,
                "conditions": [{"type": "Available", "status": "True"}],
            });
        }
        Some("HorizontalPodAutoscaler") => {
            object["status"] = json!({
                "observedGeneration": generation,
                "conditions": [{"type": "AbleToScale", "status": "True"}],
            });
        }
        Some("ScaledObject") => {
            object["status"] = json!({
                "scaleTargetGVKR": {"kind": object["spec"]["scaleTargetRef"]["kind"]},
                "conditions": [{"type": "Ready", "status": "True"}],
            });
        }
        _ => {}
    }
}
