//! What is kept of an object at one moment: only what an invariant or a wait asks about.
//! Reads what the API server says, and may not know how the operator came to it.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::Value;
use siskin_api::annotations::{FIELD_MANAGER, primary, revision};
use siskin_api::{CanaryRolloutSpec, CanaryRolloutStatus};

/// The name of the Deployment under every rollout.
pub const TARGET: &str = "orders";

/// The environment variable by which a pod template says which version it is.
pub const VERSION: &str = "VERSION";

/// The three Deployments of one rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The target: the user's own.
    Target,
    /// The promoted version.
    Primary,
    /// The version on trial.
    Canary,
}

/// An object of one of the kinds that are watched.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The target, one of its children, or a Deployment that has no part in the scenario.
    Deployment(Box<Deployment>),
    /// A pod of any of them.
    Pod(SeenPod),
    /// A frozen template.
    Frozen(Frozen),
    /// A rollout.
    Rollout(Box<Rollout>),
    /// An Event.
    Event(Event),
}

/// A Deployment.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// Tells it from an earlier one of the same name.
    pub uid: String,
    /// `spec.replicas`.
    pub replicas: u32,
    /// The field managers that own `spec.replicas`.
    pub counted_by: Vec<String>,
    /// Whether Siskin's field manager owns anything of the pod template.
    pub template_is_ours: bool,
    /// [`VERSION`] of the template.
    pub version: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Names of its owners.
    pub owners: Vec<String>,
    /// All of `spec`.
    pub spec: Value,
    /// Pods that its controller counts as Ready.
    pub ready: u32,
    /// Whether its controller has seen this spec, and every pod is of its template.
    pub rolled: bool,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct SeenPod {
    /// The Deployment that the pod belongs to, by its owner; none if that has no part in the rollout.
    pub part: Option<Part>,
    /// [`VERSION`] of its first container.
    pub version: Option<String>,
    /// Whether the pod is Ready.
    pub ready: bool,
    /// Whether the pod is being deleted.
    pub terminating: bool,
    /// How often the container of the pod has ended.
    pub crashes: i64,
    /// Whether the container of the pod runs, so that it has a log.
    pub running: bool,
}

/// A `ControllerRevision` that freezes a template.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// [`VERSION`] of the template.
    pub version: Option<String>,
    /// Why it was rejected, if it was.
    pub rejected: Option<String>,
}

/// A `CanaryRollout`.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// Tells it from an earlier one of the same name.
    pub uid: String,
    /// What is asked for.
    pub spec: CanaryRolloutSpec,
    /// What the operator says.
    pub status: CanaryRolloutStatus,
    /// Its annotations: the commands.
    pub annotations: BTreeMap<String, String>,
    /// Whether the rollout is being deleted.
    pub deleting: bool,
}

/// An Event on a rollout.
#[derive(Clone, Debug)]
pub struct Event {
    /// `CamelCase`.
    pub reason: String,
    /// What happened, for people.
    pub note: String,
    /// How often it was told.
    pub count: i64,
    /// Whether a person may be needed.
    pub warning: bool,
}

impl Part {
    /// The part that a Deployment of this name has in the rollout.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.strip_prefix(TARGET)? {
            "" => Some(Self::Target),
            "-primary" => Some(Self::Primary),
            "-canary" => Some(Self::Canary),
            _ => None,
        }
    }

    /// The name of its Deployment.
    #[must_use]
    pub fn name(self) -> String {
        let suffix = match self {
            Self::Target => "",
            Self::Primary => "-primary",
            Self::Canary => "-canary",
        };
        format!("{TARGET}{suffix}")
    }
}

impl Deployment {
    /// Reads a Deployment.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Self {
        let metadata = &object.metadata;
        let (spec, status) = (&object.data["spec"], &object.data["status"]);
        let count = |value: &Value| u32::try_from(value.as_i64().unwrap_or(0)).unwrap_or(0);
        let owns = |path: [&str; 2]| {
            let entries = metadata.managed_fields.iter().flatten();
            let owned = entries.filter(move |it| {
                it.fields_v1.as_ref().is_some_and(|it| !it.0[path[0]][path[1]].is_null())
            });
            owned.filter_map(|it| it.manager.clone()).collect::<Vec<_>>()
        };
        let all = count(&status["replicas"]);
        let observed = status["observedGeneration"].as_i64().unwrap_or(-1);
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            replicas: count(&spec["replicas"]),
            counted_by: owns(["f:spec", "f:replicas"]),
            template_is_ours: owns(["f:spec", "f:template"]).iter().any(|it| it == FIELD_MANAGER),
            version: version(&spec["template"]["spec"]),
            annotations: metadata.annotations.clone().unwrap_or_default(),
            owners: metadata.owner_references.iter().flatten().map(|it| it.name.clone()).collect(),
            spec: spec.clone(),
            ready: count(&status["readyReplicas"]),
            rolled: metadata.generation.unwrap_or(0) <= observed
                && count(&status["updatedReplicas"]) == all,
        }
    }

    /// N as the primary notes it; absent on any other Deployment.
    #[must_use]
    pub fn total(&self) -> Option<u32> {
        self.annotations.get(primary::OWNER_UID)?;
        self.annotations.get(primary::REPLICAS)?.parse().ok()
    }

    /// Whether the primary says that the adoption is over.
    #[must_use]
    pub fn adopted(&self) -> bool {
        self.annotations.get(primary::ADOPTED).is_some_and(|it| it == "true")
    }

    /// Whether the last write of `spec.replicas` was Siskin's.
    #[must_use]
    pub fn counted_by_us(&self) -> bool {
        self.counted_by.iter().any(|it| it == FIELD_MANAGER)
    }

    /// `maxUnavailable` at `total` pods, rounded down as the Deployment controller does; 1 for
    /// `Recreate`.
    #[must_use]
    pub fn max_unavailable(&self, total: u32) -> u32 {
        let strategy = &self.spec["strategy"];
        if strategy["type"] == "Recreate" {
            return 1;
        }
        let value = &strategy["rollingUpdate"]["maxUnavailable"];
        count_of(value, |percent| total * percent / 100).unwrap_or(0)
    }

    /// `maxSurge` at `total` pods, rounded up as the Deployment controller does; 0 for `Recreate`.
    #[must_use]
    pub fn max_surge(&self, total: u32) -> u32 {
        let strategy = &self.spec["strategy"];
        let value = &strategy["rollingUpdate"]["maxSurge"];
        count_of(value, |percent| (total * percent).div_ceil(100)).unwrap_or(0)
    }

    /// Whether the Deployment's own strategy leaves no room to add a pod before one goes.
    #[must_use]
    pub fn drains_first(&self) -> bool {
        self.spec["strategy"]["type"] == "Recreate" || self.max_surge(100) == 0
    }
}

