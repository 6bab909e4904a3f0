//! The audience's own workload: a Deployment of consumers, its load, its `CanaryRollout`, its namespace.
//! Drives the cluster as a user's pipeline does; knows nothing of how Siskin works.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::gvk::GroupVersionKind;
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::testbed::Testbed;

const WORKER: &str = include_str!("../../worker/manifests/orders.yaml");
const PRODUCER: &str = include_str!("../../worker/manifests/producer.yaml");

/// Whoever applies the manifests: a pipeline's field manager.
const MANAGER: &str = "pipeline";
/// Between two looks at whether something is gone, or counted.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What runs.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Consumers.
    pub pods: usize,
    /// Partitions of the topic.
    pub partitions: u32,
    /// Records per second, all partitions together.
    pub rate: u32,
    /// Share of the records on which a version that stalls stalls, as a decimal.
    pub poison_share: &'static str,
    /// Time between two commits of a consumer, such as `2s`.
    pub commit_interval: &'static str,
    /// The `CanaryRollout`, as YAML.
    pub rollout: &'static str,
}

/// A version of the consumers.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its name, also that of the change.
    pub name: String,
    /// Settings of the worker that make it what it is.
    pub knobs: &'static [(&'static str, &'static str)],
}

/// A fleet of consumers under load in a namespace of its own.
pub struct Fleet {
    bed: Testbed,
    client: Client,
    namespace: String,
    topic: String,
    workload: Workload,
}

/// What `producer verify` counts.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// Records in the topic.
    pub produced: u64,
    /// Of these, processed by some version.
    pub processed_distinct: u64,
    /// Of these, processed by none.
    pub missing: u64,
    /// Records that were processed once more.
    pub duplicates: u64,
}

impl Fleet {
    /// A fleet that is not there yet. Topic and consumer group are of this run alone, for Kafka
    /// remembers both.
    pub async fn planned(bed: &Testbed, namespace: &str, workload: Workload) -> Result<Self> {
        let topic = format!("orders-{}", std::process::id());
        let (bed, client) = (bed.clone(), bed.client().await?);
        Ok(Self { bed, client, namespace: namespace.to_owned(), topic, workload })
    }

