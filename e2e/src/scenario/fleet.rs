//! What a scenario's user deploys: a Deployment of consumers, in one version after the other.
//! Manifests only; who applies them, and when, is the scenario's business.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::history::TARGET;
use super::java::{Java, Protocol};
use super::seen::VERSION;

/// The sample worker's image in the test bed.
pub const WORKER_IMAGE: &str = "localhost/siskin-worker:e2e";

/// A fleet of consumers.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Who applies its Deployment: the field manager.
    pub manager: String,
    /// Pods.
    pub pods: u32,
    /// `spec.strategy` of the Deployment; the default of Kubernetes if absent.
    pub strategy: Option<Value>,
    /// Kafka as the pods reach it.
    pub bootstrap: String,
    /// Topic and consumer group, both of the scenario's own name.
    pub group: String,
    /// What consumes.
    pub consumers: Consumers,
    /// Settings of the worker in every version, by name.
    pub settings: Vec<(String, String)>,
    /// Memory limit of a pod; none if absent.
    pub memory: Option<String>,
    /// Records a second on its topic.
    pub rate: u32,
}

/// The program in the fleet's pods.
#[derive(Clone, Debug)]
pub enum Consumers {
    /// The sample worker.
    Sample,
    /// Kafka's own Java consumer, which knows no settings of a version but its name.
    Java(Java, Protocol),
}

/// One version of the consumers.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its name, told by the environment variable [`VERSION`].
    pub name: String,
    knobs: Vec<(String, String)>,
    image: String,
}

impl Version {
    /// One that works.
    #[must_use]
    pub fn good(name: &str) -> Self {
        let image = WORKER_IMAGE.to_owned();
        Self { name: name.to_owned(), knobs: Vec::new(), image }
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
        Self { image: "localhost/no-such-image:1".to_owned(), ..Self::good(name) }
    }

    /// With one of the worker's settings.
    #[must_use]
    pub fn knob(mut self, name: &str, value: &str) -> Self {
        self.knobs.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Fleet {
    /// The Deployment that runs this version. `replicas` only where the user's manifest has it.
    #[must_use]
    pub fn deployment(&self, version: &Version, replicas: Option<u32>) -> Value {
        let mut deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": TARGET, "labels": {"app": TARGET}},
            "spec": {
                "selector": {"matchLabels": {"app": TARGET}},
                "template": self.template(version),
            },
        });
        if let Some(replicas) = replicas {
            deployment["spec"]["replicas"] = json!(replicas);
        }
        if let Some(strategy) = &self.strategy {
            deployment["spec"]["strategy"] = strategy.clone();
        }
        deployment
    }

    /// The pod template of this version.
    #[must_use]
    pub fn template(&self, version: &Version) -> Value {
        let (mut container, volumes, scraped) = match &self.consumers {
            Consumers::Sample => (sample(version), json!([]), "true"),
            Consumers::Java(java, protocol) => {
                let (container, volumes) = java.consumer(&self.bootstrap, &self.group, *protocol);
                (container, volumes, "false")
            }
        };
        container["env"] = self.environment(version);
        if let Some(memory) = &self.memory {
            container["resources"] = json!({"limits": {"memory": memory}});
        }
        json!({
            "metadata": {
                "labels": {"app": TARGET},
                "annotations": {"prometheus.io/scrape": scraped, "prometheus.io/port": "9100"},
            },
            "spec": {
                // A consumer leaves its group within a second of SIGTERM.
                "terminationGracePeriodSeconds": 3,
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "containers": [container],
                "volumes": volumes,
            },
        })
    }

    fn environment(&self, version: &Version) -> Value {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let all = [
            own("KAFKA_BOOTSTRAP", &self.bootstrap),
            own("TOPICS", &self.group),
            own("GROUP", &self.group),
            own(VERSION, &version.name),
            // A proof takes a dozen commits: at this pace some ten seconds.
            own("COMMIT_INTERVAL", "500ms"),
            own("WORK_PER_MESSAGE", "1ms"),
        ];
        let knobs = || self.settings.iter().chain(&version.knobs);
        let latest: BTreeMap<_, _> = knobs().cloned().collect();
        let unset = |it: &(String, String)| !latest.contains_key(&it.0);
        let all = all.into_iter().filter(unset).chain(latest.clone());
        all.map(|(name, value)| json!({"name": name, "value": value})).collect()
    }
}

fn sample(version: &Version) -> Value {
    json!({
        "name": "worker",
        "image": version.image,
        "imagePullPolicy": "Never",
        "ports": [{"name": "metrics", "containerPort": 9100}],
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": "metrics"},
            "periodSeconds": 1,
        },
    })
}
