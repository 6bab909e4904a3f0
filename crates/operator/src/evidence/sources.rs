//! Which Kafka group a rollout is judged by, with credentials from its Secret.
//! Says what to sample, samples none of it.

use std::time::Duration;

use siskin_api::{Analysis, CanaryRollout};
use siskin_kafka::{ClusterConfig, Security, Topics};
use siskin_prometheus::is_withheld;

use crate::evidence::concern::Concern;
use crate::evidence::sampling::Source;
use crate::evidence::secrets::{ReadContext, SecretRead};
use crate::per_rollout::PerRollout;

const KAFKA: &str = "spec.analysis.kafka";

/// The group of this rollout. `secrets` remembers the credentials of all rollouts.
pub(super) async fn kafka_source(
    context: ReadContext<'_>,
    secrets: &PerRollout<SecretRead<Security>>,
    rollout: &CanaryRollout,
) -> Result<Source, Concern> {
    let kafka = &rollout.spec.analysis.kafka;
    let security = match &kafka.credentials_secret_ref {
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
    let interval = interval(&rollout.spec.analysis);
    Ok(Source { cluster, group: kafka.consumer_group.clone(), topics, interval })
}

/// The host of `host:port`.
fn host(server: &str) -> &str {
    server.rsplit_once(':').map_or(server, |(host, _)| host)
}

/// Time between two samples; validation has bounded it.
pub(super) fn interval(analysis: &Analysis) -> Duration {
    Duration::from_millis(u64::try_from(analysis.interval.as_millis()).unwrap_or(10_000))
}
