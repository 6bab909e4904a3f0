//! Where the metrics of the pods come from, and which of them are compared.
//! Names and places only: what a query means is the operator's, what a difference means the judge's.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::references::SecretRef;
use crate::rules;
use crate::units::Decimal;

/// A Prometheus, or what answers like one: Thanos, Mimir, VictoriaMetrics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusSource {
    /// Where its HTTP API is, without `/api/v1`: `http://prometheus.monitoring:9090`, or with the
    /// path that Mimir and VictoriaMetrics need, `https://mimir.example.org/prometheus`. No user
    /// name and no password: those belong into the Secret.
    #[schemars(length(min = 8, max = 500), regex(pattern = PrometheusSource::ADDRESS_PATTERN))]
    pub address: String,
    /// A Secret of this namespace that says how to connect, by the keys `token` (bearer) or
    /// `username` and `password` (basic), `ca.crt` (TLS), `tls.crt` and `tls.key` (client
    /// certificate), and `tenant` (the header `X-Scope-OrgID`). Default: none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
    /// Whether a token or a password is sent over `http://`, where whoever is on the way reads it. By default it is not: such
    /// an address with such a Secret is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_plain_http: bool,
    /// The label that holds the pod's name, by default `pod`.
    #[serde(default = "PrometheusSource::default_pod_label")]
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL_PATTERN))]
    pub pod_label: String,
    /// The label that holds the pod's namespace, by default `namespace`.
    #[serde(default = "PrometheusSource::default_namespace_label")]
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL_PATTERN))]
    pub namespace_label: String,
}

/// The pods' own metrics endpoints, read by the operator: for those who have no Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScrapeSource {
    /// The name of the container port that answers with metrics in the text format. A pod without
    /// a port of this name has no metrics.
    #[schemars(length(min = 1, max = 15), regex(pattern = PORT_NAME_PATTERN))]
    pub port: String,
    /// The path, by default `/metrics`.
    #[serde(default = "ScrapeSource::default_path")]
    #[schemars(length(min = 1, max = 200), regex(pattern = r"^/[!-~]*$"))]
    pub path: String,
}

/// What the consumers export, each by the name of its series, with label matchers where it has
/// more than one meaning: `orders_failed_total` or `app_errors_total{kind="terminal"}`. The series
/// of one pod are added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesNames {
    /// Names that a common library or exporter uses. Those given beside it count instead of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Counter of messages taken from Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub consumed: Option<String>,
    /// Counter of messages whose processing succeeded. With `consumed` and `errors` it shows
    /// messages that are lost without an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub processed: Option<String>,
    /// Counter of messages whose processing failed for good; retries don't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub errors: Option<String>,
    /// Counter of messages that are skipped on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub filtered: Option<String>,
    /// Classic histogram of the processing time in seconds, by its name without `_bucket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub latency: Option<String>,
    /// Gauge of the working set in bytes. Default: cadvisor's
    /// `container_memory_working_set_bytes` with `prometheus`, `process_resident_memory_bytes`
    /// with `scrape`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub working_set: Option<String>,
    /// Counter of CPU time in seconds, which is compared per message of `consumed`. Default: cadvisor's
    /// `container_cpu_usage_seconds_total` with `prometheus`, `process_cpu_seconds_total` with
    /// `scrape`. One that no pod has switches the comparison off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub cpu: Option<String>,
}

/// A field of [`SeriesNames`] that a check may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesField {
    /// `consumed`.
    Consumed,
    /// `processed`.
    Processed,
    /// `errors`.
    Errors,
    /// `latency`.
    Latency,
}

/// A metric of the user's own: what is asked, and what of the answer counts against the canary.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(cel, validation = rules::METRIC_HAS_ONE_KIND)]
pub struct UserMetric {
    /// Its name in findings and figures, unique among them.
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC_NAME_PATTERN))]
    pub name: String,
    /// Events per total, canary against primary, within `falseRollbackProbability`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// A value that has to stay within bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
}

/// One query of a user's metric, by the part that its answer plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricQuery {
    /// The events of a ratio.
    Events,
    /// The total of a ratio: everything that could have been an event.
    Total,
    /// The value of a threshold.
    Value,
}

