//! From a rollout and the group it meets to what its steps can find.
//! Puts the question to `siskin_analysis::power`; computes nothing itself.

use std::sync::Arc;

use siskin_analysis::power::{BaseRates, Estimate, PlannedStep, Traffic, estimate};
use siskin_analysis::{MinimumEvidence, Settings, UserMetric, UserRule};
use siskin_api::{CanaryRollout, FrozenPlan, Order, StepSize};
use siskin_decide::canary_count;

use crate::lint::expected::Expected;

/// A rollout with what was estimated for it.
pub(crate) struct Forecast {
    /// `namespace/name`, or the name alone.
    pub(crate) name: String,
    pub(crate) traffic: Traffic,
    pub(crate) plan: FrozenPlan,
    pub(crate) estimate: Estimate,
}

/// Why nothing can be estimated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unknown {
    #[error("{name}: spec.replicas is {replicas}, so an estimate needs --consumers, 1 to 1000")]
    Consumers { name: String, replicas: String },
    #[error("{0}: an estimate needs --partitions, 1 to 1000000, and --rate, above 0")]
    Traffic(String),
}

impl Forecast {
    /// Estimates what the steps of a rollout can find in a group.
    ///
    /// # Errors
    /// When the size of the group, or its traffic, is not known.
    pub(crate) fn of(rollout: &CanaryRollout, group: &Expected) -> Result<Self, Unknown> {
        let name = name(rollout);
        let (Some(partitions), Some(rate)) = (group.partitions, group.rate) else {
            return Err(Unknown::Traffic(name));
        };
        let asked = group.consumers.or(rollout.spec.replicas.and_then(|it| u32::try_from(it).ok()));
        let Some(asked) = asked.filter(|it| 0 < *it) else {
            let replicas = rollout.spec.replicas.map_or("not set".to_owned(), |it| it.to_string());
            return Err(Unknown::Consumers { name, replicas });
        };
        let ceiling = rollout.spec.strategy.max_consumers.and_then(|it| u32::try_from(it).ok());
        let traffic = Traffic {
            consumers: asked.min(ceiling.unwrap_or(asked)),
            partitions,
            rate,
            commit_interval: group.commit_interval.as_millis(),
            metrics: group
                .metrics
                .then_some(BaseRates { errors: group.error_rate, slow: group.slow_share }),
        };
        let plan = rollout.spec.freeze(Order::SurgeFirst);
        let settings = Settings {
            interval: plan.interval.as_millis(),
            warm_up: plan.warm_up.as_millis(),
            false_rollback_probability: plan.false_rollback_probability.as_f64(),
            minimum_evidence: match plan.minimum_evidence {
                siskin_api::MinimumEvidence::Proven => MinimumEvidence::Proven,
                siskin_api::MinimumEvidence::Observed => MinimumEvidence::Observed,
            },
            user: ratios(&plan.metrics),
            remembered: siskin_analysis::Remembered::default(),
        };
        let planned: Vec<PlannedStep> = rollout
            .spec
            .steps()
            .iter()
            .map(|step| PlannedStep {
                canary: canary_pods(step.size, traffic.consumers),
                hold: step.hold.as_millis(),
                max_hold: plan.max_hold_of(step).as_millis(),
            })
            .collect();
        let estimate = estimate(&settings, &traffic, &planned);
        Ok(Self { name, traffic, plan, estimate })
    }
}

/// Canary pods of a step, as the operator counts them.
fn canary_pods(size: StepSize, total: u32) -> u32 {
    // The schema has no size below 1; what it refuses counts as the smallest.
    let count = |it: i32| u32::try_from(it).unwrap_or(0);
    let size = match size {
        StepSize::Weight(percent) => siskin_decide::StepSize::Weight(count(percent)),
        StepSize::Replicas(pods) => siskin_decide::StepSize::Replicas(count(pods)),
    };
    canary_count(size, total)
}

fn name(rollout: &CanaryRollout) -> String {
    let name = rollout.metadata.name.as_deref().unwrap_or_default();
    match &rollout.metadata.namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// The user's ratios, which take their part of the error budget. Bounds take none.
fn ratios(metrics: &[siskin_api::UserMetric]) -> Arc<[UserMetric]> {
    let ratios = metrics.iter().filter(|it| it.ratio.is_some());
    ratios.map(|it| UserMetric { name: (&*it.name).into(), rule: UserRule::Ratio }).collect()
}
