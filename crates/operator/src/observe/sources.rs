//! The Kafka cluster and group of a rollout, with its credentials read from the Secret.
//! A Secret's content goes into the client's settings and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use siskin_api::CanaryRollout;
use siskin_kafka::{ClusterConfig, Security, Topics};

use crate::cluster::{CallFailed, Cluster};
use crate::judge::Source;
use crate::preflight::Concern;
use crate::queue::Name;

/// A Secret is read again after this long, so that new credentials are picked up without a watch
/// on every Secret of the cluster.
const READ_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Credentials as last read, per rollout.
#[derive(Clone, Default)]
pub struct Credentials(Arc<Mutex<HashMap<Name, Read>>>);

/// What was read, from which Secret, and when.
type Read = (String, Timestamp, Outcome);

type Outcome = Result<Option<Security>, Concern>;

impl Credentials {
    /// What to sample for a rollout, or why that can't be said.
    pub async fn source(
        &self,
        cluster: &Cluster,
        name: &Name,
        rollout: &CanaryRollout,
        now: Timestamp,
    ) -> Result<Result<Source, Concern>, CallFailed> {
        let security = match self.security(cluster, name, rollout, now).await? {
            Ok(security) => security,
            Err(concern) => return Ok(Err(concern)),
        };
        let kafka = &rollout.spec.analysis.kafka;
        let config = match ClusterConfig::new(kafka.bootstrap_servers.iter().cloned(), security) {
            Ok(config) => config,
            Err(error) => {
                let message = format!("spec.analysis.kafka.bootstrapServers: {error}");
                return Ok(Err(Concern::new("InvalidSpec", message)));
            }
        };
        let topics = if kafka.topics.is_empty() {
            Topics::AllAssigned
        } else {
            Topics::List(kafka.topics.iter().cloned().collect())
        };
        let millis = u64::try_from(rollout.spec.analysis.interval.as_millis()).unwrap_or(10_000);
        Ok(Ok(Source {
            cluster: config,
            group: kafka.consumer_group.clone(),
            topics,
            interval: Duration::from_millis(millis),
        }))
    }

    async fn security(
        &self,
        cluster: &Cluster,
        name: &Name,
        rollout: &CanaryRollout,
        now: Timestamp,
    ) -> Result<Outcome, CallFailed> {
        let Some(reference) = &rollout.spec.analysis.kafka.credentials_secret_ref else {
            return Ok(Ok(None));
        };
        // One that is missing or makes no sense holds a rollout: whoever mends it is not kept waiting.
        if let Some((of, at, Ok(security))) = self.lock().get(name)
            && *of == reference.name
            && now.duration_since(*at) < READ_AGAIN
        {
            return Ok(Ok(security.clone()));
        }
        let secret = cluster.secret(&name.namespace, &reference.name).await?;
        let outcome = match secret {
            None => Err(Concern::new(
                "SecretMissing",
                format!(
                    "Secret {} does not exist in this namespace; spec.analysis.kafka.credentialsSecretRef names it",
                    reference.name
                ),
            )),
            Some(secret) => {
                let data = secret.data.unwrap_or_default();
                let data = data.into_iter().map(|(key, value)| (key, value.0)).collect();
                Security::from_secret(&data).map(Some).map_err(|error| {
                    Concern::new("SecretInvalid", format!("Secret {}: {error}", reference.name))
                })
            }
        };
        self.lock().insert(name.clone(), (reference.name.clone(), now, outcome.clone()));
        Ok(outcome)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