    /// The client that everything is done with.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its topic, and its consumer group.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Creates namespace and load, and applies the first version.
    pub async fn start(&self, version: &Version) -> Result<()> {
        let namespace: Namespace = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": self.namespace},
        }))?;
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.patch(&self.namespace, &as_pipeline(), &Patch::Apply(&namespace)).await?;
        self.apply(&self.load(1)?).await?;
        self.ship(version).await.map(drop)
    }

    /// Applies the one thing that a user of Siskin adds.
    pub async fn add_rollout(&self) -> Result<()> {
        let mut rollout: Value = serde_yaml_ng::from_str(self.workload.rollout)?;
        let kafka = &mut rollout["spec"]["analysis"]["kafka"];
        kafka["bootstrapServers"] = json!([self.bed.kafka_bootstrap()]);
        kafka["consumerGroup"] = json!(self.topic);
        self.apply(&rollout).await.map(drop)
    }

    /// Applies the whole Deployment, replicas and all, as a pipeline does, and returns when the API
    /// server replied.
    pub async fn ship(&self, version: &Version) -> Result<Instant> {
        self.apply(&self.deployment(version)?).await
    }

    /// Ends the load, gives the consumers the time to work off what is left, and compares.
    pub async fn account(&self, producer: &PathBuf, patience: Duration) -> Result<Account> {
        self.apply(&self.load(0)?).await?;
        let deadline = Instant::now() + patience;
        loop {
            let account = self.verify(producer).await?;
            if account.missing == 0 || deadline < Instant::now() {
                return Ok(account);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Removes namespace, topics and group.
    pub async fn remove(&self, patience: Duration) -> Result<()> {
        remove_namespace(&self.client, &self.namespace, patience).await?;
        let topics = format!("{0}|{0}-done", self.topic);
        let tools = "org.apache.kafka.tools";
        self.ask_kafka(&format!("{tools}.TopicCommand"), &["--delete", "--topic", &topics]).await?;
        let group = ["--delete", "--group", &self.topic];
        self.ask_kafka(&format!("{tools}.consumer.group.ConsumerGroupCommand"), &group).await
    }

    fn deployment(&self, version: &Version) -> Result<Value> {
        let mut deployment: Value = serde_yaml_ng::from_str(WORKER)?;
        deployment["spec"]["replicas"] = json!(self.workload.pods);
        deployment["metadata"]["annotations"]["siskin.dev/change-id"] = json!(version.name);
        let (bootstrap, done) = (self.bed.kafka_bootstrap(), format!("{}-done", self.topic));
        let own = [
            ("KAFKA_BOOTSTRAP", bootstrap.as_str()),
            ("TOPICS", &self.topic),
            ("GROUP", &self.topic),
            ("OUTPUT_TOPIC", &done),
            ("COMMIT_INTERVAL", self.workload.commit_interval),
            ("VERSION", &version.name),
        ];
        set_environment(&mut deployment, own.iter().chain(version.knobs));
        Ok(deployment)
    }

    /// The producer, running or not.
    fn load(&self, replicas: u32) -> Result<Value> {
        let mut producer: Value = serde_yaml_ng::from_str(PRODUCER)?;
        producer["spec"]["replicas"] = json!(replicas);
        let partitions = self.workload.partitions.to_string();
        let (bootstrap, rate) = (self.bed.kafka_bootstrap(), self.workload.rate.to_string());
        let own = [
            ("KAFKA_BOOTSTRAP", bootstrap.as_str()),
            ("TOPIC", &self.topic),
            ("PARTITIONS", &partitions),
            ("RATE", &rate),
            ("POISON_SHARE", self.workload.poison_share),
        ];
        set_environment(&mut producer, own.iter());
        Ok(producer)
    }

    /// Server-side and without force: nothing that Siskin did may stand in the way.
    async fn apply(&self, manifest: &Value) -> Result<Instant> {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&manifest["apiVersion"]), text(&manifest["kind"]));
        let (group, version) = version.split_once('/').context("a group and a version")?;
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let name = text(&manifest["metadata"]["name"]);
        let applied = api.patch(&name, &as_pipeline(), &Patch::Apply(manifest)).await;
        let replied = Instant::now();
        applied.with_context(|| format!("applying {kind} {name}"))?;
        Ok(replied)
    }

    async fn verify(&self, producer: &PathBuf) -> Result<Account> {
        let mut verify = Command::new(producer);
        verify.args(["verify", "--bootstrap", &self.bed.kafka_bootstrap()]);
        verify.args(["--topic", &self.topic, "--output", &format!("{}-done", self.topic)]);
        let run = verify.kill_on_drop(true).output().await.context("running producer verify")?;
        let printed = String::from_utf8_lossy(&run.stdout);
        // It fails, too, when records are missing, and says how many.
        let Some(line) = printed.lines().last() else {
            bail!("producer verify: {}", String::from_utf8_lossy(&run.stderr).trim());
        };
        serde_json::from_str(line).context("reading what producer verify says")
    }

    async fn ask_kafka(&self, tool: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::from(self.bed.kafka_tool(tool));
        command.args(["--bootstrap-server", &self.bed.kafka_bootstrap()]).args(arguments);
        let run = command.kill_on_drop(true).output().await?;
        if !run.status.success() {
            bail!("{tool} {arguments:?}: {}", String::from_utf8_lossy(&run.stdout).trim());
        }
        Ok(())
    }
}

/// Deletes a namespace and waits until it is gone; fine if there is none.
pub async fn remove_namespace(client: &Client, name: &str, patience: Duration) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if namespaces.get_opt(name).await?.is_none() {
        return Ok(());
    }
    namespaces.delete(name, &DeleteParams::default()).await?;
    let deadline = Instant::now() + patience;
    while let Some(left) = namespaces.get_opt(name).await? {
        if deadline < Instant::now() {
            let conditions = left.status.and_then(|it| it.conditions).unwrap_or_default();
            let why = conditions.into_iter().filter(|it| it.status == "True");
            let why: Vec<_> = why.filter_map(|it| it.message).collect();
            bail!("namespace {name} is still there after {} s: {why:?}", patience.as_secs());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

fn as_pipeline() -> PatchParams {
    PatchParams::apply(MANAGER)
}

/// Sets variables of the first container, over those of the same name.
fn set_environment<'a>(
    workload: &mut Value,
    variables: impl Iterator<Item = &'a (&'a str, &'a str)>,
) {
    let env = &mut workload["spec"]["template"]["spec"]["containers"][0]["env"];
    let mut all = env.as_array().cloned().unwrap_or_default();
    for (name, value) in variables {
        all.retain(|it| it["name"] != *name);
        all.push(json!({"name": name, "value": value}));
    }
    *env = Value::Array(all);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_set_once() {
        let mut worker: Value = serde_yaml_ng::from_str(WORKER).unwrap();
        set_environment(&mut worker, [("VERSION", "7"), ("NEW", "1")].iter());
        let env = worker["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
        let of = |name: &str| env.iter().filter(|it| it["name"] == name).collect::<Vec<_>>();
        assert_eq!(of("VERSION"), [&json!({"name": "VERSION", "value": "7"})]);
        assert_eq!(of("NEW").len(), 1);
    }
}
