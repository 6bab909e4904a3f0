//! Given: what is there before something happens. Each step waits until it is so.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use siskin_api::Phase;
use tokio::time::{Instant, sleep};

use super::fake::{self, FakePods};
use super::fleet::{Consumers, Fleet, Version, Workload, merge};
use super::java::{Java, Protocol};
use super::load::Load;
use super::objects::ObjectKind;
use super::operator::Election;
use super::policy::Policy;
use super::proxy::{Proxy, Source};
use super::rollout::RolloutSpec;
use super::run::Scenario;
use super::seen::{Part, TARGET};
use super::stalls;

/// Pods that can start have started by then, also on a machine that is busy with other scenarios.
pub(super) const PATIENCE: Duration = Duration::from_secs(240);

/// Samples, one a second, in which several commits of each consumer are seen.
const RECORD: f64 = 6.0;

/// What a fleet beside the scenario's own reads, and as which group.
#[derive(Clone, Copy)]
struct Reads<'a> {
    group: &'a str,
    topic: &'a str,
}

/// The beginning of a scenario. What does not come to be in time is an error.
pub struct Given<'a>(pub(super) &'a mut Scenario);

impl Scenario {
    /// What is there before it begins.
    pub fn given(&mut self) -> Given<'_> {
        Given(self)
    }
}

