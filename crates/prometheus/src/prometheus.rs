//! Reads pods' metrics through Prometheus' HTTP API (Prometheus, Thanos, Mimir, VictoriaMetrics).
//! Asks and hands on; what an answer means is decided in `answer.rs`, `gather.rs` and `reading.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use prometheus_http_query::Client;
use siskin_analysis::observation::Millis;

use crate::address::Address;
use crate::answer;
use crate::data::VectorBounds;
use crate::error::{Asked, Fault, ReadError};
use crate::flights::{Answer, Flights, InstantQuery};
use crate::gather::{self, Column, Measured, PlannedQuery};
use crate::http::{self, SetupError};
use crate::promql::LabelName;
use crate::reading::Reading;
use crate::request::PodsRequest;
use crate::security::Access;

/// Evaluation times are multiples of this, whole seconds: rollouts that ask in the same second ask the same
/// question, and a scrape of the last second is seen in the next reading.
const QUANTUM_MILLIS: i64 = 1000;

/// How far back questions look. The questions of a reading arrive some milliseconds apart; were
/// they about now, a scrape that is being stored could be in some answers and not in others. Two
/// seconds later it is stored, unless storing took longer.
const SETTLE_MILLIS: i64 = 2000;

/// Most pods of one reading. Their names make the length of a query; VictoriaMetrics takes 16 KiB
/// unless `-search.maxQueryLen` says more, which is some 300 names.
const MAX_PODS: usize = 500;

/// Bounds on one answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerLimits {
    /// Time from the question to the last byte.
    pub(crate) deadline: Duration,
    /// Longest body.
    pub(crate) bytes: usize,
    /// Most series in the answer.
    pub(crate) series: usize,
}

/// A reading is taken every ten seconds or less often: a slower answer is of no use. 500 pods
/// with 65 buckets are 32,500 series of some 120 bytes, within 8 MiB for usual pod names.
const LIMITS: AnswerLimits =
    AnswerLimits { deadline: Duration::from_secs(10), bytes: 8 * 1024 * 1024, series: 40_000 };

/// A server that speaks Prometheus' HTTP API. Cheap to clone; clones share connections and
/// questions under way.
#[derive(Clone)]
pub struct Prometheus {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    address: Address,
    limits: AnswerLimits,
    flights: Flights,
}

impl Prometheus {
    /// A client for the server at `address`. Connects when the first question is asked.
    ///
    /// # Errors
    /// [`SetupError`] when the certificates of `access` are unusable, or don't fit the address.
    pub fn new(address: Address, access: &Access) -> Result<Self, SetupError> {
        Self::with_limits(address, access, LIMITS)
    }

    pub(crate) fn with_limits(
        address: Address,
        access: &Access,
        limits: AnswerLimits,
    ) -> Result<Self, SetupError> {
        let client = http::client_for(&address, access)?;
        let client = Client::from(client, address.as_str()).map_err(|error| {
            SetupError::Refused { address: address.clone(), detail: error.to_string() }
        })?;
        Ok(Self { inner: Arc::new(Inner { client, address, limits, flights: Flights::default() }) })
    }

