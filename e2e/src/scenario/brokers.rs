//! Brokers beside the first one, topics that are placed on them by hand, and what happens to both.
//! Says what Kafka is told to do; what must follow is the scenario's business.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::given::Given;
use super::objects::ObjectKind;
use super::run::Scenario;
use super::when::When;
use crate::testbed::Part;

const TOPICS: &str = "TopicCommand";
const REASSIGN: &str = "reassign.ReassignPartitionsCommand";
const ELECT: &str = "LeaderElectionCommand";

/// Brokers of each partition of a topic, the leader first.
pub type Placement = &'static [&'static [u8]];

impl Given<'_> {
    /// Two brokers beside the first one, until the scenario ends. Only a scenario that is alone may ask for them: topics of
    /// others would be placed on them.
    pub async fn three_brokers(&mut self) -> Result<()> {
        self.0.brokers = true;
        let bed = self.0.run.bed.clone();
        tokio::task::spawn_blocking(move || bed.start_brokers()).await?
    }

    /// The topic of the fleet that comes next, on these brokers.
    pub async fn a_placed_topic(&mut self, placement: Placement) -> Result<()> {
        self.partitions(u32::try_from(placement.len())?);
        let topic = self.0.fleet.group.clone();
        self.0.makes_topic(&topic, placement).await
    }

    /// The topic of another group that comes next, on these brokers.
    pub async fn a_placed_topic_beside(&mut self, name: &str, placement: Placement) -> Result<()> {
        let topic = self.0.beside(name);
        self.0.makes_topic(&topic, placement).await
    }
}

impl When<'_> {
    /// A broker ends as by a crash, with all its connections.
    pub async fn kills_broker(&mut self, broker: Part) -> Result<()> {
        self.0.log.note(format!("kill {}", broker.name()));
        let bed = self.0.run.bed.clone();
        tokio::task::spawn_blocking(move || bed.kill(broker)).await?
    }

    /// A broker that was killed is there again, and leads what it led.
    pub async fn broker_returns(&mut self, broker: Part) -> Result<()> {
        self.0.log.note(format!("{} returns", broker.name()));
        let bed = self.0.run.bed.clone();
        tokio::task::spawn_blocking(move || bed.start(broker)).await??;
        self.elects().await
    }

    /// The partitions of the fleet's topic go to these brokers, and the first of each leads it.
    pub async fn moves_partitions(&mut self, placement: Placement) -> Result<()> {
        self.0.log.note("move the partitions");
        let plan = plan(&self.0.fleet.group, placement).to_string();
        let file = self.0.logs.join("partitions.json");
        fs::write(&file, plan).with_context(|| format!("writing {}", file.display()))?;
        let file = file.display().to_string();
        let execute = ["--reassignment-json-file", &file, "--execute"];
        self.0.run.bed.ask_kafka(REASSIGN, &execute).await?;
        self.elects().await
    }

    /// The fleet's topic has so many partitions from now on, wherever Kafka puts the new ones.
    pub async fn adds_partitions(&mut self, count: u32) -> Result<()> {
        self.0.log.note(format!("{count} partitions"));
        let (topic, count) = (self.0.fleet.group.clone(), count.to_string());
        let alter = ["--alter", "--topic", &topic, "--partitions", &count];
        self.0.run.bed.ask_kafka(TOPICS, &alter).await.map(drop)
    }

    /// The fleet's topic is deleted, and made anew on these brokers; its load begins again.
    pub async fn makes_topic_anew(&mut self, placement: Placement) -> Result<()> {
        self.0.log.note("make the topic anew");
        self.0.load = None;
        let topic = self.0.fleet.group.clone();
        self.0.run.bed.ask_kafka(TOPICS, &["--delete", "--topic", &topic]).await?;
        self.0.makes_topic(&topic, placement).await?;
        self.0.given().a_load().await
    }

    /// Another Deployment is shipped in a version that differs in nothing.
    pub async fn ships_beside(&mut self, name: &str) -> Result<()> {
        self.0.log.note(format!("ship {name}"));
        let annotations = json!({"shipped": "again"});
        let fields = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        self.0.objects.merge(ObjectKind::Deployment, name, &fields).await
    }

    /// The first broker of each partition of all topics leads it, where it can.
    async fn elects(&self) -> Result<()> {
        let all = ["--election-type", "PREFERRED", "--all-topic-partitions"];
        self.0.run.bed.ask_kafka(ELECT, &all).await.map(drop)
    }
}

impl Scenario {
    /// Topic and group of another Deployment that has both of its own.
    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}-{name}", self.fleet.group)
    }

    async fn makes_topic(&self, topic: &str, placement: Placement) -> Result<()> {
        let partitions: Vec<String> = placement.iter().map(|brokers| joined(brokers)).collect();
        let partitions = partitions.join(",");
        let create = ["--create", "--topic", topic, "--replica-assignment", &partitions];
        self.run.bed.ask_kafka(TOPICS, &create).await.map(drop)
    }
}

/// As Kafka's tool reads it: `1:2`.
fn joined(brokers: &[u8]) -> String {
    let brokers: Vec<String> = brokers.iter().map(ToString::to_string).collect();
    brokers.join(":")
}

fn plan(topic: &str, placement: Placement) -> Value {
    let places = placement.iter().enumerate();
    let partition =
        |(number, brokers)| json!({"topic": topic, "partition": number, "replicas": brokers});
    json!({"version": 1, "partitions": places.map(partition).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_the_brokers_of_each_partition() {
        let plan = plan("t", &[&[1, 2], &[3, 1]]);
        let second = json!({"topic": "t", "partition": 1, "replicas": [3, 1]});
        assert_eq!(plan["partitions"][1], second);
        assert_eq!(joined(&[3, 1]), "3:1");
    }
}
