//! Where the metrics of a rollout's pods are read, from its spec and its Secret, with one client
//! for all rollouts that ask the same server in the same name. Asks no server.

use std::sync::Arc;

use parking_lot::Mutex;
use siskin_api::{CanaryRollout, FrozenPlan, Preset, PrometheusSource, ScrapeSource, SeriesNames};
use siskin_prometheus::{
    Access, Address, LabelName, Prometheus, Scraper, Selector, Series, TargetLabels,
};

use crate::evidence::concern::Concern;
use crate::evidence::meter::{Exporter, MetricsSource};
use crate::evidence::queries::Queries;
use crate::evidence::secrets::{ReadContext, SecretRead};
use crate::evidence::sources::interval;
use crate::name::Name;
use crate::per_rollout::PerRollout;

/// Clients and credentials for the metrics of all rollouts.
#[derive(Clone, Default)]
pub(super) struct Exporters {
    secrets: PerRollout<SecretRead<Access>>,
    clients: PerRollout<KnownClient>,
    scraper: Arc<Mutex<Option<Scraper>>>,
}

struct KnownClient {
    address: Address,
    access: Access,
    client: Prometheus,
}

impl Exporters {
    /// Where the metrics of this rollout are read; `None` where it names nobody.
    pub(super) async fn source(
        &self,
        context: ReadContext<'_>,
        rollout: &CanaryRollout,
        plan: &FrozenPlan,
    ) -> Result<Option<MetricsSource>, Concern> {
        let analysis = &rollout.spec.analysis;
        let exporter = match (&analysis.prometheus, &analysis.scrape) {
            (Some(prometheus), _) => self.prometheus(context, prometheus).await,
            (None, Some(scrape)) => self.pods(scrape),
            (None, None) => return Ok(None),
        };
        Ok(Some(MetricsSource {
            exporter: exporter?,
            series: series(analysis.series.as_ref())?,
            queries: Queries::parse(&plan.metrics, revisions(rollout))?,
            interval: interval(analysis),
        }))
    }

    /// Drops what is known of a rollout that is gone.
    pub(super) fn forget(&self, name: &Name) {
        self.secrets.forget(name);
        self.clients.forget(name);
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, name: &Name) -> [bool; 2] {
        let Self { secrets, clients, scraper: _ } = self;
        [secrets.knows(name), clients.knows(name)]
    }

    async fn prometheus(
        &self,
        context: ReadContext<'_>,
        source: &PrometheusSource,
    ) -> Result<Exporter, Concern> {
        let access = match &source.credentials_secret_ref {
            Some(secret) => {
                let parse = |data: &_| Access::from_secret(data).map_err(|it| it.to_string());
                context.secret(&self.secrets, PROMETHEUS, secret, parse).await?
            }
            None => Access::default(),
        };
        let access = if source.allow_plain_http { access.over_plain_http() } else { access };
        let wrong = |field: &str, error: String| {
            Concern::new("InvalidSpec", format!("{PROMETHEUS}.{field}: {error}"))
        };
        let address =
            Address::parse(&source.address).map_err(|it| wrong("address", it.to_string()))?;
        let label = |field: &str, text: &str| {
            LabelName::parse(text).map_err(|it| wrong(field, it.to_string()))
        };
        let labels = TargetLabels {
            namespace: label("namespaceLabel", &source.namespace_label)?,
            pod: label("podLabel", &source.pod_label)?,
        };
        let client = self.client(context.name, address, access)?;
        Ok(Exporter::Prometheus { client, labels })
    }

    fn client(&self, name: &Name, address: Address, access: Access) -> Result<Prometheus, Concern> {
        let mut known = self.clients.lock();
        let same = known.values().find(|it| it.address == address && it.access == access);
        let client = match same {
            Some(it) => it.client.clone(),
            None => Prometheus::new(address.clone(), &access)
                .map_err(|error| Concern::new("SecretInvalid", format!("{PROMETHEUS}: {error}")))?,
        };
        known.insert(name.clone(), KnownClient { address, access, client: client.clone() });
        Ok(client)
    }

    fn pods(&self, source: &ScrapeSource) -> Result<Exporter, Concern> {
        let mut shared = self.scraper.lock();
        let scraper = match &*shared {
            Some(scraper) => scraper.clone(),
            None => Scraper::new()
                .map_err(|error| Concern::new("MetricsUnreachable", error.to_string()))?,
        };
        *shared = Some(scraper.clone());
        Ok(Exporter::Pods { scraper, port: (&*source.port).into(), path: (&*source.path).into() })
    }
}

const PROMETHEUS: &str = "spec.analysis.prometheus";

fn series(names: Option<&SeriesNames>) -> Result<Series, Concern> {
    let Some(names) = names else { return Ok(Series::default()) };
    let selector = |field: &str, text: Option<&String>| {
        text.map(|it| Selector::parse(it)).transpose().map_err(|error| {
            Concern::new("InvalidSeries", format!("spec.analysis.series.{field}: {error}"))
        })
    };
    let series = Series {
        consumed: selector("consumed", names.consumed.as_ref())?,
        processed: selector("processed", names.processed.as_ref())?,
        errors: selector("errors", names.errors.as_ref())?,
        filtered: selector("filtered", names.filtered.as_ref())?,
        latency: selector("latency", names.latency.as_ref())?,
        working_set: selector("workingSet", names.working_set.as_ref())?,
        cpu: selector("cpu", names.cpu.as_ref())?,
    };
    Ok(match names.preset {
        Some(preset) => series.over(by_name(preset)),
        None => series,
    })
}

const fn by_name(preset: Preset) -> siskin_prometheus::Preset {
    match preset {
        Preset::Micrometer => siskin_prometheus::Preset::Micrometer,
        Preset::SpringKafka => siskin_prometheus::Preset::SpringKafka,
        Preset::OpenTelemetryJava => siskin_prometheus::Preset::OpenTelemetryJava,
        Preset::JmxExporter => siskin_prometheus::Preset::JmxExporter,
    }
}

/// Revisions of primary and canary, as the status has them: empty where it has none.
fn revisions(rollout: &CanaryRollout) -> [Arc<str>; 2] {
    let known = rollout.status.as_ref().and_then(|it| it.revisions.as_ref());
    let text = |it: Option<&String>| it.map_or("", |it| it.as_str()).into();
    [text(known.and_then(|it| it.promoted.as_ref())), text(known.and_then(|it| it.trial.as_ref()))]
}
