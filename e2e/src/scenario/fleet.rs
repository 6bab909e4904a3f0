//! What a scenario's user deploys: a Deployment of consumers, in one version after the other.
//! Manifests only; who applies them, and when, is the scenario's business.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use siskin_api::annotations::target;

use super::fake::FakePods;
use super::java::{Java, Protocol};
use super::seen::VERSION;

/// The sample worker's image in the test bed.
pub const WORKER_IMAGE: &str = "localhost/siskin-worker:e2e";

/// The user's Deployment, as anybody would write it.
static ORDERS: LazyLock<Value> = LazyLock::new(|| {
    let manifest = include_str!("../../worker/manifests/orders.yaml");
    serde_yaml_ng::from_str(manifest).expect("the sample's manifest is YAML")
});

/// A fleet of consumers.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Field manager that applies the Deployment.
    pub manager: String,
    /// Whether the Deployment of each version carries `siskin.dev/change-id`.
    pub names_changes: bool,
    /// Pods of the fleet.
    pub pods: u32,
    /// Kafka as the pods reach it.
    pub bootstrap: String,
    /// Topic and consumer group, both of the scenario's own name.
    pub group: String,
    /// What consumes.
    pub consumers: Consumers,
    /// Settings of the worker in every version, by name.
    pub settings: Vec<(String, String)>,
    /// Limits of a pod, by resource.
    pub limits: BTreeMap<String, String>,
    /// What there is to do.
    pub workload: Workload,
    /// What else the user's manifest says.
    pub shape: Shape,
}

/// What the user's manifest says beyond the sample's.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Fields of the Deployment, as a JSON merge patch (RFC 7386).
    pub fields: Value,
    /// Containers beside the consumer.
    pub containers: Vec<Value>,
    /// Seconds that a consumer goes on after it was told to end.
    pub stop_delay: Option<u32>,
    /// Entries of the consumer's `env`.
    pub variables: Vec<Value>,
}

/// What a fleet has to do.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Image of the sample worker.
    pub image: &'static str,
    /// Partitions of the topic.
    pub partitions: u32,
    /// Records a second on it, all partitions together.
    pub rate: u32,
    /// Share of poisonous records, which only a version that stalls on them minds.
    pub poison_share: &'static str,
    /// Time between two commits of a consumer.
    pub commit_interval: &'static str,
    /// Time that a consumer takes for one record.
    pub work_per_message: &'static str,
    /// Length of the transactions in which records come; `0s` where they come in none.
    pub transaction: &'static str,
}

impl Workload {
    /// What the demo and the measurements have in common.
    pub const SHOWN: Self = Self {
        image: "localhost/siskin-worker:dev",
        partitions: 12,
        rate: 300,
        poison_share: "0",
        commit_interval: "5s",
        work_per_message: "2ms",
        transaction: "0s",
    };
}

/// Two partitions for each of three consumers, and in each of them enough records for each window of the judge to say
/// something.
const WORKLOAD: Workload = Workload {
    image: WORKER_IMAGE,
    partitions: 6,
    rate: 60,
    poison_share: "0.02",
    // A proof takes a dozen commits: at this pace some ten seconds.
    commit_interval: "500ms",
    work_per_message: "1ms",
    transaction: "0s",
};

/// The program in the fleet's pods.
#[derive(Clone, Debug)]
pub enum Consumers {
    /// The sample worker.
    Sample,
    /// Kafka's own Java consumer, which knows no settings of a version but its name.
    Java(Java, Protocol),
    /// The sample worker, in processes of this machine whose pods are fake.
    Fake(FakePods),
}

/// One version of the consumers.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its name, told by the environment variable [`VERSION`].
    pub name: String,
    knobs: Vec<(String, String)>,
    image: Option<&'static str>,
    template: Value,
}

impl Version {
    /// One that works.
    #[must_use]
    pub fn good(name: &str) -> Self {
        Self { name: name.to_owned(), knobs: Vec::new(), image: None, template: Value::Null }
    }

    /// One that ends with an error as soon as it starts.
    #[must_use]
    pub fn crashing(name: &str) -> Self {
        Self::good(name).knob("CRASH_AT_START", "true")
    }

    /// One whose partitions stand still at a poisonous record.
    #[must_use]
    pub fn stalling(name: &str) -> Self {
        Self::good(name).knob("STALL_ON", "poison")
    }

    /// One whose image does not exist.
    #[must_use]
    pub fn without_image(name: &str) -> Self {
        Self { image: Some("localhost/no-such-image:1"), ..Self::good(name) }
    }

    /// The version with one of the worker's settings.
    #[must_use]
    pub fn knob(mut self, name: &str, value: &str) -> Self {
        self.knobs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The version with fields of the pod template, as a JSON merge patch: lists are replaced.
    #[must_use]
    pub fn template(mut self, fields: Value) -> Self {
        self.template = fields;
        self
    }
}

impl Fleet {
    /// Three consumers in this group and on the topic of the same name, with little to do.
    pub(crate) fn new(manager: &str, bootstrap: &str, group: &str) -> Self {
        Self {
            manager: manager.to_owned(),
            names_changes: false,
            pods: 3,
            bootstrap: bootstrap.to_owned(),
            group: group.to_owned(),
            consumers: Consumers::Sample,
            settings: Vec::new(),
            limits: BTreeMap::new(),
            workload: WORKLOAD,
            shape: Shape::default(),
        }
    }

    /// The topic to which the consumers acknowledge records, where they do.
    pub fn acknowledged(&self) -> String {
        format!("{}-done", self.group)
    }

