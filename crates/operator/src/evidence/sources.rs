//! Which Kafka group a rollout is judged by, with credentials from its Secret.
//! Says what to sample, samples none of it.

use std::time::Duration;

use siskin_api::Analysis;
use siskin_kafka::{ClusterConfig, Security, Topics};
use siskin_prometheus::is_withheld;

use crate::evidence::concern::Concern;
use crate::evidence::sampling::Source;
use crate::evidence::secrets::{ReadContext, SecretRead};
use crate::observe::world::World;
use crate::per_rollout::PerRollout;

const KAFKA: &str = "spec.analysis.kafka";

/// The group of this rollout, by the plan that is followed. `secrets` remembers the credentials of
/// all rollouts.
pub(super) async fn kafka_source(
    context: ReadContext<'_>,
    secrets: &PerRollout<SecretRead<Security>>,
    world: &World,
) -> Result<Source, Concern> {
    let asked = &world.rollout.spec.analysis.kafka;
    let kafka = world.plan.kafka.as_ref().unwrap_or(asked);
    // Credentials are no part of what is judged: they may be rotated to another Secret.
    let credentials =
        if asked.bootstrap_servers == kafka.bootstrap_servers { asked } else { kafka };
    let security = match &credentials.credentials_secret_ref {
        Some(secret) => {
            let parse = |data: &_| Security::from_secret(data).map_err(|it| it.to_string());
            Some(context.secret(secrets, KAFKA, secret, parse).await?)
        }
        None => None,
    };
    if let Some(server) = kafka.bootstrap_servers.iter().find(|it| is_withheld(host(it))) {
        let why = "is a link-local or metadata address, where no broker is; it is not asked";
        return Err(Concern::new(
            "InvalidSpec",
            format!("{KAFKA}.bootstrapServers: {server} {why}"),
        ));
    }
    let cluster =
        ClusterConfig::new(kafka.bootstrap_servers.iter().cloned(), security).map_err(|error| {
            Concern::new("InvalidSpec", format!("{KAFKA}.bootstrapServers: {error}"))
        })?;
    let topics = if kafka.topics.is_empty() {
        Topics::AllAssigned
    } else {
        Topics::List(kafka.topics.iter().cloned().collect())
    };
    let interval = duration(world.plan.interval);
    Ok(Source { cluster, group: kafka.consumer_group.clone(), topics, interval })
}

/// The host of `host:port`.
fn host(server: &str) -> &str {
    server.rsplit_once(':').map_or(server, |(host, _)| host)
}

/// Time between two samples; validation has bounded it.
pub(super) fn interval(analysis: &Analysis) -> Duration {
    duration(analysis.interval)
}

fn duration(it: siskin_api::Duration) -> Duration {
    Duration::from_millis(u64::try_from(it.as_millis()).unwrap_or(10_000))
}

#[cfg(test)]
mod tests;