/// Two counters per pod: the canary fails when its share of events is larger than the primary's by
/// more than chance and what is normal between pods explain.
///
/// Both queries answer with totals since the process started, one series per pod with the pod
/// label: `sum by (pod) (app_errors_total{pod=~"{{pods}}"})`. Not `rate` or `increase`: the
/// judge counts events, and takes the differences itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ratio {
    /// PromQL of the counter of events. A pod without a series has none while `total` has one.
    #[schemars(length(min = 1, max = MAX_QUERY))]
    pub events: String,
    /// PromQL of the counter of everything that could have been an event.
    #[schemars(length(min = 1, max = MAX_QUERY))]
    pub total: String,
}

/// A value per pod with bounds that somebody chose. It fails the canary whatever
/// `falseRollbackProbability` says, unless the primary is out of the bounds as well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(cel, validation = rules::THRESHOLD_HAS_A_BOUND, validation = rules::THRESHOLD_BOUNDS_ORDER, validation = rules::GLOBAL_HAS_NO_PRIMARY)]
pub struct Threshold {
    /// PromQL. With `{{pods}}` one question for all pods, answered with one series per pod with
    /// the pod label; with `{{pod}}` one question per pod, answered with one value. Also
    /// `{{namespace}}`, `{{role}}` (`primary`, `canary`), `{{revision}}` and `{{window}}`
    /// (four times `interval`, at least a minute, as in `[{{window}}]`).
    #[schemars(length(min = 1, max = MAX_QUERY))]
    pub query: String,
    /// The least that is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Decimal>,
    /// The most that is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Decimal>,
    /// Readings out of bounds that are put up with; the next one fails the canary. From 0 to 100,
    /// by default 3.
    #[serde(default = "Threshold::default_failure_limit")]
    #[schemars(range(min = 0, max = 100))]
    pub failure_limit: i32,
    /// What the bounds are about: `Absolute`, the default, the canary's value; `Primary`, that divided by the primary's;
    /// `Before`, that divided by what the primary's was before the trial.
    #[serde(default)]
    pub against: Against,
    /// Whom the value is about: `Pods`, the default, the pods, so that a reading counts as nothing where the primary is out of
    /// the bounds as well; `Global`, the whole, which counts for the canary whoever caused it.
    #[serde(default)]
    pub scope: Scope,
}

/// What the bounds of a threshold are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Against {
    /// The canary's value itself.
    #[default]
    Absolute,
    /// The canary's value divided by the primary's, each the median of its pods.
    Primary,
    /// The canary's value divided by what the primary's was before the trial, each the median of its pods.
    Before,
}

/// Whom the value of a threshold is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Scope {
    /// The pods, each or by role. A reading in which the primary is out of the bounds as well counts as nothing.
    #[default]
    Pods,
    /// The whole, as a query without pod and role answers: a figure of the business, the errors of
    /// a service that is called. It counts for the canary, whoever caused it.
    Global,
}

/// A bound on a value that is known by this name elsewhere, without a query: it is computed of each
/// canary pod from `series`, over a minute and four intervals at least. It fails the canary whatever
/// `falseRollbackProbability` says, unless the primary is out of the bound as well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(cel, validation = rules::CHECK_HAS_A_BOUND, validation = rules::CHECK_BOUNDS_ORDER, validation = rules::CHECK_BOUNDS_POSSIBLE, validation = rules::CHECK_SHARE_BOUNDS)]
pub struct Check {
    /// What is checked, each at most once: `error_rate`, the share of the consumed messages that
    /// failed, 0 to 1; `success_rate`, the share of the messages that were processed or failed that
    /// was processed, 0 to 1; `latency_p99`, the 99th percentile of the processing time in seconds;
    /// `memory_usage`, the working set as a share of the memory limit, 0 to 1.
    pub name: CheckName,
    /// The value has to be less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less_than: Option<Decimal>,
    /// The value has to be greater than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greater_than: Option<Decimal>,
    /// Readings out of bounds that are put up with; the next one fails the canary. From 0 to 100,
    /// by default 3.
    #[serde(default = "Threshold::default_failure_limit")]
    #[schemars(range(min = 0, max = 100))]
    pub failure_limit: i32,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// Failed messages per consumed one.
    ErrorRate,
    /// 99th percentile of the processing time, in seconds.
    LatencyP99,
    /// Processed messages per message that came to an end.
    SuccessRate,
    /// Working set per memory limit.
    MemoryUsage,
}

