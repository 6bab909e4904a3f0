//! The pods' metrics of one rollout, read once beside each sample of its group: from Prometheus or
//! from the pods themselves. What can't be read is said, and is no evidence.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::{Millis, PodMetrics, PodObservation};
use siskin_prometheus::{
    Asked, Fault, PodsRequest, Prometheus, ReadError, Reading, ScrapeTarget, Scraper, Scrapes,
    Series, Signal, TargetLabels,
};

use crate::evidence::queries::{Queries, QueryContext};
use crate::observe::exports::Export;
use crate::observe::pods::PodsOfTarget;

/// A sample waits for its metrics no longer than half an interval, and within these bounds: what
/// the offsets show must not come late because Prometheus is slow.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Prometheus scrapes once in a minute where nobody chose otherwise: three times this is too old.
const SCRAPED_EVERY: Duration = Duration::from_secs(20);

/// Where the metrics of a rollout's pods are, and which of them are read.
#[derive(Clone, Debug)]
pub struct MetricsSource {
    /// The server or the pods that are asked.
    pub exporter: Exporter,
    /// Series that the consumers export.
    pub series: Series,
    /// The user's own metrics.
    pub queries: Queries,
    /// Time between two readings.
    pub interval: Duration,
}

/// What is asked for metrics: a server, or each pod.
#[derive(Clone, Debug)]
pub enum Exporter {
    /// A Prometheus, or what answers like one.
    Prometheus {
        /// Shared by all rollouts that ask it with the same credentials.
        client: Prometheus,
        /// Labels that name pods and namespaces there.
        labels: TargetLabels,
    },
    /// Each pod is asked for its own metrics.
    Pods {
        /// Shared by all rollouts.
        scraper: Scraper,
        /// Name of the container port.
        port: Arc<str>,
        /// Path of the endpoint.
        path: Arc<str>,
    },
}

/// One reading to be made: everything that it needs, so that nothing is locked while it waits.
#[derive(Debug)]
pub(super) struct MetricsRead {
    pub(super) source: Arc<MetricsSource>,
    pub(super) namespace: Arc<str>,
    pub(super) pods: PodsOfTarget,
    pub(super) scrapes: Scrapes,
}

/// What the pods export, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub struct MetricsReading {
    pods: HashMap<Arc<str>, PodMetrics>,
    /// When pods were last scraped: for the next reading.
    pub(super) scrapes: Scrapes,
    /// The first of what could not be read.
    pub failure: Option<ReadError>,
}

impl MetricsRead {
    /// Reads as of `at`, within the time that a sample waits.
    pub(super) async fn run(self, at: Millis) -> MetricsReading {
        let within = (self.source.interval / 2).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        match tokio::time::timeout(within, self.read(at)).await {
            Ok(reading) => reading,
            Err(_) => self.too_late(within),
        }
    }

    async fn read(&self, at: Millis) -> MetricsReading {
        let reading = match &self.source.exporter {
            Exporter::Prometheus { client, labels } => {
                let request = PodsRequest {
                    namespace: self.namespace.clone(),
                    pods: self.pods.all_names(),
                    labels: labels.clone(),
                    series: self.source.series.clone(),
                    interval: self.source.interval.max(SCRAPED_EVERY),
                    previous: self.scrapes.clone(),
                };
                let context = QueryContext {
                    client,
                    label: &labels.pod,
                    namespace: &self.namespace,
                    pods: &self.pods,
                    interval: self.source.interval,
                    at,
                };
                let own = self.source.queries.ask(context);
                let (mut reading, own) = tokio::join!(client.read(&request, at), own);
                let paced = self.source.series.has_application();
                for (pod, metric, mut value) in own.values {
                    let metrics = &mut reading.pods.entry(pod).or_default().metrics;
                    if paced && !shows_scrape(metrics) {
                        // Not scraped anew: the same totals again would be time without events.
                        (value.events, value.total) = (None, None);
                    }
                    metrics.user.insert(metric, value);
                }
                reading.failures.extend(own.failures);
                reading
            }
            Exporter::Pods { scraper, port, path } => {
                let targets: Vec<_> =
                    self.pods.exports.iter().filter_map(|it| target(it, port, path)).collect();
                if targets.is_empty() && !self.pods.exports.is_empty() {
                    return Self::without_port();
                }
                some_answer(scraper.read(&targets, &self.source.series, at).await)
            }
        };
        MetricsReading {
            pods: reading.pods.into_iter().map(|(name, it)| (name, it.metrics)).collect(),
            scrapes: reading.scrapes,
            failure: reading.failures.into_iter().next(),
        }
    }

    /// No pod has a port of that name: a mistake in the spec, or in the Deployment.
    fn without_port() -> MetricsReading {
        let fault = Fault::Unsupported {
            found: "no container port named as in spec.analysis.scrape.port",
            remedy: "name the port of the container, or change the spec",
        };
        MetricsReading { failure: Some(unread("the pods", fault)), ..MetricsReading::default() }
    }

    fn too_late(self, deadline: Duration) -> MetricsReading {
        let source_name = match &self.source.exporter {
            Exporter::Prometheus { client, .. } => client.address().as_str(),
            Exporter::Pods { .. } => "the pods",
        };
        let fault = Fault::TimedOut { detail: format!("within {} ms", deadline.as_millis()) };
        let failure = Some(unread(source_name, fault));
        MetricsReading { scrapes: self.scrapes, failure, ..MetricsReading::default() }
    }
}

/// Nothing could be read of this source.
fn unread(source_name: &str, fault: Fault) -> ReadError {
    ReadError { asked: Asked::Signal(Signal::ScrapeTime), source_name: source_name.into(), fault }
}

impl MetricsReading {
    /// Gives each pod what was read of it, and what its spec says of its memory.
    pub(super) fn attach(&mut self, pods: &mut [PodObservation], exports: &[Export]) {
        for pod in pods {
            let Some(read) = self.pods.remove(&pod.name) else { continue };
            let memory_limit =
                exports.iter().find(|it| it.pod == pod.name).and_then(|it| it.memory_limit);
            pod.metrics = Some(PodMetrics { memory_limit, ..read });
        }
    }
}

/// Whether the application's own series are of a scrape that was not read before.
fn shows_scrape(metrics: &PodMetrics) -> bool {
    let counters = [metrics.consumed, metrics.processed, metrics.errors, metrics.filtered];
    counters.iter().any(Option::is_some) || metrics.latency.is_some()
}

/// A pod that starts or ends does not answer, and that is no fault of the source while others do.
fn some_answer(mut reading: Reading) -> Reading {
    if !reading.pods.is_empty() {
        reading.failures.clear();
    }
    reading
}

fn target(export: &Export, port: &str, path: &Arc<str>) -> Option<ScrapeTarget> {
    Some(ScrapeTarget {
        pod: export.pod.clone(),
        ip: export.ip?,
        port: export.port(port)?,
        path: path.clone(),
    })
}

#[cfg(test)]
mod tests;
