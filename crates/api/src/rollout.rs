//! `CanaryRollout`: what a user asks for. Doc comments of fields are what `kubectl explain` says.
//! Says what is asked, never what was found: that is `status`.

// Each printer column has a type of its own.
#![expect(clippy::duplicated_attributes)]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::KafkaSource;
use crate::metrics::{Check, PrometheusSource, ScrapeSource, SeriesNames, UserMetric};
use crate::progress::FrozenPlan;
use crate::references::TargetRef;
use crate::rules;
use crate::status::CanaryRolloutStatus;
use crate::strategy::{MinimumEvidence, Order, Step, StepSpec, Strategy};
use crate::units::{Duration, Probability};

/// What to roll out, how, and by which evidence a new version is judged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::VARIABLES_NEED_INJECT)]
#[kube(
    group = "siskin.dev",
    version = "v1alpha1",
    kind = "CanaryRollout",
    plural = "canaryrollouts",
    shortname = "cro",
    category = "siskin",
    namespaced,
    cel,
    doc = "Progressive delivery of a Deployment of Kafka consumers: each new version runs as a few \
           canary consumers first, is compared with the primary ones, and is then promoted or \
           rolled back.",
    status = "CanaryRolloutStatus",
    derive = "PartialEq",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(
        name = "Phase",
        type_ = "string",
        json_path = ".status.phase",
        description = "Where the rollout is"
    ),
    printcolumn(
        name = "Step",
        type_ = "string",
        json_path = ".status.summary.step",
        description = "Current step of all steps"
    ),
    printcolumn(
        name = "Weight",
        type_ = "integer",
        json_path = ".status.summary.weight",
        description = "Share of the pods that run the canary, in percent"
    ),
    printcolumn(
        name = "Canary",
        type_ = "string",
        json_path = ".status.summary.canary",
        description = "Canary pods, ready of all"
    ),
    printcolumn(
        name = "Primary",
        type_ = "string",
        json_path = ".status.summary.primary",
        description = "Primary pods, ready of all"
    ),
    printcolumn(
        name = "Lag",
        type_ = "string",
        json_path = ".status.summary.lag",
        description = "Messages behind, canary and primary"
    ),
    printcolumn(
        name = "Verdict",
        type_ = "string",
        json_path = ".status.summary.verdict",
        description = "What the comparison says now"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Revision",
        type_ = "string",
        json_path = ".status.revisions.desired",
        description = "Revision that the Deployment asks for",
        priority = 1
    ),
    printcolumn(
        name = "Autoscaler",
        type_ = "string",
        json_path = ".status.autoscaler.name",
        description = "Autoscaler that is kept pointed here",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.message",
        description = "What is happening, or what is needed",
        priority = 1
    )
)]
pub struct CanaryRolloutSpec {
    /// The Deployment whose versions are rolled out. In the same namespace. Cannot be changed.
    #[x_kube(validation = rules::TARGET_IMMUTABLE)]
    pub target_ref: TargetRef,
    /// Number of consumers, primary and canary together, 0 to 1000. Leave it out if you scale the
    /// Deployment itself. An autoscaler (HPA, KEDA) that points at this `CanaryRollout` sets it
    /// through the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<i32>,
    /// Stops the rollout from advancing. Rollbacks, scaling and repairs go on.
    #[serde(default)]
    pub suspend: bool,
    /// Which changes of the Deployment need a canary: `Template`, the default, any change of the
    /// pod template (restarts aside); `PodSpec`, any change of its spec; `ContainersOnly`, changes
    /// of containers and init containers. Other changes go to the primary directly.
    #[serde(default)]
    pub canary_on: CanaryOn,
    /// `Inject`, the default, gives the containers the environment variables `POD_NAME` and
    /// `SISKIN_ROLE` (`primary` or `canary`), for `client.id` and feature flags; `None` leaves the
    /// environment alone.
    #[serde(default)]
    pub pod_identity: PodIdentity,
    /// Further environment variables that get the pod's name as their value, at most 8, so that an
    /// unchanged application has a `client.id` that names its pod: `SPRING_KAFKA_CONSUMER_CLIENT_ID`
    /// for Spring Boot. One that a container sets in `env` itself is left alone; one that it has by
    /// `envFrom` is overridden. A change restarts nothing: it comes with the next version, or with
    /// `kubectl rollout restart` of the Deployment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 8),
        inner(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z_.-][A-Za-z0-9_.-]*$"))
    )]
    #[x_kube(validation = rules::OWN_VARIABLES, validation = rules::VARIABLES_ONCE)]
    pub pod_name_env: Vec<String>,
    /// Steps, pace, and what happens when the evidence stays thin.
    pub strategy: Strategy,
    /// By which evidence the canary is compared with the primary.
    pub analysis: Analysis,
}

