//! How a rollout advances: the steps a user writes, and the steps they mean.
//! Only shape and arithmetic: which step a rollout is at, and when it moves, is decided elsewhere.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules;
use crate::units::Duration;

/// How a new version takes over: in which steps, at which pace, and what happens when the evidence
/// stays thin.
///
/// Either `steps`, or `stepWeight` and `maxWeight` together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    cel,
    validation = rules::STEPS_OR_SHORTHAND,
    validation = rules::SHORTHAND_WHOLE,
    validation = rules::SHORTHAND_ORDER,
    validation = rules::MAX_HOLD_COVERS_HOLDS
)]
pub struct Strategy {
    /// The canary's size at each step, in rising order, 1 to 20 of them. All by `weight` or all by
    /// `replicas`. After the last step the version is promoted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 20))]
    #[x_kube(
        validation = rules::STEPS_OF_ONE_KIND,
        validation = rules::WEIGHTS_RISE,
        validation = rules::REPLICAS_RISE
    )]
    pub steps: Vec<StepSpec>,
    /// Shorthand for evenly spaced steps: the canary grows by this percentage of the pods at each
    /// step, up to `maxWeight`. `stepWeight: 10, maxWeight: 50` means 10, 20, 30, 40, 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub step_weight: Option<i32>,
    /// The weight of the last step of the shorthand, in percent of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub max_weight: Option<i32>,
    /// How long the canary is compared with the primary at a step that names no `hold` of its own,
    /// and at each step of the shorthand. Counted while all pods of the step are ready and in the
    /// settled group; `warmUp` is part of it. At most 168h, by default 5m.
    #[serde(default = "Strategy::default_hold")]
    #[x_kube(validation = rules::HOLD)]
    pub hold: Duration,
    /// Which pods come first; the type has the words, for in the CRD they stand in for a field's that may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Upper bound of all pods together, primary and canary: for example the number of partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2000))]
    pub max_consumers: Option<i32>,
    /// A pod younger than this is not compared, only watched for gross failures. At most 24h, by
    /// default 1m.
    #[serde(default = "Strategy::default_warm_up")]
    #[x_kube(validation = rules::WARM_UP)]
    pub warm_up: Duration,
    /// How long a step may go on without progress of the canary's own; then the version is rolled
    /// back. It begins anew with each canary pod that becomes available and joins the consumer
    /// group, and stands while anything else is in the way: primary pods that start or leave,
    /// another number of replicas, no room in the cluster, a group that cannot be read. Holds and
    /// pauses do not count. Also the longest time without progress of a promotion, a rollback or a
    /// deletion before it is called overdue. From 10s to 24h, by default 10m.
    #[serde(default = "Strategy::default_progress_deadline")]
    #[x_kube(validation = rules::PROGRESS_DEADLINE)]
    pub progress_deadline: Duration,
    /// How long a step may stay inconclusive before `onInconclusive` applies. Default: three times
    /// the step's hold. At most 504h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::MAX_HOLD)]
    pub max_hold: Option<Duration>,
    /// What happens when a step is still inconclusive after `maxHold`: `Pause`, the default, waits
    /// for a person, `Promote` goes on if only the amount of traffic was too small (missing data
    /// always pauses), `Rollback` gives the version up.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
}

/// One step: how large the canary is, and for how long it is compared with the primary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(cel, validation = rules::STEP_HAS_ONE_SIZE)]
pub struct StepSpec {
    /// Share of the pods that run the canary, in percent, 1 to 99. Rounded to whole pods, at least
    /// one canary pod and, of two or more, one primary pod. Of a single pod the canary takes the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub weight: Option<i32>,
    /// Number of canary pods, instead of a weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: Option<i32>,
    /// How long the canary is compared with the primary at this step. Default: `strategy.hold`. At
    /// most 168h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::HOLD)]
    pub hold: Option<Duration>,
    /// `Required` waits at the end of the step until a person approves it.
    #[serde(default)]
    pub approval: Approval,
}

/// Whether a step ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Approval {
    /// The step ends when its hold is over and the verdict is Pass.
    #[default]
    None,
    /// It also waits for the annotation `siskin.dev/approve`.
    Required,
}

