//! The `CanaryRollout` of a scenario: quick steps, so that a rollout takes seconds, not hours.
//! Builds a manifest; what it means is the operator's business.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::seen::TARGET;

/// A `CanaryRollout` to be applied.
#[derive(Clone, Debug)]
pub struct RolloutSpec(Value);

impl RolloutSpec {
    /// One step of a third of the pods, held for some seconds.
    #[must_use]
    pub fn quick() -> Self {
        Self::steps(&json!([{"weight": 34, "hold": "3s"}]))
    }

    /// One step of a third of the pods that does not end by itself within a scenario.
    #[must_use]
    pub fn endless() -> Self {
        Self::steps(&json!([{"weight": 34, "hold": "10m"}])).strategy("maxHold", "10m")
    }

    /// The spec of a user's manifest, which names neither Kafka nor the group.
    pub fn read(manifest: &str) -> Result<Self> {
        let mut manifest: Value = serde_yaml_ng::from_str(manifest).context("reading a rollout")?;
        Ok(Self(manifest["spec"].take()))
    }

    /// A spec of these steps.
    #[must_use]
    pub fn steps(steps: &Value) -> Self {
        Self(json!({
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": TARGET},
            "strategy": {
                "steps": steps,
                "warmUp": "1s",
                "maxHold": "2m",
                // Also on a busy machine, pods that can start have started by then.
                "progressDeadline": "90s",
            },
            "analysis": {"interval": "1s", "kafka": {}},
        }))
    }

    /// The spec with a field of the strategy.
    #[must_use]
    pub fn strategy(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["strategy"][field] = value.into();
        self
    }

    /// The spec with a field of the Kafka source.
    #[must_use]
    pub fn kafka(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["analysis"]["kafka"][field] = value.into();
        self
    }

    /// The spec with a field of the analysis.
    #[must_use]
    pub fn analysis(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["analysis"][field] = value.into();
        self
    }

    /// The spec with the name of a series.
    #[must_use]
    pub fn series(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["analysis"]["series"][field] = value.into();
        self
    }

    /// The spec with a field at its top.
    #[must_use]
    pub fn field(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    /// The manifest, for the scenario's Kafka and group where the spec names none.
    #[must_use]
    pub fn manifest(&self, name: &str, bootstrap: &str, group: &str) -> Value {
        let mut spec = self.0.clone();
        let kafka = &mut spec["analysis"]["kafka"];
        if kafka["bootstrapServers"].is_null() {
            kafka["bootstrapServers"] = json!([bootstrap]);
        }
        if kafka["consumerGroup"].is_null() {
            kafka["consumerGroup"] = json!(group);
        }
        json!({
            "apiVersion": "siskin.dev/v1alpha1",
            "kind": "CanaryRollout",
            "metadata": {"name": name},
            "spec": spec,
        })
    }
}
