//! Reads pods' metrics from the pods themselves, for clusters without Prometheus.
//! Plain http to pod addresses, without credentials; follows no redirect, keeps nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use reqwest::header::ACCEPT;
use reqwest::{Client, Url};
use siskin_analysis::observation::Millis;

use crate::error::{Asked, Fault};
use crate::exposition;
use crate::histogram::Buckets;
use crate::http;
use crate::reading::Reading;
use crate::selector::Selector;
use crate::series::{Defaults, Series, Signal};
use crate::topics::TopicCounts;
use crate::withheld::is_withheld_ip;

/// The `Accept` header. OpenMetrics comes first, as Prometheus asks: some libraries name counters
/// differently in the two, and one selector should do for both sources.
const FORMATS: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// Bounds on a reading, and on what one pod may cost in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScrapeLimits {
    /// Time from the request to the last byte.
    pub(crate) deadline: Duration,
    /// Longest body of one pod.
    pub(crate) bytes: usize,
    /// Pods that are read at one time.
    pub(crate) at_once: usize,
    /// Most pods of one reading.
    pub(crate) pods: usize,
}

/// Half the usual time between readings; ten times what a busy JVM exports; 16 bodies of 4 MiB are
/// 64 MiB at the very most.
const LIMITS: ScrapeLimits = ScrapeLimits {
    deadline: Duration::from_secs(5),
    bytes: 4 * 1024 * 1024,
    at_once: 16,
    pods: 500,
};

/// A pod's metrics endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeTarget {
    /// The pod's name.
    pub pod: Arc<str>,
    /// The pod's address.
    pub ip: IpAddr,
    /// The port that serves metrics, 1 to 65535.
    pub port: u16,
    /// The path, such as `/metrics`.
    pub path: Arc<str>,
}

/// Reads metrics endpoints. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Scraper {
    client: Client,
    limits: ScrapeLimits,
}

/// No HTTP client could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set up a client for the metrics endpoints of pods ({0})")]
pub struct ScraperError(String);

impl Scraper {
    /// A scraper. Connects when the first pod is read.
    ///
    /// # Errors
    /// [`ScraperError`] when the TLS library can't be set up, though it is not used.
    pub fn new() -> Result<Self, ScraperError> {
        Self::with_limits(LIMITS)
    }

    pub(crate) fn with_limits(limits: ScrapeLimits) -> Result<Self, ScraperError> {
        let client = http::client_for_pods().map_err(|error| ScraperError(error.to_string()))?;
        Ok(Self { client, limits })
    }

    /// Reads all pods, at most 16 at a time, 5 s and 4 MiB each; at most 500 pods. `at` is now.
    ///
    /// Never fails as a whole: a pod that doesn't answer has no metrics, and a failure by its
    /// name. Values are of the moment of the scrape, so there is nothing stale to be told.
    pub async fn read(&self, targets: &[ScrapeTarget], series: &Series, at: Millis) -> Reading {
        let mut reading = Reading { at, ..Reading::default() };
        let wanted = &WantedSeries::new(series);
        let read = targets.len().min(self.limits.pods);
        let mut answers = stream::iter(targets[..read].to_vec())
            .map(|target| async move {
                let answer = self.scrape(&target, wanted, at).await;
                (target, answer)
            })
            .buffer_unordered(self.limits.at_once);
        while let Some((target, answer)) = answers.next().await {
            match answer {
                Ok(one) => reading.take(one),
                Err(fault) => {
                    let asked = Asked::Pod(Arc::clone(&target.pod));
                    reading.failures.push(fault.on(asked, &place(&target)));
                }
            }
        }
        for target in &targets[read..] {
            let fault = Fault::TooLarge { limit: self.limits.pods, unit: "pods" };
            reading.failures.push(fault.on(Asked::Pod(Arc::clone(&target.pod)), &place(target)));
        }
        reading
    }

    async fn scrape(
        &self,
        target: &ScrapeTarget,
        wanted: &WantedSeries,
        at: Millis,
    ) -> Result<Reading, Fault> {
        if is_withheld_ip(target.ip) {
            return Err(Fault::unreachable("a link-local or metadata address, which is not asked"));
        }
        let exchange = async {
            let url = Url::parse(&place(target))
                .map_err(|_| Fault::malformed("address and path make no URL"))?;
            let response = self.client.get(url).header(ACCEPT, FORMATS).send().await;
            let response = response.map_err(|error| http::broken(&error))?;
            match response.status().as_u16() {
                200 => {}
                status @ (401 | 403) => return Err(Fault::Unauthorized { status }),
                status @ (429 | 500..) => return Err(Fault::unreachable(format!("HTTP {status}"))),
                status => return Err(Fault::malformed(format!("HTTP {status}"))),
            }
            let body = http::body(response, self.limits.bytes).await?;
            // Taken in while the body is there: a reading holds numbers, not texts.
            let text = std::str::from_utf8(&body.bytes);
            let text = text.map_err(|_| Fault::malformed("not UTF-8 text"))?;
            let mut one = Reading { at, ..Reading::default() };
            wanted.read(text, &target.pod, &mut one).map(|()| one)
        };
        let deadline = self.limits.deadline;
        tokio::time::timeout(deadline, exchange).await.unwrap_or(Err(Fault::timed_out(deadline)))
    }
}

/// Series that are looked for in each pod's text.
struct WantedSeries {
    numbers: Vec<(Signal, Selector)>,
    buckets: Option<Selector>,
}

impl WantedSeries {
    fn new(series: &Series) -> Self {
        Self {
            numbers: series.numbers(Defaults::SCRAPED),
            buckets: series.latency.as_ref().map(Selector::buckets),
        }
    }

    /// Reads what one pod exports. All or nothing: half a text is no evidence.
    fn read(&self, text: &str, pod: &Arc<str>, reading: &mut Reading) -> Result<(), Fault> {
        let mut sums: BTreeMap<Signal, TopicCounts> = BTreeMap::new();
        let mut buckets: Option<Buckets> = None;
        let wanted = |name: &str| {
            self.numbers.iter().any(|(_, selector)| selector.name() == name)
                || self.buckets.as_ref().is_some_and(|selector| selector.name() == name)
        };
        exposition::read(text, wanted, |line| {
            let meant = |selector: &Selector| {
                selector.name() == line.name && selector.accepts(&line.labels)
            };
            for (signal, _) in self.numbers.iter().filter(|(_, selector)| meant(selector)) {
                let by_topic = *signal == Signal::Consumed;
                let topic = line.labels.iter().find(|(label, _)| by_topic && label == "topic");
                sums.entry(*signal).or_default().add(topic.map_or("", |it| &it.1), line.value);
            }
            if self.buckets.as_ref().is_some_and(meant) {
                let le = line.labels.iter().find(|(label, _)| label == "le");
                let le = le.map(|(_, le)| le.as_str());
                buckets.get_or_insert_default().add(le, line.value);
            }
        })
        .map_err(|number| Fault::malformed(format!("line {number} is no line of metrics")))?;
        for (signal, sum) in sums {
            reading.skipped.doubled += sum.doubled();
            reading.put(pod, signal, sum.sum());
        }
        if let Some(buckets) = buckets {
            reading.put_buckets(pod, buckets);
        }
        reading.pods.entry(Arc::clone(pod)).or_default().scraped_at = Some(reading.at);
        Ok(())
    }
}

fn place(target: &ScrapeTarget) -> Arc<str> {
    format!("http://{}{}", SocketAddr::new(target.ip, target.port), target.path).into()
}

#[cfg(test)]
mod tests;