/// A number of pods, or what `share` makes of a percentage.
fn count_of(value: &Value, share: impl Fn(u32) -> u32) -> Option<u32> {
    let percent = value.as_str().and_then(|it| it.strip_suffix('%')?.parse::<u32>().ok());
    let pods = value.as_u64().and_then(|it| u32::try_from(it).ok());
    pods.or(percent.map(share))
}

impl SeenPod {
    /// Reads a pod.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Self {
        let conditions = object.data["status"]["conditions"].as_array();
        let ready = |it: &Value| it["type"] == "Ready" && it["status"] == "True";
        Self {
            part: owner(object).and_then(Part::of),
            version: version(&object.data["spec"]),
            ready: conditions.is_some_and(|it| it.iter().any(ready)),
            terminating: object.metadata.deletion_timestamp.is_some(),
            crashes: crashes(&object.data["status"]["containerStatuses"][0]),
            running: !object.data["status"]["containerStatuses"][0]["state"]["running"].is_null(),
        }
    }
}

/// The Deployment of a pod: its `ReplicaSet` is called after it and a hash.
fn owner(pod: &DynamicObject) -> Option<&str> {
    let owner = pod.metadata.owner_references.as_ref()?.first()?;
    owner.name.rsplit_once('-').map(|(deployment, _)| deployment)
}

/// How often the container has ended: `restartCount` counts starts, and lags behind by one while the container is down.
fn crashes(container: &Value) -> i64 {
    let restarts = container["restartCount"].as_i64().unwrap_or(0);
    let ended = !container["state"]["terminated"].is_null();
    let waits_again =
        !container["state"]["waiting"].is_null() && !container["lastState"]["terminated"].is_null();
    restarts + i64::from(ended || waits_again)
}

impl Frozen {
    /// Reads a `ControllerRevision`.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Self {
        let annotations = object.metadata.annotations.as_ref();
        Self {
            version: version(&object.data["data"]["spec"]),
            rejected: annotations.and_then(|it| it.get(revision::REJECTED_CAUSE)).cloned(),
        }
    }
}

impl Rollout {
    /// Reads a rollout; nothing if it does not have the shape of this build's schema.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Option<Self> {
        let status = &object.data["status"];
        let status = if status.is_null() {
            CanaryRolloutStatus::default()
        } else {
            serde_json::from_value(status.clone()).ok()?
        };
        Some(Self {
            uid: object.metadata.uid.clone()?,
            spec: serde_json::from_value(object.data["spec"].clone()).ok()?,
            status,
            annotations: object.metadata.annotations.clone().unwrap_or_default(),
            deleting: object.metadata.deletion_timestamp.is_some(),
        })
    }
}

impl Event {
    /// Reads an Event of `events.k8s.io`.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Self {
        let text = |field: &str| object.data[field].as_str().unwrap_or_default().to_owned();
        Self {
            reason: text("reason"),
            note: text("note"),
            count: object.data["series"]["count"].as_i64().unwrap_or(1),
            warning: object.data["type"] == "Warning",
        }
    }
}

fn version(pod_spec: &Value) -> Option<String> {
    let environment = pod_spec["containers"][0]["env"].as_array()?;
    let entry = environment.iter().find(|it| it["name"] == VERSION)?;
    entry["value"].as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_belongs_to_the_deployment_of_its_replica_set() {
        let part = |replica_set: &str| {
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "p", "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set, "uid": "u",
                }]},
                "spec": {}, "status": {},
            });
            SeenPod::of(&serde_json::from_value(pod).unwrap()).part
        };
        assert_eq!(part("orders-5d9f"), Some(Part::Target));
        assert_eq!(part("orders-canary-5d9f"), Some(Part::Canary));
        assert_eq!(part("orders-b-primary-5d9f"), None, "another rollout's");
        assert_eq!(part("strangers-5d9f"), None);
    }

    #[test]
    fn a_container_that_is_down_has_ended_once_more_than_it_was_restarted() {
        let ended = json!({"terminated": {"exitCode": 1}});
        let cases = [
            (json!({"restartCount": 0, "state": {"running": {}}}), 0),
            (json!({"restartCount": 0, "state": {"waiting": {}}}), 0),
            (json!({"restartCount": 0, "state": ended}), 1),
            (json!({"restartCount": 0, "state": {"waiting": {}}, "lastState": ended}), 1),
            (json!({"restartCount": 1, "state": {"running": {}}, "lastState": ended}), 1),
            (json!({"restartCount": 1, "state": ended, "lastState": ended}), 2),
            (json!({"restartCount": 1, "state": {"waiting": {}}, "lastState": ended}), 2),
        ];
        for (container, expected) in cases {
            assert_eq!(crashes(&container), expected, "{container}");
        }
    }
}