/// Which changes of the target's pod template need a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum CanaryOn {
    /// Any change of the template but annotations that only ask for a restart.
    #[default]
    Template,
    /// Any change of the pod spec; not labels, not annotations.
    PodSpec,
    /// Any change of the containers and init containers.
    ContainersOnly,
}

/// Whether pods learn their own name and role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum PodIdentity {
    /// `POD_NAME` and `SISKIN_ROLE` are added to the environment of each container.
    #[default]
    Inject,
    /// The environment stays as it is.
    None,
}

/// By which evidence the canary is compared with the primary, and how sure a rollback has to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(cel, validation = rules::ONE_METRICS_SOURCE, validation = rules::SERIES_NEED_A_SOURCE, validation = rules::METRICS_NEED_PROMETHEUS)]
#[x_kube(validation = rules::CHECKS_NEED_A_SOURCE, validation = rules::ERROR_RATE_NEEDS_SERIES, validation = rules::SUCCESS_RATE_NEEDS_SERIES)]
#[x_kube(validation = rules::LATENCY_NEEDS_SERIES, validation = rules::CHECK_NAMES_ARE_TAKEN)]
pub struct Analysis {
    /// How often the consumer group is read. From 1s to 1m, by default 10s.
    #[serde(default = "Analysis::default_interval")]
    #[x_kube(validation = rules::INTERVAL)]
    pub interval: Duration,
    /// The accepted probability that a healthy version is rolled back by the comparison, over a
    /// whole rollout however often it is looked at. Greater than 0, at most 0.2, up to six
    /// decimals, by default 0.01. Smaller means slower detection.
    #[serde(default = "Analysis::default_false_rollback_probability")]
    #[x_kube(validation = rules::FALSE_ROLLBACK_PROBABILITY)]
    pub false_rollback_probability: Probability,
    /// What a step needs at the end of its hold to go on. `Proven`: a large effect is ruled out for
    /// every signal, which takes thousands of messages where little fails. `Observed`, the default: that,
    /// or nothing unusual among the messages that came, 20 at least; the status says which it was, and
    /// which bound that shows. What neither can show is inconclusive.
    #[serde(default)]
    pub minimum_evidence: MinimumEvidence,
    /// The Kafka cluster and the consumer group.
    pub kafka: KafkaSource,
    /// Where the pods' metrics are read from. Without it, and without `scrape`, the comparison is
    /// by Kafka and the pods' own state alone, and blind to errors, latency, losses and memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusSource>,
    /// The pods' own metrics endpoint, read instead of a Prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrape: Option<ScrapeSource>,
    /// What the consumers export. Default: only the working set is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesNames>,
    /// Metrics of your own, by PromQL, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub metrics: Vec<UserMetric>,
    /// Bounds on values that need no query, by the names that other tools gave them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub checks: Vec<Check>,
}

impl CanaryRolloutSpec {
    /// The steps of the strategy, with every default: see [`Strategy::steps`].
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.strategy.steps()
    }

    /// The plan that a trial which starts now keeps to its end, whatever happens to the spec
    /// meanwhile. `order` is what the Deployment's own strategy asks for; one in the spec wins.
    #[must_use]
    pub fn freeze(&self, order: Order) -> FrozenPlan {
        FrozenPlan {
            steps: self.steps().into_iter().map(StepSpec::from).collect(),
            order: self.strategy.order.unwrap_or(order),
            warm_up: self.strategy.warm_up,
            progress_deadline: self.strategy.progress_deadline,
            max_hold: self.strategy.max_hold,
            on_inconclusive: self.strategy.on_inconclusive,
            false_rollback_probability: self.analysis.false_rollback_probability,
            minimum_evidence: self.analysis.minimum_evidence,
            interval: self.analysis.interval,
            kafka: Some(self.analysis.kafka.clone()),
            metrics: self.analysis.metrics.clone(),
            checks: self.analysis.checks.clone(),
        }
    }
}

impl Analysis {
    // Two to three readings per commit interval of common clients (5 s) would add nothing; ten
    // seconds find a stall well within a minute.
    const fn default_interval() -> Duration {
        Duration::from_secs(10)
    }

    // One false alarm in a hundred rollouts is what on-call people put up with.
    const fn default_false_rollback_probability() -> Probability {
        match Probability::from_millionths(10_000) {
            Some(it) => it,
            None => unreachable!(),
        }
    }
}