impl Given<'_> {
    /// A fleet of `pods` under load, adopted by a rollout, under an operator as users run it.
    pub async fn an_adopted_fleet(&mut self, pods: u32, spec: &RolloutSpec) -> Result<()> {
        self.an_adopted_fleet_under(Election::Usual, pods, spec).await
    }

    /// [An adopted fleet](Given::an_adopted_fleet) under an operator that takes part in the election like this.
    pub async fn an_adopted_fleet_under(
        &mut self,
        election: Election,
        pods: u32,
        spec: &RolloutSpec,
    ) -> Result<()> {
        self.an_operator(election)?;
        self.a_fleet(pods).await?;
        self.a_rollout(spec).await?;
        self.rest().await
    }

    /// An operator.
    pub fn an_operator(&mut self, election: Election) -> Result<()> {
        self.0.start_operator(election)
    }

    /// A fleet of `pods` of version `1`, under load and Available.
    pub async fn a_fleet(&mut self, pods: u32) -> Result<()> {
        self.a_load().await?;
        self.0.fleet.pods = pods;
        let manifest = self.0.fleet.deployment(&Version::good("1"), Some(pods));
        self.a_deployment(&manifest).await
    }

    /// A setting of the worker in every version that comes next.
    pub fn a_setting(&mut self, name: &str, value: &str) {
        self.0.fleet.settings.push((name.to_owned(), value.to_owned()));
    }

    /// A memory limit of every pod that comes next.
    pub fn a_memory_limit(&mut self, limit: &str) {
        self.a_limit("memory", limit);
    }

    /// What each pod may have of a resource, and asks for.
    pub fn a_limit(&mut self, resource: &str, limit: &str) {
        self.0.fleet.limits.insert(resource.to_owned(), limit.to_owned());
    }

    /// Fields of the user's Deployment beyond the sample's, as a JSON merge patch, in every version that comes next.
    pub fn a_shape(&mut self, fields: &Value) {
        let all = &mut self.0.fleet.shape.fields;
        if all.is_null() {
            *all = json!({});
        }
        merge(all, fields);
    }

    /// Seconds that each pod goes on after it was told to end, in every version that comes next.
    pub fn a_stop_delay(&mut self, seconds: u32) {
        self.0.fleet.shape.stop_delay = Some(seconds);
        let grace = json!({"terminationGracePeriodSeconds": seconds + 5});
        self.a_shape(&json!({"spec": {"template": {"spec": grace}}}));
    }

    /// A container beside the consumer, in every version that comes next.
    pub fn a_sidecar(&mut self, container: Value) {
        self.0.fleet.shape.containers.push(container);
    }

    /// An entry of the consumer's `env`, in every version that comes next.
    pub fn a_variable(&mut self, entry: Value) {
        self.0.fleet.shape.variables.push(entry);
    }

    /// Partitions of the topic that comes next.
    pub fn partitions(&mut self, count: u32) {
        self.0.fleet.workload.partitions = count;
    }

    /// A rate of records per second on the topic of the fleet that comes next.
    pub fn a_rate(&mut self, records: u32) {
        self.0.fleet.workload.rate = records;
    }

    /// Transactions of this length on the topic of the fleet that comes next.
    pub fn transactions(&mut self, length: &'static str) {
        self.0.fleet.workload.transaction = length;
    }

    /// A workload of the fleet that comes next, applied by a pipeline that names each change after its version.
    pub fn a_workload(&mut self, workload: Workload) {
        self.0.fleet.workload = workload;
        self.0.fleet.names_changes = true;
        "pipeline".clone_into(&mut self.0.fleet.manager);
    }

    /// The logs of the canary's pods, read for where they stand still.
    pub fn watched_logs(&mut self) {
        let (client, namespace) = (self.0.client.clone(), self.0.namespace.clone());
        self.0.watches.spawn(stalls::watch(self.0.log.clone(), client, namespace));
    }

    /// A way to this server that the scenario can lose, for the fleet that comes next. Answers with
    /// the address.
    ///
    /// # Errors
    /// Every proxy to Kafka is another scenario's, or something listens there.
    pub fn a_proxy_to(&mut self, source: Source) -> Result<String> {
        let run = &self.0.run;
        let (at, to) = match source {
            Source::Kafka => {
                let free = run.proxies.lock().unwrap_or_else(PoisonError::into_inner).pop();
                free.context("every proxy to Kafka is somebody else's")?
            }
            Source::Prometheus => run.bed.prometheus_proxy(),
        };
        let proxy = Proxy::open(&at, to)?;
        let address = proxy.address().to_string();
        self.0.proxies.push((source, proxy));
        if source == Source::Kafka {
            self.0.fleet.bootstrap.clone_from(&address);
        }
        Ok(address)
    }

    /// A fleet of fake pods comes next, on fake nodes with room for `pods` of them: a hundred cost what a hundred small
    /// processes do.
    pub async fn fake_consumers(&mut self, pods: u32, how: FakePods) -> Result<()> {
        let (bed, owner) = (self.0.run.bed.clone(), self.0.fleet.group.clone());
        // Two at least: one of them may die.
        let nodes = pods.div_ceil(fake::PODS_PER_NODE) + 1;
        tokio::task::spawn_blocking(move || bed.own_fake_nodes(&owner, nodes)).await??;
        if !how.without_members {
            let (client, namespace) = (self.0.client.clone(), self.0.namespace.clone());
            let worker = self.0.run.program("worker");
            self.0.watches.spawn(fake::run_members(client, namespace, worker));
        }
        self.0.fleet.consumers = Consumers::Fake(how);
        Ok(())
    }

    /// A fleet of Kafka's own Java consumers comes next.
    pub fn java_consumers(&mut self, protocol: Protocol) -> Result<()> {
        let java = Java::of_machine(&self.0.run.bed.kafka_jars())?;
        self.0.fleet.consumers = Consumers::Java(java, protocol);
        Ok(())
    }

    /// The tool that applies the fleet's Deployment, now and later.
    pub fn a_manager(&mut self, name: &str) {
        name.clone_into(&mut self.0.fleet.manager);
    }

    /// The topic, and a steady load on it.
    pub async fn a_load(&mut self) -> Result<()> {
        let log = self.0.logs.join("producer.log");
        let program = self.0.run.program("producer");
        self.0.load = Some(Load::start(&program, &self.0.fleet, &log).await?);
        Ok(())
    }

    /// This Deployment, Available.
    pub async fn a_deployment(&mut self, manifest: &Value) -> Result<()> {
        let manager = &self.0.fleet.manager;
        self.0.objects.apply_as(ObjectKind::Deployment, manifest, manager).await?;
        let pods = manifest["spec"]["replicas"].as_u64().unwrap_or(1);
        let what = format!("{pods} ready pods of {TARGET}");
        let found = self.0.log.until(&what, PATIENCE + self.0.fleet.starts(), |view| {
            let ready = view.state.parts.get(&Part::Target).map_or(0, |it| it.ready);
            (u64::from(ready) == pods).then_some(())
        });
        found.await
    }

    /// One consumer of another workload, in this group.
    pub async fn a_foreign_consumer(&mut self, group: &str) -> Result<()> {
        self.a_foreign_fleet("strangers", group, 1).await
    }

    /// Consumers of another Deployment, in this group and on the same topic.
    pub async fn a_foreign_fleet(&mut self, name: &str, group: &str, pods: u32) -> Result<()> {
        let topic = self.0.fleet.group.clone();
        self.a_fleet_beside(name, Reads { group, topic: &topic }, pods).await
    }

    /// Another Deployment in the group of the fleet, adopted by a rollout of its own name.
    pub async fn another_adopted_fleet(
        &mut self,
        name: &str,
        pods: u32,
        spec: &RolloutSpec,
    ) -> Result<()> {
        let group = self.0.fleet.group.clone();
        self.adopted_beside(name, Reads { group: &group, topic: &group }, pods, spec).await
    }

    /// Another Deployment in a group and on a topic of its own, both called as it says, adopted by a rollout of its own name.
    pub async fn another_adopted_group(
        &mut self,
        name: &str,
        pods: u32,
        spec: &RolloutSpec,
    ) -> Result<()> {
        let group = self.0.beside(name);
        self.adopted_beside(name, Reads { group: &group, topic: &group }, pods, spec).await
    }

    async fn adopted_beside(
        &mut self,
        name: &str,
        reads: Reads<'_>,
        pods: u32,
        spec: &RolloutSpec,
    ) -> Result<()> {
        self.a_fleet_beside(name, reads, pods).await?;
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
        let spec = spec.clone().field("targetRef", target);
        let manifest = spec.manifest(name, &self.0.fleet.bootstrap, reads.group);
        self.0.objects.apply(ObjectKind::CanaryRollout, &manifest).await?;
        let what = format!("{name} is adopted");
        let found = self.0.log.until(&what, PATIENCE, |view| {
            let phase = view.state.rollouts.get(name)?.status.phase;
            (phase == Some(Phase::Initialized)).then_some(())
        });
        found.await
    }

    async fn a_fleet_beside(&mut self, name: &str, reads: Reads<'_>, pods: u32) -> Result<()> {
        let fleet = Fleet { group: reads.group.to_owned(), ..self.0.fleet.clone() };
        let version = Version::good(name).knob("TOPICS", reads.topic);
        let mut manifest = fleet.deployment(&version, Some(pods));
        let labels = json!({"app": name});
        manifest["metadata"] = json!({"name": name, "labels": labels.clone()});
        manifest["spec"]["selector"]["matchLabels"] = labels.clone();
        manifest["spec"]["template"]["metadata"]["labels"] = labels;
        self.0.objects.apply(ObjectKind::Deployment, &manifest).await?;
        let what = format!("{pods} ready {name}");
        let found = self.0.log.until(&what, PATIENCE, |view| {
            let all = view.state.pods.values();
            let up = all.filter(|it| it.version.as_deref() == Some(name) && it.ready).count();
            (u32::try_from(up) == Ok(pods)).then_some(())
        });
        found.await
    }

    /// A policy. The API server learns of it some time later: `then` waits until it acts.
    pub async fn a_policy(&mut self, policy: &Policy) -> Result<()> {
        self.0.log.note(format!("policy {}", policy.name));
        let manifest = policy.manifest(&self.0.namespace).to_string();
        self.0.kubectl(&["apply", "-f", "-"], &manifest).await.map(drop)
    }

    /// A rollout of this spec.
    pub async fn a_rollout(&mut self, spec: &RolloutSpec) -> Result<()> {
        let manifest = self.0.rollout_manifest(spec);
        self.0.objects.apply(ObjectKind::CanaryRollout, &manifest).await
    }

    /// A record of the group, long enough to learn from it how often the consumers commit.
    pub async fn a_record(&mut self) -> Result<()> {
        let operator = self.0.operator()?;
        // While the fleet was adopted the group was never stable for long.
        let enough = operator.metric("siskin_samples_total").await? + RECORD;
        asked("a record of the group", async || {
            Ok(enough <= operator.metric("siskin_samples_total").await?)
        })
        .await
    }

    /// A record of this length, also of what the pods export.
    pub async fn a_record_of(&mut self, length: Duration) -> Result<()> {
        self.a_record().await?;
        // What was recorded is time that passed: nothing else tells that it is enough.
        sleep(length).await;
        Ok(())
    }

    /// The operator that was started last is ready: beside a leader it follows.
    pub async fn a_ready_operator(&mut self) -> Result<()> {
        let operator = self.0.operator()?;
        asked("a ready operator", async || Ok(operator.is_ready().await)).await
    }

    /// This version is on trial: its canary is Ready, and in the group.
    pub async fn a_canary_of(&mut self, version: &Version) -> Result<()> {
        self.0.when().ships(version).await?;
        let what = format!("a settled canary of version {}", version.name);
        let mut then = self.0.then();
        then.sees(&what, |view| {
            let runs = view.state.parts.get(&Part::Canary)?.version.as_ref() == Some(&version.name);
            let progress = view.state.rollout()?.status.progress.as_ref()?;
            let settled = progress.step.is_some() && progress.clocks.hold.since.is_some();
            (runs && settled).then_some(())
        })
        .await
    }

    /// The fleet is adopted: primary at N, the target drained.
    pub async fn rest(&mut self) -> Result<()> {
        let found =
            self.0.log.until("the fleet is adopted", PATIENCE + self.0.fleet.starts(), |view| {
                let total = view.state.total()?;
                let rest = view.state.rollout()?.status.phase == Some(Phase::Initialized);
                let ready = view.state.parts.get(&Part::Primary).map_or(0, |it| it.ready);
                let drained = view.state.count(Part::Target) == 0;
                (rest && view.state.adopted() && drained && total <= ready).then_some(())
            });
        found.await
    }
}

/// Asks the operator again and again: it tells nobody when its answers change.
async fn asked(what: &str, so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !so().await? {
        ensure!(Instant::now() < deadline, "not within {} s: {what}", PATIENCE.as_secs());
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
