//! Where the evidence of a rollout comes from: its Kafka cluster and group, and who has the pods'
//! metrics, with credentials read from its Secrets. Says what to read, reads none of it.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use siskin_api::{CanaryRollout, FrozenPlan};
use siskin_kafka::{ClusterConfig, Security, Topics};

use crate::cluster::calls::{CallFailed, Cluster};
use crate::evidence::exporters::Exporters;
use crate::evidence::preflight::{self, Concern};
use crate::evidence::sampling::Source;
use crate::evidence::secrets::Secrets;
use crate::name::Name;
use crate::observe::observer::Observer;
use siskin_decide::Uid;

/// Credentials as last read.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    kafka: Secrets<Security>,
    exporters: Exporters,
}

/// Sees to it that the rollout's group is sampled and its pods' metrics are read beside it; why
/// not, if that is impossible.
pub(crate) async fn watch(
    observer: &Observer,
    name: &Name,
    (rollout, plan): (&CanaryRollout, &FrozenPlan),
    now: Timestamp,
) -> Result<Option<Concern>, CallFailed> {
    let uid: Uid = rollout.uid().unwrap_or_default().into();
    let (asked, credentials) = ((&observer.cluster, now), &observer.credentials);
    let source = match credentials.source(asked, name, rollout).await? {
        Ok(source) => source,
        Err(concern) => return Ok(Some(concern)),
    };
    let (metrics, wrong) = match credentials.exporters.source(asked, name, (rollout, plan)).await? {
        Ok(metrics) => (metrics, None),
        Err(concern) => (None, Some(concern)),
    };
    let target = (name, &*rollout.spec.target_ref.name);
    observer.watches.ensure(&uid, target, source, metrics);
    let unread = observer.watches.with(&uid, |ledger| {
        let kafka = ledger.latest()?.as_ref().as_ref().err().map(preflight::of_source);
        kafka.or_else(|| ledger.unread().map(preflight::of_metrics))
    });
    Ok(wrong.or_else(|| unread.flatten()))
}

impl Credentials {
    /// What to sample for a rollout, or why that can't be said.
    pub(super) async fn source(
        &self,
        (cluster, now): (&Cluster, Timestamp),
        name: &Name,
        rollout: &CanaryRollout,
    ) -> Result<Result<Source, Concern>, CallFailed> {
        let kafka = &rollout.spec.analysis.kafka;
        let security = match &kafka.credentials_secret_ref {
            Some(secret) => {
                let named = ("spec.analysis.kafka", secret);
                let parse = |data: &_| Security::from_secret(data).map_err(|it| it.to_string());
                match self.kafka.read((cluster, now), name, named, parse).await? {
                    Ok(security) => Some(security),
                    Err(concern) => return Ok(Err(concern)),
                }
            }
            None => None,
        };
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

    /// Forgets a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.kafka.forget(name);
        self.exporters.forget(name);
    }
}