/// Names of series that common libraries use; docs/metrics-sources.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Preset {
    /// Micrometer's binder for Kafka clients: Quarkus, Micronaut, Spring.
    Micrometer,
    /// Micrometer's binder for Kafka clients, and Spring Kafka's listener timers.
    SpringKafka,
    /// Kafka client metrics of the OpenTelemetry Java instrumentation.
    OpenTelemetryJava,
    /// The Prometheus JMX exporter with its default name format.
    JmxExporter,
}

const MAX_QUERY: u32 = 2000;
const LABEL_PATTERN: &str = "^[a-zA-Z_][a-zA-Z0-9_]*$";
const PORT_NAME_PATTERN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const METRIC_NAME_PATTERN: &str = "^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

impl PrometheusSource {
    /// Pattern of an address in the schema: `http` or `https`, a host, a port, a path.
    pub const ADDRESS_PATTERN: &str = concat!(
        r"^https?://([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])",
        r"(:[0-9]{1,5})?(/[A-Za-z0-9._~%/-]*)?$",
    );

    fn default_pod_label() -> String {
        "pod".into()
    }

    fn default_namespace_label() -> String {
        "namespace".into()
    }
}

impl SeriesNames {
    /// The series, each with the name of its field.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Option<&str>); 7] {
        [
            ("consumed", self.consumed.as_deref()),
            ("processed", self.processed.as_deref()),
            ("errors", self.errors.as_deref()),
            ("filtered", self.filtered.as_deref()),
            ("latency", self.latency.as_deref()),
            ("workingSet", self.working_set.as_deref()),
            ("cpu", self.cpu.as_deref()),
        ]
    }
}

impl UserMetric {
    /// The queries of the metric.
    pub fn queries(&self) -> impl Iterator<Item = (MetricQuery, &str)> {
        let ratio = self.ratio.iter().flat_map(|it| {
            [(MetricQuery::Events, it.events.as_str()), (MetricQuery::Total, it.total.as_str())]
        });
        let threshold = self.threshold.iter().map(|it| (MetricQuery::Value, it.query.as_str()));
        ratio.chain(threshold)
    }
}

impl MetricQuery {
    /// Path of the query's field below the metric.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Events => "ratio.events",
            Self::Total => "ratio.total",
            Self::Value => "threshold.query",
        }
    }

    /// Whether the query has to answer with a counter.
    #[must_use]
    pub const fn is_counter(self) -> bool {
        match self {
            Self::Events | Self::Total => true,
            Self::Value => false,
        }
    }
}

impl ScrapeSource {
    fn default_path() -> String {
        "/metrics".into()
    }
}

impl CheckName {
    /// Name of the check in a spec.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::LatencyP99 => "latency_p99",
            Self::SuccessRate => "success_rate",
            Self::MemoryUsage => "memory_usage",
        }
    }

    /// Fields of `series` that the check is computed from; memory has defaults of its own.
    #[must_use]
    pub const fn needs(self) -> &'static [SeriesField] {
        match self {
            Self::ErrorRate => &[SeriesField::Consumed, SeriesField::Errors],
            Self::LatencyP99 => &[SeriesField::Latency],
            Self::SuccessRate => &[SeriesField::Processed, SeriesField::Errors],
            Self::MemoryUsage => &[],
        }
    }
}

impl SeriesNames {
    /// Whether the field has a series, its own or the preset's.
    #[must_use]
    pub fn names(&self, field: SeriesField) -> bool {
        let own = match field {
            SeriesField::Consumed => &self.consumed,
            SeriesField::Processed => &self.processed,
            SeriesField::Errors => &self.errors,
            SeriesField::Latency => &self.latency,
        };
        own.is_some() || self.preset.is_some_and(|it| it.names(field))
    }
}

impl Preset {
    /// Whether the preset has a series for the field.
    #[must_use]
    pub const fn names(self, field: SeriesField) -> bool {
        match (self, field) {
            (Self::SpringKafka, _)
            | (
                Self::Micrometer | Self::OpenTelemetryJava | Self::JmxExporter,
                SeriesField::Consumed,
            ) => true,
            (
                Self::Micrometer | Self::OpenTelemetryJava | Self::JmxExporter,
                SeriesField::Processed | SeriesField::Errors | SeriesField::Latency,
            ) => false,
        }
    }
}

impl Threshold {
    // As many as Argo Rollouts' users know from failureLimit in its examples; one bad reading of a
    // quantile is nothing.
    const fn default_failure_limit() -> i32 {
        3
    }
}
