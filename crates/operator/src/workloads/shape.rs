//! What of a child a policy of the cluster may have changed: all that Siskin writes, but the count
//! and the durable facts. Pure; for comparing answers of the API server with each other.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use crate::workloads::children::Child;

impl Child {
    /// What is asked for and what is there, as digests of their content.
    pub(crate) fn made_of(&self, live: &Value) -> (u64, u64) {
        let asked = json!([self.labels, self.annotations, self.spec]);
        (digest(&asked), digest(&self.shape(live)))
    }

    /// Fields of an object that this child asks for, whatever their value, and all of its spec but the
    /// count.
    pub(crate) fn shape(&self, live: &Value) -> Value {
        let metadata = &live["metadata"];
        let some = |field: &str, keys: &mut dyn Iterator<Item = &String>| {
            let pairs = keys.map(|key| (key.clone(), metadata[field][key].clone()));
            pairs.collect::<Map<_, _>>()
        };
        let mut spec = live["spec"].clone();
        if let Some(spec) = spec.as_object_mut() {
            spec.remove("replicas");
        }
        json!({
            "spec": spec,
            "labels": some("labels", &mut self.labels.keys()),
            "annotations": some("annotations", &mut self.annotations.keys()),
            "owners": metadata["ownerReferences"],
            "gone": self.gone_labels(live),
            "stale": self.has_stale_memory(live),
        })
    }
}

fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}
