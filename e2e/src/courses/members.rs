//! Makes the pods of a Deployment members of a consumer group, whatever else its template says: their processes are the
//! sample worker's, on this machine.

use std::path::Path;

use anyhow::Result;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use crate::scenario::{Fleet, Load, Version};

/// A load on the topic of a group; it ends when this is dropped.
pub(super) struct Members {
    _load: Load,
}

impl Members {
    /// Makes the topic of a group, and begins to write to it.
    pub(super) async fn load(
        producer: &Path,
        bootstrap: &str,
        group: &str,
        log: &Path,
    ) -> Result<Self> {
        let fleet = Fleet::new("kubectl", bootstrap, group);
        Ok(Self { _load: Load::start(producer, &fleet, log).await? })
    }

    /// Gives the first container the settings of the sample worker, over its own ones.
    pub(super) fn join(
        manifest: &mut DynamicObject,
        group: &str,
        bootstrap: &str,
        version: &str,
        pods: u32,
    ) {
        let fleet = Fleet::new("kubectl", bootstrap, group);
        let of_worker = fleet.template(&Version::good(version));
        let settings = of_worker["spec"]["containers"][0]["env"].as_array().cloned();
        manifest.data["spec"]["replicas"] = json!(pods);
        let template = &mut manifest.data["spec"]["template"];
        // Nobody listens at the address of a fake pod.
        template["metadata"]["annotations"]["prometheus.io/scrape"] = json!("false");
        template["spec"]["nodeSelector"]["type"] = json!("kwok");
        let env = &mut template["spec"]["containers"][0]["env"];
        let mut all = env.as_array().cloned().unwrap_or_default();
        // The process is found by the path of this machine, and no process has a variable with a NUL.
        let passes = |it: &Value| !it["value"].as_str().is_some_and(|it| it.contains('\0'));
        all.retain(|it| it["name"] != "PATH" && passes(it));
        all.extend(settings.unwrap_or_default());
        *env = Value::Array(all);
    }
}
