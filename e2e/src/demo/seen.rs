//! What is kept of the cluster's objects: only what the audience is shown or an outcome rests on.
//! Reads the JSON that any client of the API server gets; it knows no type of Siskin's.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde::Deserialize;
use serde_json::Value;

/// Everything of interest in the namespace at one moment.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The `CanaryRollout`, once it has a status.
    pub rollout: Option<Rollout>,
    /// Pods of the target, by name.
    pub pods: BTreeMap<String, Pod>,
    /// `spec.replicas` of each Deployment, by name.
    pub replicas: BTreeMap<String, i64>,
    /// Names of the Events that were told already: a new listing brings them again.
    pub(super) told: BTreeSet<String>,
}

/// The status of a `CanaryRollout`, as `kubectl get -o json` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// `Adopting`, `Progressing`, ...
    pub phase: String,
    /// What is happening, in one sentence.
    pub message: String,
    /// The Deployment's `siskin.dev/change-id`, as last seen.
    pub change_id: String,
    /// What `kubectl get` shows.
    pub summary: Summary,
    /// Figures of both roles.
    pub analysis: Analysis,
    /// Earlier rollouts, latest first.
    pub history: Vec<Past>,
    conditions: Vec<Condition>,
}

/// What `kubectl get` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// `1/2`.
    pub step: String,
    /// Real share of the canary's pods, in percent.
    pub weight: i64,
    /// `Pass`, `Fail`, `Inconclusive`, or nothing.
    pub verdict: String,
}

/// Figures of both roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Analysis {
    /// Why the verdict is what it is.
    pub reason: String,
    /// The canary's.
    pub canary: Figures,
    /// The primary's.
    pub primary: Figures,
}

/// Figures of one role; `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Partitions assigned to it.
    pub partitions: Option<i64>,
    /// Messages behind.
    pub lag: Option<i64>,
}

/// A rollout that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Past {
    /// What the Deployment said of the change.
    pub change_id: String,
    /// `Promoted`, `RolledBack`, ...
    pub outcome: String,
    /// Why it was rolled back.
    pub cause: String,
    /// The same in one sentence.
    pub message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    r#type: String,
    status: String,
}

/// Whose pod it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The Deployment's own, before its adoption.
    Target,
    /// The promoted version's.
    Primary,
    /// That of the version on trial.
    Canary,
}

/// What a pod is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// On its way to Ready.
    Starting,
    /// Ready.
    Ready,
    /// Its container has crashed, and waits to be started again.
    Crashed,
    /// Being deleted.
    Ending,
}

/// A pod of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Whose.
    pub role: Role,
    /// The environment variable VERSION of its container.
    pub version: String,
    /// What it is doing.
    pub life: Life,
    /// How often its container has ended.
    pub crashes: i64,
    /// Whether its container runs, so that it has a log.
    pub running: bool,
}

impl Scene {
    /// Pods of a role that are not being deleted.
    pub fn pods_of(&self, role: Role) -> impl Iterator<Item = &Pod> {
        self.pods.values().filter(move |it| it.role == role && it.life != Life::Ending)
    }

    /// How many pods of a role are Ready.
    #[must_use]
    pub fn ready(&self, role: Role) -> usize {
        self.pods_of(role).filter(|it| it.life == Life::Ready).count()
    }

    /// Whether the primary has this many pods, all Ready, of this version, and nobody else has any.
    #[must_use]
    pub fn serves_alone(&self, version: &str, pods: usize) -> bool {
        let others = self.pods.values().any(|it| it.role != Role::Primary);
        let of_version = self.pods_of(Role::Primary).all(|it| it.version == version);
        !others && of_version && self.ready(Role::Primary) == pods && self.pods.len() == pods
    }
}

impl Rollout {
    /// Reads the status; `None` before there is one.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Option<Self> {
        serde_json::from_value(object.data["status"].clone()).ok()
    }

    /// Whether the rollout of this change is over, well or not: what a pipeline waits for.
    #[must_use]
    pub fn has_completed(&self, change: &str) -> bool {
        let is_true = |it: &Condition| it.r#type == "Completed" && it.status == "True";
        self.change_id == change && self.conditions.iter().any(is_true)
    }

    /// Whether a version is on trial.
    #[must_use]
    pub fn on_trial(&self) -> bool {
        matches!(&*self.phase, "Progressing" | "Paused" | "Promoting")
    }
}

impl Pod {
    /// Reads a pod; `None` if it is no consumer's.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Option<Self> {
        let labels = object.labels();
        let role = match labels.get("siskin.dev/role").map(String::as_str) {
            Some("primary") => Role::Primary,
            Some("canary") => Role::Canary,
            Some(_) | None => Role::Target,
        };
        (labels.get("app")? == "orders").then_some(())?;
        let status = &object.data["status"];
        let container = &status["containerStatuses"][0];
        let crashes = crashes(container);
        let conditions = status["conditions"].as_array().into_iter().flatten();
        let ready = conditions.clone().any(|it| it["type"] == "Ready" && it["status"] == "True");
        let running = !container["state"]["running"].is_null();
        let life = match (object.metadata.deletion_timestamp.is_some(), ready) {
            (true, _) => Life::Ending,
            (false, true) => Life::Ready,
            (false, false) if 0 < crashes && !running => Life::Crashed,
            (false, false) => Life::Starting,
        };
        let env = object.data["spec"]["containers"][0]["env"].as_array().into_iter().flatten();
        let version = env.clone().find(|it| it["name"] == "VERSION")?;
        let version = version["value"].as_str().unwrap_or_default().to_owned();
        Some(Self { role, version, life, crashes, running })
    }
}

/// How often the container has ended: `restartCount` counts starts, and lags behind by one while
/// the container is down.
fn crashes(container: &Value) -> i64 {
    let restarts = container["restartCount"].as_i64().unwrap_or(0);
    let ended = !container["state"]["terminated"].is_null();
    let waits_again =
        !container["state"]["waiting"].is_null() && !container["lastState"]["terminated"].is_null();
    restarts + i64::from(ended || waits_again)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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

    #[test]
    fn an_earlier_result_is_not_taken_for_that_of_this_change() {
        let status = json!({
            "changeId": "v1",
            "conditions": [{"type": "Completed", "status": "True", "reason": "Succeeded"}],
        });
        let rollout: Rollout = serde_json::from_value(status).unwrap();
        assert!(rollout.has_completed("v1"));
        assert!(!rollout.has_completed("v2"));
    }
}
