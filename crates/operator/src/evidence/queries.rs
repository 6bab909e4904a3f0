//! The user's own metrics: their queries, asked with the pods of this moment in them, and the
//! answers pod by pod. What the numbers mean is the judge's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use siskin_analysis::observation::{Millis, Role, UserReading};
use siskin_api::MetricQuery;
use siskin_prometheus::{
    Asked, Fault, LabelName, Measured, Prometheus, ReadError, Template, TemplateValues,
};

use crate::evidence::concern::Concern;
use crate::observe::pods::PodsOfTarget;

/// Queries of one rollout that are under way at one time: ten metrics of two queries each may be
/// asked pod by pod, and a Prometheus serves others as well.
const MAX_QUERIES_AT_ONCE: usize = 8;

/// Pods that are asked about one by one; beyond that the query has to name them all.
const MAX_PODS_ONE_BY_ONE: usize = 50;

/// The shortest `{{window}}`: what dashboards use, and four scrapes where they are 15 s apart.
const SHORTEST_WINDOW: Duration = Duration::from_secs(60);

/// `{{window}}` in readings: a rate needs two scrapes, and one of them may be missing.
const WINDOW_IN_READINGS: u32 = 4;

/// The queries of a rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queries {
    all: Arc<[Query]>,
    /// Revisions of primary and canary, as far as they are known.
    revisions: [Arc<str>; 2],
}

/// One query of one metric.
#[derive(Clone, Debug, PartialEq)]
struct Query {
    metric: Arc<str>,
    part: MetricQuery,
    template: Template,
}

/// Who is asked, about which pods, and as of when.
#[derive(Clone, Copy)]
pub(super) struct QueryContext<'a> {
    pub(super) client: &'a Prometheus,
    /// The label that names a pod.
    pub(super) label: &'a LabelName,
    pub(super) namespace: &'a str,
    pub(super) pods: &'a PodsOfTarget,
    /// Time between two readings.
    pub(super) interval: Duration,
    pub(super) at: Millis,
}

/// Answers, and what could not be read.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) values: Vec<(Arc<str>, Arc<str>, UserReading)>,
    pub(super) failures: Vec<ReadError>,
}

/// A query with everything filled in, and the pods that its answer is about.
struct FilledQuery {
    query: Query,
    text: String,
    about: Vec<Arc<str>>,
}

impl Queries {
    /// The queries of these metrics, or what is wrong with one of them.
    pub(crate) fn parse(
        metrics: &[siskin_api::UserMetric],
        revisions: [Arc<str>; 2],
    ) -> Result<Self, Concern> {
        let mut all = Vec::new();
        for (index, metric) in metrics.iter().enumerate() {
            for (part, text) in metric.queries() {
                let parse = if part.is_counter() { Template::counter } else { Template::parse };
                let template = parse(text).map_err(|error| {
                    let field = format!("spec.analysis.metrics[{index}].{}", part.field());
                    Concern::new("InvalidMetric", format!("{field}: {error}"))
                })?;
                all.push(Query { metric: metric.name.as_str().into(), part, template });
            }
        }
        Ok(Self { all: all.into(), revisions })
    }

    /// Asks every query.
    pub(super) async fn ask(&self, context: QueryContext<'_>) -> Answers {
        let QueryContext { client, label, at, .. } = context;
        let mut failures = Vec::new();
        let all = self.all.iter();
        let filled_queries: Vec<_> =
            all.flat_map(|it| self.filled_queries(it, context, &mut failures)).collect();
        let asked = filled_queries.into_iter().map(|it| async move {
            let answer = client.query(&it.query.metric, &it.text, label, at).await;
            (it, answer)
        });
        let mut answers = stream::iter(asked).buffered(MAX_QUERIES_AT_ONCE);
        let mut found: BTreeMap<(Arc<str>, Arc<str>), UserReading> = BTreeMap::new();
        while let Some((filled, answer)) = answers.next().await {
            let query = &filled.query;
            let values = answer.and_then(|it| filled.values(it, client));
            match values {
                Ok(values) => {
                    for (pod, value) in values {
                        let reading = found.entry((pod, query.metric.clone())).or_default();
                        put(reading, query.part, value);
                    }
                }
                Err(error) => failures.push(error),
            }
        }
        let values = found.into_iter().map(|((pod, metric), it)| (pod, metric, it)).collect();
        Answers { values, failures }
    }