    /// Time that the starts of the fleet's pods take beside what they take at once: as many starts as a rolling update of
    /// the default strategy has, and as many again.
    pub(super) fn starts(&self) -> Duration {
        let start = match &self.consumers {
            Consumers::Fake(pods) => pods.starts.1,
            Consumers::Sample | Consumers::Java(..) => Duration::ZERO,
        };
        start * 10
    }

    /// The Deployment that runs this version. `replicas` only where the user's manifest has it.
    pub fn deployment(&self, version: &Version, replicas: Option<u32>) -> Value {
        let mut deployment = ORDERS.clone();
        if self.names_changes {
            deployment["metadata"]["annotations"] = json!({target::CHANGE_ID: version.name});
        }
        merge(&mut deployment, &self.shape.fields);
        let spec = &mut deployment["spec"];
        spec["template"] = self.template(version);
        match replicas {
            Some(replicas) => spec["replicas"] = json!(replicas),
            None => drop(spec.as_object_mut().and_then(|it| it.remove("replicas"))),
        }
        deployment
    }

    /// The pod template of this version.
    pub fn template(&self, version: &Version) -> Value {
        let mut template = ORDERS["spec"]["template"].clone();
        match &self.consumers {
            Consumers::Sample => {
                let image = version.image.unwrap_or(self.workload.image);
                template["spec"]["containers"][0]["image"] = json!(image);
            }
            Consumers::Fake(pods) => {
                pods.adapt(&mut template, &self.group);
                template["spec"]["containers"][0]["image"] =
                    json!(version.image.unwrap_or("localhost/fake:1"));
            }
            Consumers::Java(java, protocol) => {
                let (container, volumes) = java.consumer(&self.bootstrap, &self.group, *protocol);
                template["spec"]["containers"] = json!([container]);
                template["spec"]["volumes"] = volumes;
                template["metadata"]["annotations"]["prometheus.io/scrape"] = json!("false");
            }
        }
        let container = &mut template["spec"]["containers"][0];
        set_environment(container, &self.environment(version));
        if !self.limits.is_empty() {
            container["resources"] = json!({"limits": self.limits});
        }
        extend(&mut container["env"], &self.shape.variables);
        if let Some(seconds) = self.shape.stop_delay {
            container["lifecycle"] = json!({"preStop": {"sleep": {"seconds": seconds}}});
        }
        extend(&mut template["spec"]["containers"], &self.shape.containers);
        merge(&mut template, &self.shape.fields["spec"]["template"]);
        merge(&mut template, &version.template);
        template
    }

    fn environment(&self, version: &Version) -> Vec<(String, String)> {
        let own = [
            ("KAFKA_BOOTSTRAP", &*self.bootstrap),
            ("TOPICS", &self.group),
            ("GROUP", &self.group),
            ("OUTPUT_TOPIC", ""),
            (VERSION, &version.name),
            ("COMMIT_INTERVAL", self.workload.commit_interval),
            ("WORK_PER_MESSAGE", self.workload.work_per_message),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        own.into_iter().chain(self.settings.clone()).chain(version.knobs.clone()).collect()
    }
}

/// Sets variables of a container, over those of the same name that it has; the last of a name stands.
pub fn set_environment(container: &mut Value, variables: &[(String, String)]) {
    let mut all = container["env"].as_array().cloned().unwrap_or_default();
    for (name, value) in variables {
        all.retain(|it| it["name"] != **name);
        all.push(json!({"name": name, "value": value}));
    }
    container["env"] = Value::Array(all);
}

fn extend(list: &mut Value, by: &[Value]) {
    if let Some(list) = list.as_array_mut() {
        list.extend_from_slice(by);
    }
}

/// Merges as the API server does (RFC 7386); a patch of `null` as a whole changes nothing.
pub fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return };
    for (key, wanted) in patch {
        match wanted {
            Value::Null => drop(value.as_object_mut().and_then(|it| it.remove(key))),
            Value::Object(_) => {
                if !value[key].is_object() {
                    value[key] = json!({});
                }
                merge(&mut value[key], wanted);
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                value[key] = wanted.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_set_once() {
        let fleet = Fleet::new("kubectl", "host:9092", "group");
        let version = Version::good("7").knob("COMMIT_INTERVAL", "9s");
        let deployment = fleet.deployment(&version, None);
        let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
        let of = |name: &str| {
            let env = env.as_array().unwrap();
            env.iter().filter(|it| it["name"] == name).collect::<Vec<_>>()
        };
        assert_eq!(of("VERSION"), [&json!({"name": "VERSION", "value": "7"})]);
        assert_eq!(of("COMMIT_INTERVAL"), [&json!({"name": "COMMIT_INTERVAL", "value": "9s"})]);
        assert!(deployment["spec"]["replicas"].is_null());
    }

    #[test]
    fn a_shape_reaches_the_deployment_and_each_version_its_template() {
        let mut fleet = Fleet::new("kubectl", "host:9092", "group");
        fleet.shape.fields = json!({"spec": {
            "strategy": {"type": "Recreate"},
            "template": {"spec": {"terminationGracePeriodSeconds": 9}},
        }});
        fleet.shape.containers.push(json!({"name": "agent"}));
        let version = Version::good("7").template(json!({"spec": {"hostNetwork": true}}));
        let deployment = fleet.deployment(&version, None);
        assert_eq!(deployment["spec"]["strategy"], json!({"type": "Recreate"}));
        let pod = &deployment["spec"]["template"]["spec"];
        assert_eq!(pod["terminationGracePeriodSeconds"], 9);
        assert_eq!(pod["hostNetwork"], true);
        assert_eq!(pod["containers"][0]["name"], "worker");
        assert_eq!(pod["containers"][1]["name"], "agent");
        assert_eq!(
            pod["automountServiceAccountToken"], false,
            "what the shape does not name stays"
        );
    }
}