/// `SurgeFirst` starts pods of one role before it stops those of the other, as many at a time as the Deployment's own
/// `maxSurge` allows; what finds no room there is stopped first, within its `maxUnavailable`. `DrainFirst` stops pods first
/// and waits until they have left, for groups that must never have more members than `replicas`. By default `DrainFirst` if
/// the Deployment's strategy is `Recreate` or its `maxSurge` is 0, else `SurgeFirst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Order {
    /// Start the new one, then stop the old one.
    SurgeFirst,
    /// Stop the old one, then start the new one.
    DrainFirst,
}

/// What follows a step that is still inconclusive after its longest hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum OnInconclusive {
    /// Wait for a person.
    #[default]
    Pause,
    /// Go on, if nothing was missing but traffic.
    Promote,
    /// Roll back and reject the revision.
    Rollback,
}

/// One step in full: no shorthand and no default is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How large the canary is.
    pub size: StepSize,
    /// How long it is compared.
    pub hold: Duration,
    /// Whether a person has to approve the end of the step.
    pub approval: Approval,
}

/// The canary's size at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepSize {
    /// Percent of the desired count, 1..=99.
    Weight(i32),
    /// Pods, at least 1.
    Replicas(i32),
}

/// What a step needs at the end of its hold to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum MinimumEvidence {
    /// A large effect is ruled out for every signal.
    Proven,
    /// Or nothing unusual was seen of a few messages at least.
    #[default]
    Observed,
}

impl MinimumEvidence {
    /// The least evidence of a plan that an older build froze: it knew no other.
    pub(crate) const fn of_older_plans() -> Self {
        Self::Proven
    }
}

impl Strategy {
    /// The steps in full: the shorthand expanded, every hold filled in. At most 99.
    ///
    /// Has a meaning only for a strategy that `CanaryRolloutSpec::validate` accepts; of any other
    /// it returns what can be read, possibly nothing.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        match (self.step_weight, self.max_weight) {
            (Some(by), Some(max)) if self.steps.is_empty() => self.expand_shorthand(by, max),
            (Some(_) | None, Some(_) | None) => {
                self.steps.iter().filter_map(|it| it.parse(self.hold)).collect()
            }
        }
    }

    fn expand_shorthand(&self, by: i32, max: i32) -> Vec<Step> {
        if by < 1 || max < 1 {
            return Vec::new();
        }
        let multiples = (1..).map(|nth: i32| by.saturating_mul(nth));
        let below_max = multiples.take_while(|it| *it < max).take(Self::MAX_STEPS - 1);
        let (hold, approval) = (self.hold, Approval::None);
        below_max
            .chain([max])
            .map(|it| Step { size: StepSize::Weight(it), hold, approval })
            .collect()
    }

    /// Most steps of a strategy, one for each whole percentage: `stepWeight: 1, maxWeight: 99`.
    pub const MAX_STEPS: usize = 99;

    // Long enough for ten commits of a slow consumer and for the judge to see a doubled error rate
    // at modest traffic.
    const fn default_hold() -> Duration {
        Duration::from_mins(5)
    }

    // A JVM consumer is past class loading and its first fetches after about a minute.
    const fn default_warm_up() -> Duration {
        Duration::from_secs(60)
    }

    // The default of `Deployment.spec.progressDeadlineSeconds`.
    const fn default_progress_deadline() -> Duration {
        Duration::from_mins(10)
    }
}

impl StepSpec {
    /// The step with `default_hold` filled in; nothing if it has no size.
    #[must_use]
    pub fn parse(&self, default_hold: Duration) -> Option<Step> {
        let by_weight = self.weight.map(StepSize::Weight);
        let size = by_weight.or(self.replicas.map(StepSize::Replicas))?;
        Some(Step { size, hold: self.hold.unwrap_or(default_hold), approval: self.approval })
    }
}

impl From<Step> for StepSpec {
    fn from(step: Step) -> Self {
        let (weight, replicas) = match step.size {
            StepSize::Weight(percent) => (Some(percent), None),
            StepSize::Replicas(pods) => (None, Some(pods)),
        };
        Self { weight, replicas, hold: Some(step.hold), approval: step.approval }
    }
}