    /// Address of the server.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.inner.address
    }

    /// Reads the metrics of some pods, all as of one moment: two seconds before `now`, rounded
    /// down to a second ([`Reading::at`]).
    ///
    /// Takes at most twice the time limit of one answer (10 s). Never fails as a whole: what can't
    /// be read is in [`Reading::failures`].
    pub async fn read(&self, request: &PodsRequest, now: Millis) -> Reading {
        let at = moment(now);
        let previous = request.previous.of(&request.pods);
        if request.pods.is_empty() {
            return Reading { at, ..Reading::default() };
        }
        if request.pods.len() > MAX_PODS {
            let fault = Fault::TooLarge { limit: MAX_PODS, unit: "pods" };
            let failures = vec![self.failure(fault, Asked::Pods)];
            return Reading { at, failures, scrapes: previous, ..Reading::default() };
        }
        let planned = gather::plan(request);
        let pod = &request.labels.pod;
        let answers = join_all(planned.iter().map(|one| self.ask(&one.text, pod, at))).await;
        let mut table = gather::ReadingTable::new(request, at);
        for (PlannedQuery { column, .. }, answer) in planned.into_iter().zip(answers) {
            match self.asked_again(&column, answer, request, at).await {
                Ok(data) => table.add(&column, &data),
                Err(fault) => table.fail(self.failure(fault, Asked::Signal(column.signal()))),
            }
        }
        table.finish(&previous)
    }

    /// Asks a query of the user's own, rendered, as of the same moment as [`Prometheus::read`].
    /// `name` is the metric's name in the spec.
    ///
    /// # Errors
    /// [`ReadError`] when there is no answer, or one that gives neither one number nor one for
    /// each pod.
    pub async fn query(
        &self,
        name: &Arc<str>,
        query: &str,
        pod: &LabelName,
        now: Millis,
    ) -> Result<Measured, ReadError> {
        let answer = self.ask(&query.into(), pod, moment(now)).await;
        answer
            .and_then(|data| gather::measured(&data))
            .map_err(|fault| self.failure(fault, Asked::Metric(Arc::clone(name))))
    }

    /// Asks once more where an answer does not say enough: a histogram without buckets may be a native
    /// one, which has none, and then the answer says so; and where pods consume so many topics that
    /// there are too many series, their plain sum is as good as any.
    async fn asked_again(
        &self,
        column: &Column,
        answer: Answer,
        request: &PodsRequest,
        at: Millis,
    ) -> Answer {
        let pod = &request.labels.pod;
        match (column, &answer) {
            (Column::Buckets(base), Ok(data)) if data.is_empty() => {
                match self.ask(&request.scope().sum(base).into(), pod, at).await {
                    Err(fault @ Fault::Unsupported { .. }) => Err(fault),
                    Ok(_) | Err(_) => answer,
                }
            }
            (Column::ByTopic(_, selector), Err(Fault::TooLarge { .. })) => {
                self.ask(&request.scope().sum(selector).into(), pod, at).await
            }
            (
                Column::Number(_)
                | Column::ByTopic(..)
                | Column::Buckets(_)
                | Column::Containers
                | Column::ContainerTimes
                | Column::ApplicationTime
                | Column::MemoryTime,
                _,
            ) => answer,
        }
    }

    async fn ask(&self, query: &Arc<str>, pod: &LabelName, at: Millis) -> Answer {
        let question = InstantQuery { text: Arc::clone(query), at, pod: pod.clone() };
        self.inner.flights.join(question, || self.request(query, pod, at)).await
    }

    /// Sends one question to the server. POST, because the names of many pods make a long query.
    fn request(&self, query: &str, pod: &LabelName, at: Millis) -> BoxFuture<'static, Answer> {
        let pod = pod.clone();
        let AnswerLimits { deadline, bytes, series } = self.inner.limits;
        let millis = i64::try_from(deadline.as_millis()).unwrap_or(i64::MAX);
        let asking = self
            .inner
            .client
            .query(query)
            .at(at / QUANTUM_MILLIS)
            .timeout(millis)
            .query("limit", series)
            // VictoriaMetrics: or it moves any time of the last 30 s (`-search.latencyOffset`) back
            // to their start, where every sample is too old. Others don't know the parameter.
            .query("nocache", 1)
            // Raw: the library would read a body of any size.
            .post_raw();
        let exchange = async move {
            let response = asking.await.map_err(|error| fault_of(&error))?;
            let status = response.status().as_u16();
            let body = http::body(response, bytes).await?;
            let bounds = VectorBounds { pod: pod.as_str(), series };
            answer::read(status, &body.bytes, bounds).map(Arc::new)
        };
        async move {
            let timed_out = Err(Fault::timed_out(deadline));
            tokio::time::timeout(deadline, exchange).await.unwrap_or(timed_out)
        }
        .boxed()
    }

    fn failure(&self, fault: Fault, asked: Asked) -> ReadError {
        fault.on(asked, self.inner.address.shared())
    }
}

/// Shows the address alone: the client inside holds credentials.
impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus")
            .field("address", &self.inner.address.as_str())
            .finish_non_exhaustive()
    }
}

/// The moment that questions asked at `now` are about.
fn moment(now: Millis) -> Millis {
    now.saturating_sub(SETTLE_MILLIS).div_euclid(QUANTUM_MILLIS) * QUANTUM_MILLIS
}

fn fault_of(error: &prometheus_http_query::Error) -> Fault {
    if let prometheus_http_query::Error::Client(error) = error
        && let Some(error) = error.inner()
    {
        return http::broken(error);
    }
    Fault::unreachable(error.to_string())
}

#[cfg(test)]
mod tests;
