//! What the judge is told of the user's own metrics and checks: names and bounds, as the plan has
//! them. Where their values come from is said elsewhere.

use std::sync::Arc;

use siskin_analysis::{Against, Check, Scope, Threshold, UserMetric, UserRule};
use siskin_api::{Decimal, FrozenPlan};

/// The metrics of a plan, and then its checks.
pub(crate) fn definitions(plan: &FrozenPlan) -> Arc<[UserMetric]> {
    let metrics = plan
        .metrics
        .iter()
        .map(|it| UserMetric { name: (&*it.name).into(), rule: rule(it.threshold.as_ref()) });
    let checks = plan
        .checks
        .iter()
        .map(|it| UserMetric { name: it.name.as_str().into(), rule: UserRule::Check(check(it)) });
    metrics.chain(checks).collect()
}

fn rule(threshold: Option<&siskin_api::Threshold>) -> UserRule {
    let Some(it) = threshold else { return UserRule::Ratio };
    UserRule::Threshold(Threshold {
        min: it.min.map(Decimal::as_f64),
        max: it.max.map(Decimal::as_f64),
        failure_limit: u32::try_from(it.failure_limit).unwrap_or(0),
        against: match it.against {
            siskin_api::Against::Absolute => Against::Absolute,
            siskin_api::Against::Primary => Against::Primary,
            siskin_api::Against::Before => Against::Before,
        },
        scope: match it.scope {
            siskin_api::Scope::Pods => Scope::Pods,
            siskin_api::Scope::Global => Scope::Global,
        },
    })
}

fn check(it: &siskin_api::Check) -> Check {
    Check {
        less_than: it.less_than.map(Decimal::as_f64),
        greater_than: it.greater_than.map(Decimal::as_f64),
        failure_limit: u32::try_from(it.failure_limit).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests;