    /// One query for all pods, one for each role, or one for each pod: as few as the query's
    /// variables allow.
    fn filled_queries(
        &self,
        query: &Query,
        context: QueryContext<'_>,
        failures: &mut Vec<ReadError>,
    ) -> Vec<FilledQuery> {
        let QueryContext { client, namespace, pods, interval, .. } = context;
        let window = (interval * WINDOW_IN_READINGS).max(SHORTEST_WINDOW);
        let ask = |role: Role, pods: Vec<Arc<str>>| {
            let revision = match role {
                Role::Primary => &self.revisions[0],
                Role::Canary => &self.revisions[1],
            };
            let pod = pods.first().map_or("", |it| &**it);
            let values = TemplateValues { pods: &pods, pod, role, namespace, revision, window };
            FilledQuery { query: query.clone(), text: query.template.render(&values), about: pods }
        };
        let by_role = [Role::Primary, Role::Canary].map(|role| (role, pods.names(role)));
        let by_role = by_role.into_iter().filter(|it| !it.1.is_empty());
        if query.template.is_per_pod() {
            let pods: Vec<_> = by_role
                .flat_map(|(role, pods)| pods.into_iter().map(move |it| (role, it)))
                .collect();
            if MAX_PODS_ONE_BY_ONE < pods.len() {
                let fault =
                    Fault::TooLarge { limit: MAX_PODS_ONE_BY_ONE, unit: "pods asked one by one" };
                failures.push(query.failed(fault, client));
                return Vec::new();
            }
            return pods.into_iter().map(|(role, pod)| ask(role, vec![pod])).collect();
        }
        if query.template.is_per_role() {
            return by_role.map(|(role, pods)| ask(role, pods)).collect();
        }
        let all = pods.all_names();
        if all.is_empty() { Vec::new() } else { vec![ask(Role::Canary, all)] }
    }
}

impl FilledQuery {
    /// The number of each pod that the query was about.
    fn values(
        &self,
        answer: Measured,
        client: &Prometheus,
    ) -> Result<Vec<(Arc<str>, f64)>, ReadError> {
        let one_pod = self.about.len() == 1;
        match (answer, self.query.part) {
            (Measured::Nothing, _) => Ok(Vec::new()),
            (Measured::PerPod(mut values), _) => {
                values.retain(|pod, _| self.about.contains(pod));
                Ok(values.into_iter().collect())
            }
            (Measured::One(value), MetricQuery::Value) => {
                Ok(self.about.iter().map(|it| (it.clone(), value)).collect())
            }
            (Measured::One(value), MetricQuery::Events | MetricQuery::Total) if one_pod => {
                Ok(self.about.iter().map(|it| (it.clone(), value)).collect())
            }
            (Measured::One(_), MetricQuery::Events | MetricQuery::Total) => {
                let fault = Fault::Unsupported {
                    found: "one number for several pods",
                    remedy: "aggregate a ratio's counters by the pod label",
                };
                Err(self.query.failed(fault, client))
            }
        }
    }
}

impl Query {
    fn failed(&self, fault: Fault, client: &Prometheus) -> ReadError {
        let asked = Asked::Metric(self.metric.clone());
        ReadError { asked, source_name: client.address().as_str().into(), fault }
    }
}

/// Takes an answer's value into what is known of a pod.
const fn put(reading: &mut UserReading, part: MetricQuery, value: f64) {
    match part {
        MetricQuery::Events => reading.events = Some(value),
        MetricQuery::Total => reading.total = Some(value),
        MetricQuery::Value => reading.value = Some(value),
    }
}

#[cfg(test)]
pub(super) mod tests;
